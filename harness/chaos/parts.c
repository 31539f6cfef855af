/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/parts.h"

#include <stdio.h>

#include "harness/chaos/steps.h"

static void name(struct har_chaos_names *names, const char *one)
{
    int len = snprintf(names->text + names->len, sizeof(names->text) - names->len, "%s%s",
                       names->len == 0 ? "" : ",", one);
    names->len += (size_t)len;
}

/* Who sends beside the load, or away from it at once, would fill its buffer. */
static bool has_limited(const struct har_chaos_schedule *schedule)
{
    for (size_t g = 0; g < schedule->group_count; g++) {
        if (schedule->groups[g].who == HAR_CHAOS_PUBLISHER) {
            return false;
        }
    }
    for (size_t i = 0; i < schedule->fault_count; i++) {
        if (har_chaos_kinds[schedule->faults[i].kind].victims == 0) {
            return false;
        }
    }
    return schedule->load.has_limited;
}

static void sort_group(const struct har_chaos_schedule *schedule, size_t group,
                       struct har_chaos_parts *parts)
{
    unsigned flags = har_chaos_group_flags(schedule, group);
    char actor[HAR_CHAOS_NAME_MAX];
    har_chaos_name(group, actor);
    bool may_end = har_chaos_may_end(schedule, group);
    if (schedule->groups[group].who == HAR_CHAOS_CHAT) {
        name(&parts->of[HAR_CHAOS_CHATS], actor);
        if (may_end) {
            name(&parts->of[HAR_CHAOS_ENDS_CHATS], actor);
        }
        return;
    }
    if (schedule->groups[group].who == HAR_CHAOS_PUBLISHER) {
        return;
    }
    enum har_chaos_part part = may_end                           ? HAR_CHAOS_ENDED
                               : (flags & HAR_CHAOS_LOSES) != 0  ? HAR_CHAOS_LOSERS
                               : (flags & HAR_CHAOS_LEAVES) != 0 ? HAR_CHAOS_LEAVERS
                                                                 : HAR_CHAOS_UNHARMED;
    name(&parts->of[part], actor);
    if (har_chaos_is_deep(schedule, group)) {
        name(&parts->of[HAR_CHAOS_DEEP], actor);
    }
    bool is_back = may_end || (flags & HAR_CHAOS_LEAVES) != 0;
    if (is_back) {
        name(&parts->of[HAR_CHAOS_RETURNED], actor);
    }
}

void har_chaos_sort(const struct har_chaos_schedule *schedule, struct har_chaos_parts *parts)
{
    *parts = (struct har_chaos_parts){0};
    if (schedule->load.live > 0) {
        name(&parts->of[HAR_CHAOS_WITNESSES], "live");
    }
    if (schedule->load.core > 0) {
        name(&parts->of[HAR_CHAOS_WITNESSES], "core");
    }
    if (schedule->load.talkers > 0) {
        name(&parts->of[HAR_CHAOS_CHATS], "talk");
    }
    if (has_limited(schedule)) {
        name(&parts->of[HAR_CHAOS_LIMITED], "limited");
    }
    for (size_t g = 0; g < schedule->group_count; g++) {
        char neighbour[HAR_CHAOS_NAME_MAX];
        (void)snprintf(neighbour, sizeof(neighbour), "n%zu", g);
        if (schedule->groups[g].has_neighbour) {
            name(&parts->of[HAR_CHAOS_WITNESSES], neighbour);
        }
        sort_group(schedule, g, parts);
    }
}
