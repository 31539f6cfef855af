/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_TALLY_H
#define SL_TALLY_H

/*
 * A number that its owner changes and that other threads may read at any time: counters and gauges of a metrics page.
 *
 * There is no lock and no order among tallies: a reader sees each at some recent value. Adding costs a load and a
 * store, as for a plain number. A gauge goes down by sl_tally_sub and must not go below 0.
 *
 * Threads: one at a time changes it, but for sl_tally_add_shared; any reads it. Zeroed is 0.
 */
#include <stdatomic.h>
#include <stdint.h>

struct sl_tally {
    _Atomic uint64_t value;
};

static inline uint64_t sl_tally_get(const struct sl_tally *tally)
{
    return atomic_load_explicit(&tally->value, memory_order_relaxed);
}

static inline void sl_tally_set(struct sl_tally *tally, uint64_t value)
{
    atomic_store_explicit(&tally->value, value, memory_order_relaxed);
}

static inline void sl_tally_add(struct sl_tally *tally, uint64_t count)
{
    sl_tally_set(tally, sl_tally_get(tally) + count);
}

static inline void sl_tally_sub(struct sl_tally *tally, uint64_t count)
{
    sl_tally_set(tally, sl_tally_get(tally) - count);
}

/* For a tally that several threads change at once; all of them must use this. */
static inline void sl_tally_add_shared(struct sl_tally *tally, uint64_t count)
{
    (void)atomic_fetch_add_explicit(&tally->value, count, memory_order_relaxed);
}

#endif
