/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_FRAME_H
#define SRV_FRAME_H

/*
 * One serialised message, shared by everyone that still has to send it: a publish serialises once,
 * whatever the number of subscribers.
 *
 * Ownership: counted. Whoever is said to take a frame owes it one srv_frame_unref().
 * Threads:   any; the bytes do not change once a second holder exists.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/buf.h"

struct srv_frame {
    atomic_size_t refs;
    atomic_size_t *account; /* where its bytes are counted; NULL: nowhere */
    size_t len;
    size_t hands; /* transports that hold it, kept by srv_memory for great ones */
    uint8_t data[];
};

/* len bytes to be filled by the caller, with one reference, yours. */
struct srv_frame *srv_frame_new(size_t len);

/* frame with len bytes, of which the first are those that it had; it may move. frame is held by the caller alone, or is
 * NULL. */
struct srv_frame *srv_frame_resize(struct srv_frame *frame, size_t len);

/* A copy of bytes. */
struct srv_frame *srv_frame_copy(struct sl_span bytes);

/* One more reference; returns frame. */
struct srv_frame *srv_frame_ref(struct srv_frame *frame);

/* NULL is ignored. */
void srv_frame_unref(struct srv_frame *frame);

static inline struct sl_span srv_frame_span(const struct srv_frame *frame)
{
    return sl_span(frame->data, frame->len);
}

/* What a frame takes of memory, beside what the allocator adds. */
static inline size_t srv_frame_cost(const struct srv_frame *frame)
{
    return sizeof(*frame) + frame->len + sizeof(struct srv_frame *);
}

static inline bool srv_frame_is_charged(const struct srv_frame *frame)
{
    return frame->account != NULL;
}

/* Counts the cost of frame in account, once, until it is freed. Before a second thread holds it. */
void srv_frame_charge(struct srv_frame *frame, atomic_size_t *account);

/* True while somebody besides the caller holds frame. */
bool srv_frame_is_shared(struct srv_frame *frame);

#endif
