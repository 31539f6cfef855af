/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_RING_H
#define SRV_RING_H

/*
 * A first-in first-out queue of frames with a fixed bound (SUB-05). Its memory grows with what waits, up to
 * the bound, and is given back when the queue has emptied after a backlog.
 *
 * Ownership: holds one reference of each frame in it.
 */
#include "reference-server/chat/frame.h"

struct srv_ring {
    struct srv_frame **slots;
    size_t capacity; /* of slots */
    size_t head;
    size_t count;
    size_t max;
};

/* max is at least 1. Allocates nothing yet. */
void srv_ring_init(struct srv_ring *ring, size_t max);

/* Drops what waits. A zeroed ring is fine. */
void srv_ring_release(struct srv_ring *ring);

static inline bool srv_ring_is_full(const struct srv_ring *ring)
{
    return ring->count >= ring->max;
}

/* Takes frame. The ring must not be full. */
void srv_ring_push(struct srv_ring *ring, struct srv_frame *frame);

/* Takes frame and puts it before the last one that waits. The ring must be neither empty nor full. */
void srv_ring_push_before_last(struct srv_ring *ring, struct srv_frame *frame);

/* The frame at this place, 0 being the oldest, borrowed; position is below count. */
struct srv_frame *srv_ring_at(const struct srv_ring *ring, size_t position);

/* Two frames change places. */
void srv_ring_swap(struct srv_ring *ring, size_t one, size_t other);

/* The oldest frame, yours; NULL when none waits. */
struct srv_frame *srv_ring_pop(struct srv_ring *ring);

/* The newest one. */
struct srv_frame *srv_ring_pop_newest(struct srv_ring *ring);

#endif
