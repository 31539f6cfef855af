/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_HISTORY_H
#define SRV_HISTORY_H

/*
 * The most recent messages of one room, without a hole (SUB-12, SUB-13).
 *
 * Ownership: holds one reference of each message. Limits: so many messages as its caller says, and
 * SRV_HISTORY_ROOM_BYTES of them; what is older is forgotten first.
 */
#include "reference-server/chat/ring.h"

enum {
    SRV_HISTORY_MAX = 100000, /* messages of a room, at most */
    SRV_HISTORY_ROOM_BYTES = 8 * 1024 * 1024,
};

struct srv_history {
    struct srv_ring messages;
    size_t bytes; /* what they cost */
};

/* max is at least 1. Allocates nothing yet. */
void srv_history_init(struct srv_history *history, size_t max);

/* A zeroed history is fine. */
void srv_history_release(struct srv_history *history);

/* One more reference of frame, unless it alone is over the limit: then nothing is left at all. */
void srv_history_add(struct srv_history *history, struct srv_frame *frame);

/* The oldest one goes, if there is any. */
void srv_history_forget(struct srv_history *history);

/* The place of the first message with this id, 0 being the oldest; false: there is none. */
bool srv_history_find(const struct srv_history *history, struct sl_span message_id,
                      size_t *ret_place);

/* Puts a reference of every message from place first on behind what is in ring, as far as it has room. */
void srv_history_copy(const struct srv_history *history, size_t first, struct srv_ring *ring);

#endif
