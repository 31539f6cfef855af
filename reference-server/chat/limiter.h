/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LIMITER_H
#define SRV_LIMITER_H

/*
 * The rate clock of one subscriber (SUB-02, SUB-15).
 *
 * Messages go by a schedule of one an interval. When the machine lets one go late, those that wait behind it catch
 * up, by half an interval at the most: otherwise every late timer would cost rate for good. So any window of w
 * seconds holds at most rate * w + 1.5, which is rate * w + 1 where the window is a whole number of intervals. Idle
 * time saves nothing up. A rate of more than one message a nanosecond is no limit.
 *
 * Multiplication and addition only after init: no rate can overflow it or make it divide by zero.
 */
#include <stdbool.h>
#include <stdint.h>

struct srv_limiter {
    uint64_t interval_ns; /* 0: a rate finer than the clock, or one that a wrong server ignores */
    uint64_t next_ns;     /* when the next message may go */
    uint64_t saved_ns;    /* how far behind the clock may run: 0; more only in a wrong server */
};

/* rate_hz is at least 1. */
void srv_limiter_init(struct srv_limiter *limiter, int32_t rate_hz);

/* The time from which a message may go. */
static inline uint64_t srv_limiter_due(const struct srv_limiter *limiter)
{
    return limiter->next_ns > limiter->saved_ns ? limiter->next_ns - limiter->saved_ns : 0;
}

static inline bool srv_limiter_allows(const struct srv_limiter *limiter, uint64_t now_ns)
{
    return now_ns >= srv_limiter_due(limiter);
}

/* Nothing waits at now_ns: the schedule begins anew with the next message. */
void srv_limiter_idle(struct srv_limiter *limiter, uint64_t now_ns);

/* A message goes at now_ns, which the limiter allowed. */
void srv_limiter_take(struct srv_limiter *limiter, uint64_t now_ns);

#endif
