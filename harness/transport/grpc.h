/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_GRPC_H
#define HAR_GRPC_H

/*
 * The inside of the `grpc` transport: the C core's client, with its socket in our hands.
 *
 *   grpc_core.c    one completion queue and its thread; events come back to the loop
 *   grpc_conn.c    a channel over one end of a socketpair, and the relay between the other and the link
 *   grpc_stream.c  a call: its batches, and what they bring
 *
 *   C core == socketpair == relay (observer, capture) == link == server
 *
 * Each started batch has a tag and brings one event. A stream's memory goes when it is freed and no
 * event is due any more; nothing of the C core's leaves these files.
 */
#include <grpc/grpc.h>

#include "harness/transport/conn.h"

/* One batch under way. */
struct har_grpc_tag {
    void (*done)(struct har_grpc_tag *tag, bool is_ok); /* from the loop */
};

/* grpc_core.c */
struct har_grpc_core;
/* The queue of the process; one reference more. There is one loop at a time. */
struct har_grpc_core *har_grpc_core_ref(uv_loop_t *loop);
/* NULL is fine. With the last reference the C core is shut down. */
void har_grpc_core_unref(struct har_grpc_core *core);
grpc_completion_queue *har_grpc_core_queue(const struct har_grpc_core *core);

enum har_grpc_batch {
    GRPC_BATCH_START, /* initial metadata; with the first message and the half-close if they are there */
    GRPC_BATCH_HEADERS,
    GRPC_BATCH_MESSAGE,
    GRPC_BATCH_STATUS,
    GRPC_BATCH_SEND, /* a message, the half-close, or both */
    GRPC_BATCHES,
};

struct grpc_outgoing; /* a message that waits to be sent */

struct grpc_stream {
    struct har_stream base;
    struct har_grpc_core *core;
    grpc_call *call; /* NULL before it is started */
    struct har_grpc_tag tags[GRPC_BATCHES];
    bool is_due[GRPC_BATCHES]; /* the event of the batch has not come yet */
    grpc_metadata *metadata;   /* of the request; slices of our own */
    size_t metadata_count;
    struct grpc_outgoing *outgoing; /* queue, first to be sent first */
    size_t queued, queued_bytes;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *received;
    grpc_status_code code;
    grpc_slice details;
    struct grpc_stream *next_unseen, *prev_unseen; /* conn->unseen */
    struct sl_call *observed;                      /* its call on the wire, while that is open */
    enum sl_status_source source;                  /* as the observer saw the end */
    uint32_t reset_error;
    bool is_unseen;        /* in conn->unseen */
    bool is_starting;      /* in conn->unseen and not started */
    bool has_wire_headers; /* the server's headers came, not only trailers */
    bool is_stalled;
    bool is_half_closed; /* asked for */
    bool is_first_sent;  /* the batch of the start holds the first message */
    bool is_close_sent;
    bool has_status;
};

struct grpc_conn {
    struct har_conn base;
    struct har_grpc_core *core;
    grpc_channel *channel;      /* NULL before the link is up and after the end */
    uv_pipe_t pipe;             /* our end of the socketpair */
    struct grpc_stream *unseen; /* streams whose request has not been seen on the wire, in order */
    enum har_conn_end end_how;
    struct sl_error end_error;
    bool has_pipe;     /* open, or closing */
    bool is_pipe_open; /* neither closing nor at its end */
    bool is_pipe_read;
    bool is_ready;  /* the C core has acknowledged the SETTINGS of the server */
    bool is_ending; /* ended() is due once every stream has its status */
};

static inline struct grpc_conn *grpc_conn_of(struct har_conn *conn)
{
    return (struct grpc_conn *)conn;
}

static inline struct grpc_stream *grpc_stream_of(struct har_stream *stream)
{
    return (struct grpc_stream *)stream;
}

/* grpc_stream.c */
struct har_stream *har_grpc_stream_new(struct har_conn *conn,
                                       const struct har_stream_config *config);
/* Starts the call; conn has a channel. */
void har_grpc_stream_start(struct grpc_conn *conn, struct grpc_stream *stream);
/* Takes the stream out of conn's list and cancels its call. */
void har_grpc_stream_forget(struct grpc_conn *conn, struct grpc_stream *stream);

#endif
