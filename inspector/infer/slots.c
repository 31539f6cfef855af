/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/slots.h"

#include "lib/base/alloc.h"

void ins_slots_release(struct ins_slots *slots)
{
    sl_free(slots->all);
    *slots = (struct ins_slots){0};
}

struct ins_slot *ins_slots_find(struct ins_slots *slots, uint64_t slot)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (slots->all[i].slot == slot) {
            slots->all[i].used = ++slots->now;
            return &slots->all[i];
        }
    }
    return NULL;
}

struct ins_slot *ins_slots_note(struct ins_slots *slots, uint64_t slot)
{
    struct ins_slot *found = ins_slots_find(slots, slot);
    if (found != NULL) {
        return found;
    }
    if (slots->all == NULL) {
        slots->all = sl_calloc(INS_SLOTS_MAX, sizeof(slots->all[0]));
    }
    size_t at = slots->count;
    if (at == INS_SLOTS_MAX) {
        at = 0;
        for (size_t i = 1; i < slots->count; i++) {
            at = slots->all[i].used < slots->all[at].used ? i : at;
        }
    } else {
        slots->count++;
    }
    slots->all[at] = (struct ins_slot){.slot = slot, .used = ++slots->now};
    return &slots->all[at];
}
