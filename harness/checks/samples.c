/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/checks/samples.h"

#include <stdlib.h>

#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

static void add(struct har_samples *samples, size_t *capacity, uint64_t ns)
{
    if (samples->count == *capacity) {
        *capacity = *capacity == 0 ? 256 : *capacity * 2;
        samples->ns = sl_realloc(samples->ns, *capacity * sizeof(uint64_t));
    }
    samples->ns[samples->count++] = ns;
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static void collect_sent(struct har_samples *samples, size_t *capacity,
                         const struct har_actor *actor, enum har_metric metric, int phase)
{
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        uint64_t from_ns = metric == HAR_METRIC_ACK ? sent->intended_ns : sent->sent_ns;
        if (sent->replied_ns != 0 && (phase < 0 || sent->phase == phase)) {
            add(samples, capacity, sent->replied_ns - from_ns);
        }
    }
}

static void collect_received(struct har_samples *samples, size_t *capacity,
                             const struct har_actor *actor, int phase)
{
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        const struct har_actor *sender = har_play_actor(actor->play, received->publisher);
        const struct har_sent *sent = &sender->sent[received->sequence];
        if (phase < 0 || sent->phase == phase) {
            add(samples, capacity, received->at_ns - sent->intended_ns);
        }
    }
}

struct har_samples har_samples_collect(struct har_play *play, uint64_t mask, enum har_metric metric,
                                       int phase)
{
    struct har_samples samples = {0};
    size_t capacity = 0;
    HAR_FOR_ACTORS (play, mask, actor) {
        if (metric == HAR_METRIC_DELIVERY) {
            collect_received(&samples, &capacity, actor, phase);
        } else {
            collect_sent(&samples, &capacity, actor, metric, phase);
        }
    }
    if (samples.count > 0) {
        qsort(samples.ns, samples.count, sizeof(uint64_t), ascending);
    }
    return samples;
}

void har_samples_release(struct har_samples *samples)
{
    sl_free(samples->ns);
    *samples = (struct har_samples){0};
}

uint64_t har_samples_percentile(const struct har_samples *samples, double q)
{
    if (samples->count == 0) {
        return 0;
    }
    size_t index = (size_t)(q / 100.0 * (double)samples->count);
    return samples->ns[index < samples->count ? index : samples->count - 1];
}

double har_percentile(struct har_play *play, uint64_t mask, enum har_metric metric, int phase,
                      double q)
{
    struct har_samples samples = har_samples_collect(play, mask, metric, phase);
    double ms = (double)har_samples_percentile(&samples, q) / (double)SL_MS;
    har_samples_release(&samples);
    return ms;
}
