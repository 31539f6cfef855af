/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/frame.h"

#include <assert.h>

#include "lib/base/alloc.h"

struct srv_frame *srv_frame_new(size_t len)
{
    struct srv_frame *frame =
        sl_realloc(NULL, sizeof(*frame) + len); /* not zeroed, unlike others */
    atomic_init(&frame->refs, 1);
    frame->account = NULL;
    frame->len = len;
    frame->hands = 0;
    return frame;
}

struct srv_frame *srv_frame_resize(struct srv_frame *frame, size_t len)
{
    if (frame == NULL) {
        return srv_frame_new(len);
    }
    assert(!srv_frame_is_shared(frame) && !srv_frame_is_charged(frame));
    frame = sl_realloc(frame, sizeof(*frame) + len);
    frame->len = len;
    return frame;
}

struct srv_frame *srv_frame_copy(struct sl_span bytes)
{
    struct srv_frame *frame = srv_frame_new(bytes.len);
    if (bytes.len > 0) {
        memcpy(frame->data, bytes.data, bytes.len);
    }
    return frame;
}

struct srv_frame *srv_frame_ref(struct srv_frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void srv_frame_unref(struct srv_frame *frame)
{
    /* Acquire and release, so that the last holder frees only after every other one is done reading. */
    if (frame != NULL && atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) == 1) {
        if (frame->account != NULL) {
            atomic_fetch_sub_explicit(frame->account, srv_frame_cost(frame), memory_order_relaxed);
        }
        sl_free(frame);
    }
}

void srv_frame_charge(struct srv_frame *frame, atomic_size_t *account)
{
    frame->account = account;
    atomic_fetch_add_explicit(account, srv_frame_cost(frame), memory_order_relaxed);
}

bool srv_frame_is_shared(struct srv_frame *frame)
{
    return atomic_load_explicit(&frame->refs, memory_order_acquire) > 1;
}
