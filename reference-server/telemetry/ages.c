/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/ages.h"

#include <assert.h>
#include <utlist.h>

static void tell_oldest(struct srv_ages *ages, size_t list)
{
    const struct srv_age *first = ages->lists[list];
    sl_tally_set(&ages->oldest[list], first == NULL ? 0 : first->started_ns);
}

void srv_ages_add(struct srv_ages *ages, size_t list, struct srv_age *age, uint64_t started_ns)
{
    assert(list < SRV_AGES_MAX && started_ns > 0);
    age->started_ns = started_ns;
    DL_APPEND(ages->lists[list], age);
    tell_oldest(ages, list);
}

void srv_ages_remove(struct srv_ages *ages, size_t list, struct srv_age *age)
{
    assert(list < SRV_AGES_MAX);
    DL_DELETE(ages->lists[list], age);
    tell_oldest(ages, list);
}

uint64_t srv_ages_oldest(const struct srv_ages *ages, size_t list, uint64_t now_ns)
{
    uint64_t started_ns = sl_tally_get(&ages->oldest[list]);
    return started_ns == 0 || started_ns > now_ns ? 0 : now_ns - started_ns;
}
