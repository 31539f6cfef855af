/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/schedule.h"

#include <limits.h>
#include <string.h>

#define S       (1U << HAR_CHAOS_SUBSCRIBER)
#define C       (1U << HAR_CHAOS_CHAT)
#define P       (1U << HAR_CHAOS_PUBLISHER)
#define PROXY   HAR_CHAOS_PROXY
#define ENDS    HAR_CHAOS_ENDS
#define LOSES   HAR_CHAOS_LOSES
#define LEAVES  HAR_CHAOS_LEAVES
#define LASTS   HAR_CHAOS_LASTS
#define H2      HAR_CHAOS_H2
#define OUTAGE  HAR_CHAOS_OUTAGE
#define FILLS   HAR_CHAOS_FILLS
#define NETWORK HAR_CHAOS_NETWORK
#define CLIENT  HAR_CHAOS_CLIENT
#define PAUSE   HAR_CHAOS_SET_PAUSE
#define DRAIN   HAR_CHAOS_SET_DRAIN
#define KILL    HAR_CHAOS_SET_KILL

enum {
    LIMITED_PERCENT = 60,
    REACHED_PERCENT = 80, /* SUB-15, up to so many a second */
    REACHED_HZ_MAX = 100,
    WINDOW = 65535, /* RFC 9113 6.9.2 */
    WAYS = 4,       /* latency and as much jitter, there and back */
};

const struct har_chaos_kind_info har_chaos_kinds[HAR_CHAOS_KINDS] = {
#define X(id, name, set, victims, flags, what) {name, what, set, victims, flags},
#include "harness/chaos/kinds.def"
#undef X
};

const char *const har_chaos_set_names[HAR_CHAOS_SETS] = {"network", "client", "pause", "drain",
                                                         "kill"};

/* A window's worth of bytes passes in a round trip, which is latency and jitter both ways; when more comes it waits, and
 * is dropped in the end. */
static bool is_too_far(const struct har_chaos_schedule *schedule,
                       const struct har_chaos_fault *fault)
{
    const struct har_chaos_load *load = &schedule->load;
    uint64_t comes = (uint64_t)load->publishers * load->rate_hz * load->size; /* a second */
    return fault->kind == HAR_CHAOS_LATENCY &&
           comes * (WAYS * (uint64_t)fault->amount) > (uint64_t)WINDOW * 1000;
}

unsigned har_chaos_group_flags(const struct har_chaos_schedule *schedule, size_t group)
{
    unsigned flags = 0;
    for (size_t i = 0; i < schedule->fault_count; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        const struct har_chaos_kind_info *kind = &har_chaos_kinds[fault->kind];
        if (kind->victims != 0 && fault->group == group) {
            flags |= kind->flags | (is_too_far(schedule, fault) ? LOSES : 0);
        }
    }
    return flags;
}

bool har_chaos_has(const struct har_chaos_schedule *schedule, unsigned flags)
{
    for (size_t i = 0; i < schedule->fault_count; i++) {
        if ((har_chaos_kinds[schedule->faults[i].kind].flags & flags) != 0) {
            return true;
        }
    }
    return false;
}

bool har_chaos_has_kind(const struct har_chaos_schedule *schedule, unsigned kind)
{
    for (size_t i = 0; i < schedule->fault_count; i++) {
        if (schedule->faults[i].kind == kind) {
            return true;
        }
    }
    return false;
}

bool har_chaos_fits(unsigned kind, const struct har_chaos_group *group)
{
    const struct har_chaos_kind_info *info = &har_chaos_kinds[kind];
    bool needs_h2 = (info->flags & (PROXY | H2)) != 0;
    /* Each truncated message takes a PING, and servers count those of a connection. */
    bool is_alone = kind != HAR_CHAOS_TRUNCATE || !group->is_shared;
    return (info->victims >> group->who & 1) != 0 && !(needs_h2 && group->is_grpc) && is_alone;
}

bool har_chaos_is_of_stream(unsigned kind)
{
    return kind == HAR_CHAOS_READER_STALL || kind == HAR_CHAOS_CANCEL ||
           kind == HAR_CHAOS_STREAM_FLOOD;
}

unsigned har_chaos_limited_hz(const struct har_chaos_schedule *schedule)
{
    unsigned comes_hz = schedule->load.publishers * schedule->load.rate_hz;
    return comes_hz * LIMITED_PERCENT < 100 ? 1 : comes_hz * LIMITED_PERCENT / 100;
}

unsigned har_chaos_holds_back(const struct har_chaos_schedule *schedule)
{
    unsigned comes_hz = schedule->load.publishers * schedule->load.rate_hz;
    unsigned limited_hz = har_chaos_limited_hz(schedule);
    unsigned waits_hz = comes_hz - limited_hz * REACHED_PERCENT / 100;
    return limited_hz > REACHED_HZ_MAX ? UINT_MAX
                                       : waits_hz * schedule->cycle_ms / 1000 * 5 / 4 + 1;
}

static bool has_publishers(const struct har_chaos_schedule *schedule)
{
    for (size_t g = 0; g < schedule->group_count; g++) {
        if (schedule->groups[g].who == HAR_CHAOS_PUBLISHER) {
            return true;
        }
    }
    return false;
}

bool har_chaos_is_deep(const struct har_chaos_schedule *schedule, size_t group)
{
    const struct har_chaos_group *it = &schedule->groups[group];
    bool is_alone = schedule->has_buffer && schedule->load.publishers == 1 &&
                    !has_publishers(schedule) && schedule->cycles == 1 &&
                    it->who == HAR_CHAOS_SUBSCRIBER && !it->is_grpc;
    for (size_t i = 0; i < schedule->fault_count && is_alone; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        bool is_stall =
            fault->kind == HAR_CHAOS_READER_STALL && fault->at_ms == 0 && fault->for_ms == 0;
        bool is_of_process = har_chaos_kinds[fault->kind].victims == 0;
        is_alone = !is_of_process && (fault->group != group || is_stall);
    }
    return is_alone && (har_chaos_group_flags(schedule, group) & FILLS) != 0;
}

void har_chaos_drop_fault(struct har_chaos_schedule *schedule, size_t i)
{
    schedule->fault_count--;
    memmove(&schedule->faults[i], &schedule->faults[i + 1],
            (schedule->fault_count - i) * sizeof(schedule->faults[0]));
}

void har_chaos_drop_group(struct har_chaos_schedule *schedule, size_t i)
{
    for (size_t f = schedule->fault_count; f > 0; f--) {
        struct har_chaos_fault *fault = &schedule->faults[f - 1];
        if (har_chaos_kinds[fault->kind].victims == 0) {
            continue;
        }
        if (fault->group == i) {
            har_chaos_drop_fault(schedule, f - 1);
        } else if (fault->group > i) {
            fault->group--;
        }
    }
    schedule->group_count--;
    memmove(&schedule->groups[i], &schedule->groups[i + 1],
            (schedule->group_count - i) * sizeof(schedule->groups[0]));
}

static bool is_hit(const struct har_chaos_schedule *schedule, size_t group)
{
    for (size_t i = 0; i < schedule->fault_count; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        if (fault->group == group && har_chaos_kinds[fault->kind].victims != 0) {
            return true;
        }
    }
    return false;
}

void har_chaos_drop_idle(struct har_chaos_schedule *schedule)
{
    for (size_t g = schedule->group_count; g > 0; g--) {
        if (!is_hit(schedule, g - 1)) {
            har_chaos_drop_group(schedule, g - 1);
        }
    }
}

void har_chaos_tell_fault(const struct har_chaos_schedule *schedule, size_t i, struct sl_buf *out)
{
    static const char *const names[HAR_CHAOS_WHO] = {"subscriber", "chat", "publisher"};
    const struct har_chaos_fault *fault = &schedule->faults[i];
    const struct har_chaos_kind_info *kind = &har_chaos_kinds[fault->kind];
    (void)sl_buf_add_str(out, kind->name);
    if (kind->victims != 0) {
        const struct har_chaos_group *group = &schedule->groups[fault->group];
        (void)sl_buf_addf(out, " of %u %s%s", group->count, names[group->who],
                          group->count == 1 ? "" : "s");
    }
    (void)sl_buf_addf(out, " at %u ms", fault->at_ms);
    if ((kind->flags & LASTS) != 0 && fault->for_ms > 0) {
        (void)sl_buf_addf(out, " for %u ms", fault->for_ms);
    } else if ((kind->flags & LASTS) != 0) {
        (void)sl_buf_add_str(out, " to the end");
    }
}

void har_chaos_tell(const struct har_chaos_schedule *schedule, struct sl_buf *out)
{
    for (size_t i = 0; i < schedule->fault_count; i++) {
        (void)sl_buf_add_str(out, i == 0 ? "" : "; ");
        har_chaos_tell_fault(schedule, i, out);
    }
    if (schedule->fault_count == 0) {
        (void)sl_buf_add_str(out, "no fault");
    }
}
