/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/conflicts.h"

#include "lib/base/alloc.h"

struct ins_conflicts {
    uint64_t packets[INS_CONFLICTS_KEPT]; /* the latest, in a ring */
    uint64_t count;                       /* of all that were added */
    uint64_t lowest, highest;             /* of those that are not kept any more */
};

void ins_conflicts_add(struct ins_conflicts **conflicts, uint64_t packet)
{
    if (*conflicts == NULL) {
        *conflicts = sl_alloc(sizeof(**conflicts));
        (*conflicts)->lowest = UINT64_MAX;
    }
    struct ins_conflicts *own = *conflicts;
    uint64_t *place = &own->packets[own->count % INS_CONFLICTS_KEPT];
    if (own->count >= INS_CONFLICTS_KEPT) {
        own->lowest = *place < own->lowest ? *place : own->lowest;
        own->highest = *place > own->highest ? *place : own->highest;
    }
    *place = packet;
    own->count++;
}

void ins_conflicts_free(struct ins_conflicts *conflicts)
{
    sl_free(conflicts);
}

bool ins_conflicts_hit(const struct ins_conflicts *conflicts, uint64_t first, uint64_t last)
{
    if (conflicts == NULL) {
        return false;
    }
    for (size_t i = 0; i < INS_CONFLICTS_KEPT && i < conflicts->count; i++) {
        if (conflicts->packets[i] >= first && conflicts->packets[i] <= last) {
            return true;
        }
    }
    return conflicts->lowest <= last && conflicts->highest >= first;
}
