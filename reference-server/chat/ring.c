/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/ring.h"

#include <assert.h>

#include "lib/base/alloc.h"

enum {
    FIRST_CAPACITY = 4,
    KEPT_CAPACITY = 16, /* an empty ring that grew past this gives its memory back */
};

void srv_ring_init(struct srv_ring *ring, size_t max)
{
    *ring = (struct srv_ring){.max = max};
}

void srv_ring_release(struct srv_ring *ring)
{
    for (struct srv_frame *frame = srv_ring_pop(ring); frame != NULL; frame = srv_ring_pop(ring)) {
        srv_frame_unref(frame);
    }
    sl_free(ring->slots);
    ring->slots = NULL;
    ring->capacity = 0;
}

static size_t index_of(const struct srv_ring *ring, size_t position)
{
    size_t index = ring->head + position;
    return index >= ring->capacity ? index - ring->capacity : index;
}

/* Straightens the ring out into a larger array. */
static void grow(struct srv_ring *ring)
{
    size_t capacity = ring->capacity == 0 ? FIRST_CAPACITY : ring->capacity * 2;
    if (capacity > ring->max) {
        capacity = ring->max;
    }
    struct srv_frame **slots = sl_calloc(capacity, sizeof(struct srv_frame *));
    for (size_t i = 0; i < ring->count; i++) {
        slots[i] = ring->slots[index_of(ring, i)];
    }
    sl_free(ring->slots);
    ring->slots = slots;
    ring->capacity = capacity;
    ring->head = 0;
}

void srv_ring_push(struct srv_ring *ring, struct srv_frame *frame)
{
    assert(!srv_ring_is_full(ring));
    if (ring->count == ring->capacity) {
        grow(ring);
    }
    ring->slots[index_of(ring, ring->count)] = frame;
    ring->count++;
}

void srv_ring_push_before_last(struct srv_ring *ring, struct srv_frame *frame)
{
    assert(ring->count > 0);
    size_t last = index_of(ring, ring->count - 1);
    struct srv_frame *moved = ring->slots[last];
    ring->slots[last] = frame;
    srv_ring_push(ring, moved);
}

struct srv_frame *srv_ring_at(const struct srv_ring *ring, size_t position)
{
    assert(position < ring->count);
    return ring->slots[index_of(ring, position)];
}

void srv_ring_swap(struct srv_ring *ring, size_t one, size_t other)
{
    struct srv_frame *frame = srv_ring_at(ring, one);
    ring->slots[index_of(ring, one)] = srv_ring_at(ring, other);
    ring->slots[index_of(ring, other)] = frame;
}

/* A frame was taken out. */
static void shrink(struct srv_ring *ring)
{
    ring->count--;
    if (ring->count == 0 && ring->capacity > KEPT_CAPACITY) {
        sl_free(ring->slots);
        ring->slots = NULL;
        ring->capacity = 0;
        ring->head = 0;
    }
}

struct srv_frame *srv_ring_pop(struct srv_ring *ring)
{
    if (ring->count == 0) {
        return NULL;
    }
    struct srv_frame *frame = ring->slots[ring->head];
    ring->head = index_of(ring, 1);
    shrink(ring);
    return frame;
}

struct srv_frame *srv_ring_pop_newest(struct srv_ring *ring)
{
    if (ring->count == 0) {
        return NULL;
    }
    struct srv_frame *frame = ring->slots[index_of(ring, ring->count - 1)];
    shrink(ring);
    return frame;
}
