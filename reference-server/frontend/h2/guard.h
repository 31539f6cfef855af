/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_GUARD_H
#define SRV_H2_GUARD_H

/*
 * What one connection may ask for without being served: frames that cost work and do nothing (RFC 9113 10.5).
 *
 * The guard reads the bytes of the client before nghttp2 does and looks at the headers of frames only. Each kind of
 * frame that can be a flood has a bucket of tokens; where frames of ours give a reason for the client's (WINDOW_UPDATE,
 * PING), each DATA that we send puts some back. Header blocks are bounded in their frames and bytes, and in the time
 * from their first byte to their last; so is the beginning of the connection (slow loris).
 *
 * The time is passed in.    Limits: constant memory.    Threads: one at a time.
 */
#include <stdbool.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

/* X(NAME, burst, a second, for each DATA that we send, what the client is told) */
#define SRV_H2_FLOODS(X)                                                             \
    X(RESETS, 1000, 100, 0, "too_many_resets") /* before we had sent a byte */       \
    X(ERRORS, 100, 10, 0, "too_many_errors")   /* RST_STREAM that it made us send */ \
    X(PINGS, 500, 50, 1, "too_many_pings")                                           \
    X(SETTINGS, 100, 10, 0, "too_many_settings")                                     \
    X(UPDATES, 10000, 1000, 4, "too_many_window_updates")                            \
    X(PRIORITIES, 1000, 100, 0, "too_many_priorities")                               \
    X(EMPTY, 1000, 100, 0, "too_many_empty_frames") /* DATA without END_STREAM */    \
    X(TINY, 10000, 2000, 0, "too_many_tiny_frames") /* DATA of under 5 bytes */      \
    X(OTHERS, 1000, 100, 0, "too_many_frames")      /* that ask for nothing */

enum srv_h2_flood {
#define X(name, burst, rate, credit, text) SRV_H2_FLOOD_##name,
    SRV_H2_FLOODS(X)
#undef X
        SRV_H2_FLOOD_COUNT
};

enum {
    SRV_H2_CONTINUATIONS_MAX = 32,      /* of one block */
    SRV_H2_BLOCK_BYTES_MAX = 64 * 1024, /* of one block, as they come */
};

struct srv_h2_bucket {
    uint64_t at_ns; /* when left was true */
    uint64_t left;  /* thousandths of tokens */
};

struct srv_h2_guard {
    struct srv_h2_bucket buckets[SRV_H2_FLOOD_COUNT];
    uint64_t head_time_ns; /* how long a beginning or a header block may take */
    uint64_t due_ns; /* when the one that is unfinished has taken too long; UINT64_MAX: none is */
    uint32_t preface_left;
    uint32_t payload_left; /* of the frame that is being passed */
    uint32_t block_bytes;
    uint32_t continuations;
    uint8_t head[9];
    uint8_t head_len;
    bool is_unlimited[SRV_H2_FLOOD_COUNT]; /* of wrong servers; false */
    bool is_greeted;                       /* preface and SETTINGS have come */
    bool is_greeting;                      /* the frame that is being passed is these SETTINGS */
    bool ends_block;                       /* the frame that is being passed ends a header block */
};

/* head_time_ns: for the preface and the SETTINGS behind it (TLS before it counted), and for each header block. */
void srv_h2_guard_init(struct srv_h2_guard *guard, uint64_t now_ns, uint64_t head_time_ns);

/*
 * Looks at bytes, the next ones of the client. NULL: all of them may go on. Else the text of a GOAWAY
 * (ENHANCE_YOUR_CALM), static; *ret_good bytes may go on, up to the frame that was too much.
 */
SL_MUST_USE const char *srv_h2_guard_feed(struct srv_h2_guard *guard, struct sl_span bytes,
                                          uint64_t now_ns, size_t *ret_good);

/* Something else happened that costs a token. NULL, or the text as above. */
SL_MUST_USE const char *srv_h2_guard_spend(struct srv_h2_guard *guard, enum srv_h2_flood flood,
                                           uint64_t now_ns);

/* A DATA frame of ours went out. */
void srv_h2_guard_sent_data(struct srv_h2_guard *guard);

/* When the connection has taken too long for its beginning or a header block; UINT64_MAX: it owes neither. */
static inline uint64_t srv_h2_guard_due(const struct srv_h2_guard *guard)
{
    return guard->due_ns;
}

#endif
