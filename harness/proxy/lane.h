/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LANE_H
#define HAR_LANE_H

/*
 * One direction of a proxied connection: a queue of bytes, each with the time before which it does not
 * leave, and an end behind them. It does no I/O: bytes and the time go in, and it says what may be
 * written now or when to ask again.
 *
 *     push -> [ due, bytes ] [ due, bytes ] [ end ] -> peek, take
 *
 * Bytes leave in the order in which they came, all of them, whatever the shape; but for swallowing, which
 * discards. The owner reads no more from its source than har_lane_room(), so that a lane that does not
 * move pushes back on the sender by TCP's own means.
 *
 * Limits: HAR_LANE_MAX bytes, HAR_LANE_DELAYED_MAX where bytes are delayed (or latency would limit the
 * throughput to 64 KiB a round trip).
 */
#include "lib/base/clock.h"
#include "lib/base/rng.h"
#include "lib/base/span.h"

enum {
    HAR_LANE_MAX = 64 * 1024,
    HAR_LANE_DELAYED_MAX = 4 * 1024 * 1024,
};

/* A reset makes its receiver forget what it has not read: a cut comes so long behind the last byte. */
#define HAR_LANE_GRACE_NS (100 * SL_MS)

/* Zeroed: everything passes at once. */
struct har_shape {
    uint64_t latency_ns, jitter_ns;
    uint64_t bandwidth; /* bytes a second; 0: free */
    size_t slice;       /* bytes a write; 0: free */
    bool is_stalled, is_swallowing;
};

enum har_lane_end {
    HAR_LANE_OPEN,
    HAR_LANE_FIN,     /* the source has ended */
    HAR_LANE_RST,     /* the source was reset */
    HAR_LANE_CUT_FIN, /* a fault ends the connection, both ways */
    HAR_LANE_CUT_RST,
};

struct har_lane_chunk;

struct har_lane {
    struct har_shape shape;
    struct har_lane_chunk *head, *tail;
    size_t queued; /* bytes, and what keeping them costs */
    uint64_t last_due_ns;
    enum har_lane_end end; /* behind all bytes */
    uint64_t end_due_ns;
    bool is_end_told, has_grace;
    bool has_lost; /* bytes were swallowed: what follows has no sense any more */
    struct sl_rng rng;
    double tokens; /* bytes that the bandwidth allows now */
    uint64_t tokens_ns;
    uint64_t passed; /* bytes taken */
};

/* seed and number make the jitter. */
void har_lane_init(struct har_lane *lane, uint64_t seed, uint64_t number);
void har_lane_release(struct har_lane *lane);

/* A new shape; latency and jitter hold for what is pushed from now on, the rest for all. */
void har_lane_shape(struct har_lane *lane, const struct har_shape *shape, uint64_t now_ns);

/* Bytes behind all others, not before extra_ns from now. Copied; ignored behind an end. */
void har_lane_push(struct har_lane *lane, struct sl_span bytes, uint64_t extra_ns, uint64_t now_ns);
/* The end; the first one holds. */
void har_lane_finish(struct har_lane *lane, enum har_lane_end end, uint64_t now_ns);
/* How many bytes may be pushed; 0: stop reading. */
size_t har_lane_room(const struct har_lane *lane);

enum har_lane_next {
    HAR_LANE_IDLE,  /* nothing is there, or it is stalled */
    HAR_LANE_WAIT,  /* ask again at *ret_wake_ns */
    HAR_LANE_WRITE, /* *ret_bytes, borrowed until har_lane_take */
    HAR_LANE_ENDS,  /* lane->end is due; said once */
};
enum har_lane_next har_lane_peek(struct har_lane *lane, uint64_t now_ns, struct sl_span *ret_bytes,
                                 uint64_t *ret_wake_ns);
/* count of the bytes peeked at were written. */
void har_lane_take(struct har_lane *lane, size_t count);
/* Discards all bytes: nobody is there to take them. The end stays. */
void har_lane_discard(struct har_lane *lane);

#endif
