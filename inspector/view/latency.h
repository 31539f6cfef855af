/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LATENCY_H
#define INS_LATENCY_H

/*
 * Percentiles of any number of durations in bounded memory: counts in classes that are 1/32 of their
 * octave wide, so a percentile is at most 3.2 % above the true one; minimum and maximum are exact, and
 * percentiles stay between them. An octave takes memory when a duration falls into it: 128 bytes, and
 * 4.5 KiB at most for all.
 */
#include "lib/base/json_out.h"

enum {
    INS_LATENCY_OCTAVES = 34, /* from 1 us to 4 hours; what lies outside counts in the outermost */
    INS_LATENCY_STEPS = 32,   /* classes an octave */
};

struct ins_latency {
    uint64_t count;
    uint64_t min_ns, max_ns;
    uint32_t *octaves[INS_LATENCY_OCTAVES]; /* of INS_LATENCY_STEPS; NULL while empty */
};

/* A zeroed struct is empty. */
void ins_latency_add(struct ins_latency *latency, uint64_t ns);
void ins_latency_release(struct ins_latency *latency);

/* The smallest duration that percent (1 to 100) of all do not exceed. 0 when there are none. */
uint64_t ins_latency_percentile(const struct ins_latency *latency, unsigned percent);

/* As {"p50","p90","p99","max"} in milliseconds, null when there are none. */
void ins_latency_write(const struct ins_latency *latency, struct sl_json_out *out);

#endif
