/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SAMPLES_H
#define HAR_SAMPLES_H

/* Latencies out of the records. */
#include "harness/engine/play.h"
#include "harness/scenario/names.h"

struct har_samples {
    uint64_t *ns; /* sorted */
    size_t count;
};

/* All samples of a metric of the groups in mask (senders; for delivery and skew receivers), of messages
 * sent in these phases (none: any). Yours to release. */
struct har_samples har_samples_collect(struct har_play *play, uint64_t mask, enum har_metric metric,
                                       const struct har_strings *phases);
/* Puts samples that were gathered otherwise in order. */
void har_samples_sort(struct har_samples *samples);
void har_samples_release(struct har_samples *samples);
/* The q-th percentile (0 to 100) in nanoseconds; 0 without samples. */
uint64_t har_samples_percentile(const struct har_samples *samples, double q);

/* The percentile in milliseconds, collected for once. */
double har_percentile(struct har_play *play, uint64_t mask, enum har_metric metric, int phase,
                      double q);

#endif
