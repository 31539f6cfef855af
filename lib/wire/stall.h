/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STALL_H
#define SL_STALL_H

/*
 * One time that a call had something to send and no credit for it (RFC 9113 5.2, 6.9): the event
 * `stall` of struct sl_observer_handler.
 *
 * A window at or below 0 alone is no stall: the sender may have nothing to say. That it had is known
 * either before, because a message is in progress whose prefix announced more bytes than have come, or
 * afterwards, because DATA followed the credit so soon that it must have been waiting. "So soon" is
 * twice the shortest time in which this sender answered a SETTINGS or PING, and a margin.
 *
 * Not told: a sender without a message in progress whose window never opens again, and anything on a
 * connection whose credit was not seen whole (its beginning or bytes of it are missing).
 */
#include "lib/wire/observer.h"

enum {
    SL_STALL_HOLDERS = 4,
};

enum sl_stall_end {
    SL_STALL_CREDIT,   /* a WINDOW_UPDATE */
    SL_STALL_SETTINGS, /* a larger SETTINGS_INITIAL_WINDOW_SIZE */
    SL_STALL_CALL_END, /* it lasted until the call ended */
    SL_STALL_OPEN,     /* ... until nothing more came */
};

/* A stream whose bytes had used up the connection's window: they were sent and the credit for them
 * had not come back. */
struct sl_stall_holder {
    uint32_t stream; /* 0: streams that have ended, or are not known */
    uint64_t label;  /* of its call (struct sl_call); 0 when none was given */
    uint64_t bytes;
};

struct sl_stall {
    struct sl_call *call;
    enum sl_dir dir;        /* whose sender was blocked */
    bool is_connection;     /* by the connection's window; else by the stream's own */
    struct sl_at start;     /* the credit ran out, or the sender came to want it */
    struct sl_at end;       /* there was credit again */
    enum sl_stall_end how;  /* it ended */
    uint64_t bytes_waiting; /* at least: the rest of the message in progress, or what came at once
                               when there was credit, with the rest of its last message */
    bool is_announced;      /* a message was in progress all the time */
    size_t holder_count;    /* is_connection: who held its credit when it ran out, most first */
    struct sl_stall_holder holders[SL_STALL_HOLDERS];
};

#endif
