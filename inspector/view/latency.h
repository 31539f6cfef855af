/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LATENCY_H
#define INS_LATENCY_H

/*
 * Percentiles of any number of durations in fixed memory: counts in classes that are 1/64 of their
 * octave wide, so a percentile is at most 1.6 % above the true one; minimum and maximum are exact, and
 * percentiles stay between them.
 */
#include <stdint.h>

enum {
    INS_LATENCY_OCTAVES = 34, /* from 1 us to 2 hours; what lies outside counts in the outermost */
    INS_LATENCY_STEPS = 64,   /* classes an octave */
};

struct ins_latency {
    uint64_t count;
    uint64_t min_ns, max_ns;
    uint32_t classes[INS_LATENCY_OCTAVES * INS_LATENCY_STEPS];
};

/* A zeroed struct is empty. */
void ins_latency_add(struct ins_latency *latency, uint64_t ns);

/* The smallest duration that percent (1 to 100) of all do not exceed. 0 when there are none. */
uint64_t ins_latency_percentile(const struct ins_latency *latency, unsigned percent);

#endif
