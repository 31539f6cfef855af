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

/* All samples of a metric of the groups in mask (senders for ack and service, receivers for delivery),
 * of messages sent in phase (-1: any). Yours to release. */
struct har_samples har_samples_collect(struct har_play *play, uint64_t mask, enum har_metric metric,
                                       int phase);
void har_samples_release(struct har_samples *samples);
/* The q-th percentile (0 to 100) in nanoseconds; 0 without samples. */
uint64_t har_samples_percentile(const struct har_samples *samples, double q);

/* The percentile in milliseconds, collected for once. */
double har_percentile(struct har_play *play, uint64_t mask, enum har_metric metric, int phase,
                      double q);

#endif
