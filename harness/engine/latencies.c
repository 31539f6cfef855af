/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/latencies.h"

#include "harness/checks/samples.h"

void har_latencies_collect(struct har_result *result, struct har_play *play)
{
    static const enum har_metric metrics[] = {HAR_METRIC_RESPONSE, HAR_METRIC_SERVICE,
                                              HAR_METRIC_SLIP, HAR_METRIC_DELIVERY};
    result->latency_count = 0;
    for (size_t i = 0; i < play->scenario->phase_count; i++) {
        struct har_strings phase = {.items = &play->scenario->phases[i], .count = 1};
        for (size_t j = 0; j < sizeof(metrics) / sizeof(metrics[0]); j++) {
            struct har_samples samples = har_samples_collect(play, UINT64_MAX, metrics[j], &phase);
            if (samples.count > 0 && result->latency_count < HAR_LATENCIES_MAX) {
                result->latencies[result->latency_count++] =
                    (struct har_latency){.phase = play->scenario->phases[i],
                                         .metric = metrics[j],
                                         .count = samples.count,
                                         .p50_ns = har_samples_percentile(&samples, 50),
                                         .p90_ns = har_samples_percentile(&samples, 90),
                                         .p99_ns = har_samples_percentile(&samples, 99),
                                         .p999_ns = samples.count < HAR_LATENCY_P999_MIN
                                                        ? 0
                                                        : har_samples_percentile(&samples, 99.9),
                                         .max_ns = samples.ns[samples.count - 1]};
            }
            har_samples_release(&samples);
        }
    }
}
