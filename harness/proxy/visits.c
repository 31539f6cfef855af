/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/visits.h"

#include "lib/base/alloc.h"

void har_visits_release(struct har_visits *visits)
{
    sl_free(visits->items);
    *visits = (struct har_visits){0};
}

size_t har_visits_came(struct har_visits *visits, bool is_refused, uint64_t now_ns)
{
    visits->came++;
    visits->open += !is_refused;
    if (visits->count == HAR_VISITS_MAX) {
        return HAR_VISITS_MAX;
    }
    if (visits->count == visits->capacity) {
        visits->capacity = visits->capacity * 2 + 16;
        visits->items = sl_realloc(visits->items, visits->capacity * sizeof(visits->items[0]));
    }
    visits->items[visits->count] = (struct har_visit){.came_ns = now_ns, .is_refused = is_refused};
    return visits->count++;
}

void har_visits_left(struct har_visits *visits, size_t number, uint64_t now_ns)
{
    visits->left++;
    if (number < visits->count) {
        visits->items[number].left_ns = now_ns;
    }
}
