/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SLOTS_H
#define INS_SLOTS_H

/*
 * What has been found out about unseen HPACK entries of one direction, by slot.
 *
 * Limits: INS_SLOTS_MAX slots; the one that was looked up longest ago makes way.
 */
#include "lib/wire/hpack.h"

enum {
    INS_SLOTS_MAX = 256,
};

struct ins_slot {
    uint64_t slot;    /* 0: free */
    const char *name; /* constant; NULL: unknown */
    uint64_t used;
    uint64_t good_ends; /* as grpc-status: calls that ended well by all that is known */
    uint64_t other_ends;
};

struct ins_slots {
    struct ins_slot *all; /* NULL before the first */
    size_t count;
    uint64_t now;
};

void ins_slots_release(struct ins_slots *slots);
/* NULL when it was not noted. */
struct ins_slot *ins_slots_find(struct ins_slots *slots, uint64_t slot);
/* Found, or new. slot is not 0. */
struct ins_slot *ins_slots_note(struct ins_slots *slots, uint64_t slot);

#endif
