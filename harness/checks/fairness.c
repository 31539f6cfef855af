/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on how equals are treated: jain, max_over_median. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/checks/samples.h"
#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

struct fair_args {
    struct har_check_common common;
    int metric;
    struct har_expr bound;
};
enum fair_metric { FAIR_RECEIVED, FAIR_ACCEPTED, FAIR_DELIVERY };
static const char *const fair_metrics[] = {"received", "accepted", "delivery", NULL};
static const struct har_field jain_fields[] = {
    HAR_CHECK_COMMON,
    {"jain", HAR_FIELD_CHOICE, offsetof(struct fair_args, metric), .choices = fair_metrics,
     .is_required = true, .help = "messages received or accepted, or the median delay of delivery"},
    {"min", HAR_FIELD_EXPR, offsetof(struct fair_args, bound),
     .help = "1 is equal shares, 1/n is everything for one of n; default 0.95"},
};
static const struct har_field median_fields[] = {
    HAR_CHECK_COMMON,
    {"max_over_median", HAR_FIELD_CHOICE, offsetof(struct fair_args, metric),
     .choices = fair_metrics, .is_required = true, .help = "as in jain"},
    {"at_most", HAR_FIELD_EXPR, offsetof(struct fair_args, bound), .is_required = true,
     .help = "the greatest share over the median one; of received and accepted also the median "
             "over the least"},
};

static double share_of(const struct har_check *check, const struct har_actor *actor, int metric)
{
    const struct har_strings *phases = &check->common->phase;
    double count = 0;
    if (metric == FAIR_DELIVERY) {
        /* one instance alone, which no mask can name */
        uint64_t *delays = sl_calloc(actor->received_count + 1, sizeof(uint64_t));
        size_t n = 0;
        for (uint32_t i = 0; i < actor->received_count; i++) {
            const struct har_received *received = &actor->received[i];
            const struct har_actor *sender = har_play_actor(check->play, received->publisher);
            if (sender == NULL) {
                continue; /* of another service: nobody here sent it */
            }
            const struct har_sent *sent = &sender->sent[received->sequence];
            if (har_phase_matches(check->play, phases, sent->phase)) {
                delays[n++] = received->at_ns - sent->intended_ns;
            }
        }
        struct har_samples samples = {.ns = delays, .count = n};
        har_samples_sort(&samples);
        count = (double)har_samples_percentile(&samples, 50) / (double)SL_MS;
        har_samples_release(&samples);
        return count;
    }
    for (uint32_t i = 0; metric == FAIR_RECEIVED && i < actor->received_count; i++) {
        count += har_phase_matches(check->play, phases, actor->received[i].phase);
    }
    for (uint32_t i = 0; metric == FAIR_ACCEPTED && i < actor->sent_count; i++) {
        count += actor->sent[i].is_accepted &&
                 har_phase_matches(check->play, phases, actor->sent[i].phase);
    }
    return count;
}

/* The shares of all instances judged; yours to sl_free. */
static double *shares_of(const struct har_check *check, size_t *ret_count)
{
    const struct fair_args *args = check->node->args;
    double *shares = sl_calloc(check->play->actor_count + 1, sizeof(double));
    *ret_count = 0;
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        shares[(*ret_count)++] = share_of(check, actor, args->metric);
    }
    return shares;
}

/* Jain, Chiu, Hawe 1984: (sum of x)^2 / (n * sum of x^2). */
static void run_jain(const struct har_check *check)
{
    const struct fair_args *args = check->node->args;
    double least = har_play_value(check->play, &args->bound, 0.95);
    size_t count = 0;
    double *shares = shares_of(check, &count);
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += shares[i];
        squares += shares[i] * shares[i];
    }
    double index = squares > 0 ? sum * sum / ((double)count * squares) : 0;
    if (index < least) {
        har_check_fail(check, "Jain's index of %s over %zu instances is %.3f, not %g",
                       fair_metrics[args->metric], count, index, least);
    }
    sl_free(shares);
}

static int ascending(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a > *b) - (*a < *b);
}

static void run_median(const struct har_check *check)
{
    const struct fair_args *args = check->node->args;
    double most = har_play_value(check->play, &args->bound, 0);
    size_t count = 0;
    double *shares = shares_of(check, &count);
    if (count > 0) {
        qsort(shares, count, sizeof(double), ascending);
    }
    double median = shares[count / 2];
    double greatest = count == 0 ? 0 : shares[count - 1];
    bool is_delay = args->metric == FAIR_DELIVERY;
    bool is_good =
        median > 0 && greatest <= most * median && (is_delay || median <= most * shares[0]);
    if (!is_good) {
        har_check_fail_if(
            check, is_delay,
            "%s: the least of %zu instances has %g, the median %g, the greatest %g; a "
            "factor of %g is allowed",
            fair_metrics[args->metric], count, shares[0], median, greatest, most);
    }
    sl_free(shares);
}

const struct har_check_type har_check_jain = {
    .name = "jain",
    .help = "equals got equal shares, by Jain's index",
    .example = "{\"jain\": \"received\", \"min\": 0.95, \"of\": \"sub\"}",
    .rule = "SUB-04",
    HAR_CHECK_ARGS(struct fair_args, jain_fields),
    .run = run_jain,
};
const struct har_check_type har_check_max_over_median = {
    .name = "max_over_median",
    .help = "no instance got many times more (or less) than the median one",
    .example = "{\"max_over_median\": \"delivery\", \"at_most\": 5, \"of\": \"sub\"}",
    .rule = "SUB-04",
    HAR_CHECK_ARGS(struct fair_args, median_fields),
    .run = run_median,
};
