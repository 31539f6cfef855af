/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_SHRINK_H
#define HAR_CHAOS_SHRINK_H

/*
 * From a schedule that fails to the simplest one that was seen to fail in the same way.
 *
 *     faults (delta debugging: halves, then smaller parts, until no fault can go)
 *     -> cycles, load, victims -> times and amounts -> once more, until nothing changes
 *
 * It knows no server: whether a candidate fails is asked. A candidate that is not seen to fail is given up, so what comes
 * out has failed whenever what went in has; where failing takes luck it may be less than minimal.
 */
#include "harness/chaos/schedule.h"

/* Both are asked with owner. fails: plays the candidate; has_time: whether another may be played. */
typedef bool har_chaos_fails_fn(void *owner, const struct har_chaos_schedule *candidate);
typedef bool har_chaos_has_time_fn(void *owner);

struct har_chaos_shrink {
    har_chaos_fails_fn *fails;
    har_chaos_has_time_fn *has_time;
    void *owner;
    unsigned tries;   /* candidates asked about */
    bool is_complete; /* nothing was left to try when it ended */
};

/* schedule, which fails, becomes the simplest one found. */
void har_chaos_shrink(struct har_chaos_shrink *shrink, struct har_chaos_schedule *schedule);

#endif
