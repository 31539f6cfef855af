/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_GENERATE_H
#define HAR_CHAOS_GENERATE_H

/*
 * Schedules from a seed: round n of a seed is the same schedule always, on every machine, for the same options.
 *
 * What was played guides what comes: each round takes the kinds, and the pairs of kinds, that came least so far, and
 * draws the rest. So every kind comes within the first rounds and every pair soon after.
 */
#include "harness/chaos/schedule.h"

struct har_chaos_options {
    uint64_t seed;
    uint32_t kinds;      /* bits of enum har_chaos_kind */
    unsigned max_faults; /* of a round, from 1 to HAR_CHAOS_FAULTS_MAX */
    unsigned rate_hz;    /* messages a second of the load, all publishers together, at most */
    unsigned actors;     /* victims of a round, at most */
    unsigned buffer;     /* messages that a subscriber's buffer holds, as the profile says it */
    bool has_buffer;     /* it does say it */
    bool
        is_ready; /* it declares "ready": no messages are needed to see that a subscription is there */
    bool is_observed; /* the target's memory can be seen: some rounds are made to show a leak */
};

struct har_chaos_coverage {
    unsigned kinds[HAR_CHAOS_KINDS];
    unsigned pairs[HAR_CHAOS_KINDS][HAR_CHAOS_KINDS]; /* [lower][higher] */
    unsigned rounds;
};

/* The next round; coverage begins zeroed, and counts it. */
void har_chaos_generate(const struct har_chaos_options *options,
                        struct har_chaos_coverage *coverage, struct har_chaos_schedule *schedule);

/* Counts a round without choosing it. */
void har_chaos_cover(const struct har_chaos_schedule *schedule,
                     struct har_chaos_coverage *coverage);

/* Kinds that the options allow, and how many of them, and of their pairs, came at least once. */
struct har_chaos_covered {
    unsigned kinds, kinds_possible, pairs, pairs_possible;
};
struct har_chaos_covered har_chaos_covered(const struct har_chaos_options *options,
                                           const struct har_chaos_coverage *coverage);

#endif
