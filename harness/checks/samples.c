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

static uint64_t sample_of(const struct har_sent *sent, enum har_metric metric)
{
    if (metric == HAR_METRIC_SLIP) {
        return sent->sent_ns > sent->due_ns ? sent->sent_ns - sent->due_ns : 0;
    }
    return sent->replied_ns - (metric == HAR_METRIC_SERVICE ? sent->sent_ns : sent->intended_ns);
}

static void collect_sent(struct har_samples *samples, size_t *capacity,
                         const struct har_actor *actor, enum har_metric metric,
                         const struct har_strings *phases)
{
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        bool is_measured = metric == HAR_METRIC_SLIP || sent->replied_ns != 0;
        if (is_measured && har_phase_matches(actor->play, phases, sent->phase)) {
            add(samples, capacity, sample_of(sent, metric));
        }
    }
}

static void collect_received(struct har_samples *samples, size_t *capacity,
                             const struct har_actor *actor, const struct har_strings *phases)
{
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        const struct har_actor *sender = har_play_actor(actor->play, received->publisher);
        if (sender == NULL) {
            continue; /* of another service: nobody here sent it */
        }
        const struct har_sent *sent = &sender->sent[received->sequence];
        if (har_phase_matches(actor->play, phases, sent->phase)) {
            add(samples, capacity, received->at_ns - sent->intended_ns);
        }
    }
}

static void collect_pings(struct har_samples *samples, size_t *capacity,
                          const struct har_actor *actor, const struct har_strings *phases)
{
    for (size_t i = 0; i < actor->probe_count; i++) {
        const struct har_ping_probe *probe = &actor->probes[i];
        if (probe->acked_ns != 0 && har_phase_matches(actor->play, phases, probe->phase)) {
            add(samples, capacity, probe->acked_ns - probe->sent_ns);
        }
    }
}

/* First and last receipt of each message of one sender; 0: none. */
struct spread {
    uint64_t first_ns, last_ns;
};

static void collect_skew(struct har_samples *samples, size_t *capacity, struct har_play *play,
                         uint64_t mask, const struct har_strings *phases)
{
    for (size_t s = 0; s < play->actor_count; s++) {
        const struct har_actor *sender = &play->actors[s];
        if (sender->sent_count == 0) {
            continue;
        }
        struct spread *spreads = sl_calloc(sender->sent_count, sizeof(struct spread));
        HAR_FOR_ACTORS (play, mask, actor) {
            for (uint32_t i = 0; i < actor->received_count; i++) {
                const struct har_received *received = &actor->received[i];
                if (received->publisher == sender->number) {
                    struct spread *spread = &spreads[received->sequence];
                    uint64_t at_ns = received->at_ns;
                    bool is_first = spread->first_ns == 0 || at_ns < spread->first_ns;
                    spread->first_ns = is_first ? at_ns : spread->first_ns;
                    spread->last_ns = at_ns > spread->last_ns ? at_ns : spread->last_ns;
                }
            }
        }
        for (uint32_t i = 0; i < sender->sent_count; i++) {
            if (spreads[i].first_ns != 0 &&
                har_phase_matches(play, phases, sender->sent[i].phase)) {
                add(samples, capacity, spreads[i].last_ns - spreads[i].first_ns);
            }
        }
        sl_free(spreads);
    }
}

struct har_samples har_samples_collect(struct har_play *play, uint64_t mask, enum har_metric metric,
                                       const struct har_strings *phases)
{
    struct har_samples samples = {0};
    size_t capacity = 0;
    if (metric == HAR_METRIC_SKEW) {
        collect_skew(&samples, &capacity, play, mask, phases);
    }
    HAR_FOR_ACTORS (play, mask, actor) {
        if (metric == HAR_METRIC_DELIVERY) {
            collect_received(&samples, &capacity, actor, phases);
        } else if (metric == HAR_METRIC_PING) {
            collect_pings(&samples, &capacity, actor, phases);
        } else if (metric != HAR_METRIC_SKEW) {
            collect_sent(&samples, &capacity, actor, metric, phases);
        }
    }
    har_samples_sort(&samples);
    return samples;
}

void har_samples_sort(struct har_samples *samples)
{
    if (samples->count > 0) {
        qsort(samples->ns, samples->count, sizeof(uint64_t), ascending);
    }
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
    const char *name = phase < 0 ? "" : play->scenario->phases[phase];
    struct har_strings phases = {.items = &name, .count = phase >= 0};
    struct har_samples samples = har_samples_collect(play, mask, metric, &phases);
    double ms = (double)har_samples_percentile(&samples, q) / (double)SL_MS;
    har_samples_release(&samples);
    return ms;
}
