/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HIST_H
#define SL_HIST_H

/*
 * A histogram of times, or of any numbers, whose size does not depend on how many there are.
 *
 * Log-linear: every power of two is cut into SL_HIST_PARTS equal buckets, so that a percentile is never
 * too small, and too large by less than one part in SL_HIST_PARTS. Numbers below SL_HIST_PARTS are exact, and so
 * are the least, the greatest and the mean.
 *
 * Ownership: about 58 KiB in place, no allocation. Zeroed is empty.
 */
#include <stdint.h>

enum {
    SL_HIST_BITS = 7,
    SL_HIST_PARTS = 1 << SL_HIST_BITS,
    SL_HIST_BUCKETS = SL_HIST_PARTS * (64 - SL_HIST_BITS + 1),
};

struct sl_hist {
    uint64_t counts[SL_HIST_BUCKETS];
    uint64_t count, least, greatest;
    double sum;
};

void sl_hist_clear(struct sl_hist *hist);
void sl_hist_add(struct sl_hist *hist, uint64_t value);
/* All that is in other. */
void sl_hist_merge(struct sl_hist *hist, const struct sl_hist *other);

/* The least number that at least q percent (0 to 100) of them do not exceed; 0 when it is empty. */
uint64_t sl_hist_percentile(const struct sl_hist *hist, double q);
double sl_hist_mean(const struct sl_hist *hist); /* 0 when it is empty */

#endif
