/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TIMERS_H
#define SRV_TIMERS_H

/*
 * Timers in a binary heap. Knows no clock: the caller asks what is due and passes the time in.
 *
 * Ownership: borrows the timers, which are embedded in what they belong to; remove them before that goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct srv_timer;
typedef void srv_timer_fn(struct srv_timer *timer);

struct srv_timer {
    srv_timer_fn *fire;
    uint64_t due_ns;
    size_t place; /* in the heap, from 1; 0 when not set */
};

struct srv_timers {
    struct srv_timer **heap;
    size_t count;
    size_t capacity;
};

void srv_timers_release(struct srv_timers *timers);

/* Sets timer, or moves it when it was set. True when it is now the first one due. */
bool srv_timers_set(struct srv_timers *timers, struct srv_timer *timer, uint64_t due_ns);

/* A timer that is not set is fine. */
void srv_timers_remove(struct srv_timers *timers, struct srv_timer *timer);

/* The first one due, or NULL. */
struct srv_timer *srv_timers_first(const struct srv_timers *timers);

#endif
