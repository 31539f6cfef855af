/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_STALLS_H
#define SL_OBS_STALLS_H

/*
 * Internal: who waited for credit, found out without a walk over the streams.
 *
 * Each window remembers when it last ran out and when it opened again. A stream looks at that with its
 * next DATA frame, or when its call ends: what lies behind it then was a stall if it had something to
 * send (lib/wire/stall.h). So DATA that never waits costs two comparisons.
 */
#include "lib/wire/stall.h"

struct sl_observer;
struct sl_stream;
struct sl_obs_call;

/* The window of one stream in one direction. Zeroed: open. */
struct sl_wait {
    struct sl_at closed_at, opened_at;
    struct sl_at last_at;       /* the last DATA */
    int64_t peak;               /* the largest credit (struct sl_stream) that there was */
    uint32_t connection_closed; /* sl_connection_wait.count, as far as this stream has looked */
    enum sl_stall_end how;
    bool is_closed;
    bool is_new; /* it has run out since the last DATA */
};

/* The window of the connection in one direction. */
struct sl_connection_wait {
    struct sl_at closed_at; /* the first time of a chain: it opened in between for moments only */
    struct sl_at opened_at;
    uint32_t count; /* of times that it ran out */
    int64_t peak;
    size_t holder_count; /* when it last ran out */
    struct sl_stall_holder holders[SL_STALL_HOLDERS];
    uint64_t answer_ns; /* shortest that the sender took to answer; see has_answer */
    bool has_answer;
    bool is_closed;
};

/* What lies behind a DATA frame that has begun. */
struct sl_resumed {
    bool is_due;
    bool was_stream, was_connection;
    uint64_t rest;       /* of the message that was in progress before it */
    uint64_t data_bytes; /* of its side, before it */
    struct sl_at at;
    struct sl_wait wait; /* as it was before the frame */
    struct sl_connection_wait connection;
};

/* The window of sender on the connection, or (stream with a call) on the stream, has changed. */
void sl_obs_stalls_connection(struct sl_observer *observer, enum sl_dir sender);
void sl_obs_stalls_stream(struct sl_observer *observer, enum sl_dir sender,
                          struct sl_stream *stream, enum sl_stall_end how);
/* The sender answered what was sent at sent. */
void sl_obs_stalls_answer(struct sl_observer *observer, enum sl_dir sender,
                          const struct sl_at *sent);
/* Before the ledger counts a DATA frame that is not empty, and when all of it has come. */
void sl_obs_stalls_data(struct sl_observer *observer, enum sl_dir sender, struct sl_stream *stream);
void sl_obs_stalls_data_end(struct sl_observer *observer, enum sl_dir sender);
void sl_obs_stalls_begin(struct sl_observer *observer, struct sl_obs_call *call);
void sl_obs_stalls_end(struct sl_observer *observer, struct sl_obs_call *call, bool is_open);

#endif
