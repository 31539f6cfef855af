/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_MEMORY_H
#define SRV_MEMORY_H

/*
 * How many bytes of messages the chat core keeps alive, and who gives some up when it may not be more.
 *
 * A message that waits for many subscribers is there once and counts once; it counts until its last holder, which may
 * be the transport, has let it go. A new message that would exceed the limit is refused, unless the holders
 * with the most bytes can make room: they lose down to a quarter, then a sixteenth ... of what the greatest of them has,
 * until three quarters of the limit are in use. So whoever holds little loses nothing as long as others hold much.
 *
 * What is in the transports' hands cannot be taken back. So great messages are given to them only until these are half
 * of the limit, and wait in their buffers meanwhile, where they can be given up. When what transports hold reaches the
 * limit all the same, new messages are refused, whoever they are for, until it becomes less.
 *
 * Ownership: holders belong to whoever joined them; frames carry a pointer to `used`, which outlives them.
 * Threads:   one at a time, but for `used`.
 */
#include <stdbool.h>

#include "reference-server/chat/frame.h"

/* A relief that did not reach its aim is not tried again sooner: what is held has to change first. */
#define SRV_MEMORY_PAUSE_NS SL_SECOND

enum {
    SRV_MEMORY_GREAT = 64 * 1024, /* bytes; a message that costs more is a great one */
};

/* Embedded in whatever keeps messages that it can do without. */
struct srv_holder {
    size_t held; /* bytes, as srv_frame_cost counts; kept by its owner */
    /* Gives messages up until no more than share is held, or none can be given up. Frees nothing else. */
    void (*shed)(struct srv_holder *holder, size_t share);
    struct srv_holder *prev;
    struct srv_holder *next;
};

struct srv_memory {
    atomic_size_t *used;
    size_t max; /* 0: no limit */
    struct srv_holder *holders;
    size_t in_hands; /* bytes of the great messages that transports hold, each once */
    uint64_t next_relief_ns;
};

/* shed is set. */
void srv_memory_join(struct srv_memory *memory, struct srv_holder *holder);
void srv_memory_leave(struct srv_memory *memory, struct srv_holder *holder);

/* True when frame may be kept, and is counted from now on; false: that would be more than the limit. */
bool srv_memory_admit(struct srv_memory *memory, struct srv_frame *frame, uint64_t now_ns);

/* True when a transport may have frame. */
bool srv_memory_may_hand_over(const struct srv_memory *memory, const struct srv_frame *frame);

/* A transport has frame from now on; and no longer, once for each time. */
void srv_memory_hand_over(struct srv_memory *memory, struct srv_frame *frame);
void srv_memory_take_back(struct srv_memory *memory, struct srv_frame *frame);

/* True while at most half of the limit is in use. */
bool srv_memory_is_ample(const struct srv_memory *memory);

#endif
