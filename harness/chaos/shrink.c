/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/shrink.h"

#include <string.h>

enum {
    TRIES_MAX = 2000, /* whatever the oracle says of time */
    ROUND_MS = 100,
};

struct shrinker {
    struct har_chaos_shrink *shrink;
    struct har_chaos_schedule *best; /* what fails */
    bool has_changed;
};

static bool may_go_on(const struct shrinker *shrinker)
{
    const struct har_chaos_shrink *shrink = shrinker->shrink;
    return shrink->tries < TRIES_MAX && shrink->has_time(shrink->owner);
}

/* Takes the candidate where it fails too. */
static bool attempt(struct shrinker *shrinker, const struct har_chaos_schedule *candidate)
{
    struct har_chaos_shrink *shrink = shrinker->shrink;
    if (!may_go_on(shrinker)) {
        return false;
    }
    shrink->tries++;
    if (!shrink->fails(shrink->owner, candidate)) {
        return false;
    }
    *shrinker->best = *candidate;
    shrinker->has_changed = true;
    return true;
}

/* ---- faults ---- */

/* Without the faults [from, to), and the victims that nothing is left for. */
static bool attempt_without(struct shrinker *shrinker, size_t from, size_t to)
{
    struct har_chaos_schedule candidate = *shrinker->best;
    for (size_t i = to; i > from; i--) {
        har_chaos_drop_fault(&candidate, i - 1);
    }
    har_chaos_drop_idle(&candidate);
    return attempt(shrinker, &candidate);
}

/* Complements of ever smaller parts: each fault that is left at the end is needed, as far as there was time. */
static void shrink_faults(struct shrinker *shrinker)
{
    size_t part = shrinker->best->fault_count;
    while (part > 0 && may_go_on(shrinker)) {
        bool has_dropped = false;
        size_t from = 0;
        while (from < shrinker->best->fault_count && may_go_on(shrinker)) {
            size_t count = shrinker->best->fault_count;
            size_t to = from + part < count ? from + part : count;
            if (attempt_without(shrinker, from, to)) {
                has_dropped = true; /* the next ones have moved here */
            } else {
                from = to;
            }
        }
        if (!has_dropped || part > shrinker->best->fault_count) {
            part = part == 1 ? 0 : (part + 1) / 2;
        }
        part = part > shrinker->best->fault_count ? shrinker->best->fault_count : part;
    }
}

/* ---- numbers ---- */

/* A number of the schedule, at an offset of it: the simplest value first, then half-way to what it is. */
static void shrink_number(struct shrinker *shrinker, size_t offset, unsigned simplest)
{
    for (;;) {
        struct har_chaos_schedule candidate = *shrinker->best;
        unsigned *value = (unsigned *)(void *)((char *)&candidate + offset);
        unsigned before = *value;
        if (before <= simplest) {
            return;
        }
        *value = simplest;
        if (attempt(shrinker, &candidate)) {
            return;
        }
        unsigned half = simplest + (before - simplest) / 2;
        if (half == simplest || half == before) {
            return;
        }
        candidate = *shrinker->best;
        *value = half;
        if (!attempt(shrinker, &candidate)) {
            return;
        }
    }
}

static void shrink_flag(struct shrinker *shrinker, size_t offset)
{
    struct har_chaos_schedule candidate = *shrinker->best;
    bool *flag = (bool *)((char *)&candidate + offset);
    if (*flag) {
        *flag = false;
        (void)attempt(shrinker, &candidate);
    }
}

#define OF_LOAD(member) (offsetof(struct har_chaos_schedule, load.member))

static void shrink_load(struct shrinker *shrinker)
{
    shrink_number(shrinker, offsetof(struct har_chaos_schedule, cycles), 1);
    shrink_flag(shrinker, OF_LOAD(has_elsewhere));
    shrink_flag(shrinker, OF_LOAD(has_limited));
    shrink_number(shrinker, OF_LOAD(talkers), 0);
    shrink_number(shrinker, OF_LOAD(core), 0);
    shrink_number(shrinker, OF_LOAD(live), shrinker->best->load.core > 0 ? 0 : 1);
    shrink_number(shrinker, OF_LOAD(publishers), 1);
    shrink_number(shrinker, OF_LOAD(rate_hz), 10);
    shrink_number(shrinker, OF_LOAD(size), 64);
}

static size_t of_group(size_t group, size_t member)
{
    return offsetof(struct har_chaos_schedule, groups) + group * sizeof(struct har_chaos_group) +
           member;
}

static size_t of_fault(size_t fault, size_t member)
{
    return offsetof(struct har_chaos_schedule, faults) + fault * sizeof(struct har_chaos_fault) +
           member;
}

static void shrink_groups(struct shrinker *shrinker)
{
    for (size_t g = 0; g < shrinker->best->group_count; g++) {
        shrink_flag(shrinker, of_group(g, offsetof(struct har_chaos_group, has_neighbour)));
        shrink_number(shrinker, of_group(g, offsetof(struct har_chaos_group, count)), 1);
        shrink_flag(shrinker, of_group(g, offsetof(struct har_chaos_group, is_first)));
        if (!shrinker->best->groups[g].has_neighbour) {
            shrink_flag(shrinker, of_group(g, offsetof(struct har_chaos_group, is_shared)));
        }
        shrink_flag(shrinker, of_group(g, offsetof(struct har_chaos_group, is_grpc)));
    }
}

/* To the end of the cycle, where that can be; else to the next round number. */
static void shrink_duration(struct shrinker *shrinker, size_t i)
{
    const struct har_chaos_fault *fault = &shrinker->best->faults[i];
    const struct har_chaos_kind_info *kind = &har_chaos_kinds[fault->kind];
    bool must_end =
        kind->victims == 0 || shrinker->best->groups[fault->group].who == HAR_CHAOS_PUBLISHER;
    if (fault->for_ms == 0) {
        return;
    }
    struct har_chaos_schedule candidate = *shrinker->best;
    candidate.faults[i].for_ms = 0;
    if (!must_end && attempt(shrinker, &candidate)) {
        return;
    }
    candidate = *shrinker->best;
    unsigned round = (fault->for_ms + ROUND_MS - 1) / ROUND_MS * ROUND_MS;
    candidate.faults[i].for_ms = round;
    if (round != fault->for_ms) {
        (void)attempt(shrinker, &candidate);
    }
}

/* What a kind counts may be nothing (a cut at once), or must be something. */
static unsigned least_amount(unsigned kind)
{
    return kind == HAR_CHAOS_RESET || kind == HAR_CHAOS_CLOSE ? 0
           : kind == HAR_CHAOS_BANDWIDTH                      ? 8000
           : kind == HAR_CHAOS_SLICE                          ? 16
                                                              : 1;
}

static void shrink_parameters(struct shrinker *shrinker)
{
    for (size_t i = 0; i < shrinker->best->fault_count; i++) {
        shrink_number(shrinker, of_fault(i, offsetof(struct har_chaos_fault, at_ms)), 0);
        shrink_duration(shrinker, i);
        shrink_number(shrinker, of_fault(i, offsetof(struct har_chaos_fault, amount)),
                      least_amount(shrinker->best->faults[i].kind));
        shrink_flag(shrinker, of_fault(i, offsetof(struct har_chaos_fault, is_other)));
    }
    shrink_number(shrinker, offsetof(struct har_chaos_schedule, cycle_ms), 200);
}

void har_chaos_shrink(struct har_chaos_shrink *shrink, struct har_chaos_schedule *schedule)
{
    struct shrinker shrinker = {.shrink = shrink, .best = schedule};
    shrink->tries = 0;
    do {
        shrinker.has_changed = false;
        shrink_faults(&shrinker);
        shrink_load(&shrinker);
        shrink_groups(&shrinker);
        shrink_parameters(&shrinker);
    } while (shrinker.has_changed && may_go_on(&shrinker));
    shrink->is_complete = !shrinker.has_changed && may_go_on(&shrinker);
}
