/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies of both sides, and which differences nothing but the server explains. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/model.h"
#include "lib/base/alloc.h"

/* Differences that are not told as changes. */
#define SMALL_RATIO    1.5 /* of one run each */
#define REPEATED_RATIO 1.1 /* where REPEATS_MIN results a side say what scatters */
#define BEYOND_MIN     5.0 /* samples beyond a quantile; of fewer it is one slow sample or another */
#define COUNT_RATIO    1.25  /* of samples; more is another set of messages */
#define FLOOR_MS       0.001 /* what both are raised by for a ratio: a latency may be 0 */
enum {
    /* Results on each side, whose ranges then say what scatters: that 5 and 5 lie apart by chance happens in 1 of 126. Of a run
     * each no percentile, of however many samples, tells a slower server from a busier machine. */
    REPEATS_MIN = 5,
};

const char *const har_compare_noise_names[] = {"real",   "unrepeated", "absent",  "counts", "ours",
                                               "pauses", "small",      "repeats", "few"};
const char *const har_compare_noise_texts[] = {
    "real",
    "not repeated",
    "not measured on both sides",
    "of samples that one side has far fewer of: what did not come has no latency",
    "the harness's own lateness, not a server's",
    "no more than the machine paused, or the harness was late",
    "under 50 % (under 10 % where both sides repeat enough)",
    "the repeats scatter as far",
    "too few samples beyond it",
};
const char *const har_compare_quantile_names[] = {"p50", "p90", "p99", "p999", "max"};
/* The part of the samples that lies beyond. */
static const double beyond[] = {0.5, 0.1, 0.01, 0.001, 0};

static json_t *metric_of(const struct har_compare_result *result, const char *phase,
                         const char *metric)
{
    return json_object_get(json_object_get(result->latency, phase), metric);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* values: room for one a run. */
static struct har_compare_value read_value(const struct har_compare_tally *tally,
                                           const struct har_compare_latency *latency,
                                           const char *quantile, double *values)
{
    struct har_compare_value value = {0};
    for (size_t i = 0; i < tally->runs; i++) {
        json_t *metric = metric_of(&tally->results[i], latency->phase, latency->metric);
        json_t *number = json_object_get(metric, quantile);
        if (json_is_number(number) && json_number_value(json_object_get(metric, "count")) > 0) {
            values[value.runs++] = json_number_value(number);
        }
    }
    if (value.runs > 0) {
        qsort(values, value.runs, sizeof(values[0]), by_value);
        value.ms = (values[(value.runs - 1) / 2] + values[value.runs / 2]) / 2;
        value.low = values[0];
        value.high = values[value.runs - 1];
    }
    return value;
}

static void read_side(struct har_compare_latency *latency, int side)
{
    const struct har_compare_tally *tally = &latency->pair->sides[side];
    double *values = sl_calloc(tally->runs + 1, sizeof(values[0]));
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        latency->values[side][q] =
            read_value(tally, latency, har_compare_quantile_names[q], values);
    }
    for (size_t i = 0; i < tally->runs; i++) {
        double count = json_number_value(json_object_get(
            metric_of(&tally->results[i], latency->phase, latency->metric), "count"));
        bool is_least = count > 0 && (latency->least[side] == 0 || count < latency->least[side]);
        latency->least[side] = is_least ? count : latency->least[side];
        latency->counts[side] += count;
    }
    sl_free(values);
}

/* The p99 of how late the harness was in that phase, the larger of both sides. */
static double slip_of(const struct har_compare_latency *latency)
{
    double late = 0;
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        const struct har_compare_tally *tally = &latency->pair->sides[side];
        for (size_t i = 0; i < tally->runs; i++) {
            double slip = json_number_value(
                json_object_get(metric_of(&tally->results[i], latency->phase, "slip"), "p99"));
            late = slip > late ? slip : late;
        }
    }
    return late;
}

static double ratio_of(double a, double b)
{
    return (b + FLOOR_MS) / (a + FLOOR_MS);
}

/*
 * What a pause may add to a quantile. Of many samples half are late only when the machine is so all the time, and its p99 says how much
 * that may be; one long pause is enough for the slowest of them.
 */
static double pause_of(const struct har_compare *compare, int q)
{
    const struct har_compare_run *a = compare->runs[HAR_COMPARE_A];
    const struct har_compare_run *b = compare->runs[HAR_COMPARE_B];
    return q == HAR_COMPARE_P50 ? fmax(a->hiccup_p99_ms, b->hiccup_p99_ms)
                                : fmax(a->hiccup_max_ms, b->hiccup_max_ms);
}

/* Samples of a result, on average. */
static double count_of(const struct har_compare_latency *latency, int side)
{
    return latency->counts[side] / (double)latency->values[side][HAR_COMPARE_P50].runs;
}

static enum har_compare_noise judge(const struct har_compare *compare,
                                    const struct har_compare_latency *latency, int q, double slip)
{
    const struct har_compare_value *a = &latency->values[HAR_COMPARE_A][q];
    const struct har_compare_value *b = &latency->values[HAR_COMPARE_B][q];
    double least = fmin(latency->least[HAR_COMPARE_A], latency->least[HAR_COMPARE_B]);
    double apart = fabs(b->ms - a->ms);
    double ratio = ratio_of(a->ms, b->ms);
    bool is_repeated = a->runs >= REPEATS_MIN && b->runs >= REPEATS_MIN;
    double small = is_repeated ? REPEATED_RATIO : SMALL_RATIO;
    double pause = pause_of(compare, is_repeated ? HAR_COMPARE_P50 : q);
    if (a->runs == 0 || b->runs == 0) {
        return HAR_COMPARE_ABSENT;
    }
    if (strcmp(latency->metric, "slip") == 0) {
        return HAR_COMPARE_OURS;
    }
    if (count_of(latency, HAR_COMPARE_A) > COUNT_RATIO * count_of(latency, HAR_COMPARE_B) ||
        count_of(latency, HAR_COMPARE_B) > COUNT_RATIO * count_of(latency, HAR_COMPARE_A)) {
        return HAR_COMPARE_COUNTS;
    }
    if (ratio < small && ratio > 1 / small) {
        return HAR_COMPARE_SMALL;
    }
    if (apart <= pause || apart <= slip) {
        return HAR_COMPARE_PAUSES;
    }
    if (a->low <= b->high && b->low <= a->high && a->runs + b->runs > 2) {
        return HAR_COMPARE_REPEATS;
    }
    if (is_repeated) {
        return HAR_COMPARE_REAL;
    }
    return least * beyond[q] >= BEYOND_MIN ? HAR_COMPARE_UNREPEATED : HAR_COMPARE_FEW;
}

/* Of the quantiles that are as good as its best. */
static double largest_change(const struct har_compare_latency *latency)
{
    double largest = 0;
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        double change = fabs(log(
            ratio_of(latency->values[HAR_COMPARE_A][q].ms, latency->values[HAR_COMPARE_B][q].ms)));
        bool is_best = latency->noise[q] == latency->best;
        largest = is_best && change > largest ? change : largest;
    }
    return largest;
}

static void add(struct har_compare *compare, const struct har_compare_pair *pair, const char *phase,
                const char *metric)
{
    size_t count = compare->latency_count;
    if ((count & (count - 1)) == 0) { /* doubles at each power of two */
        compare->latencies = sl_realloc(compare->latencies,
                                        (count == 0 ? 1 : 2 * count) * sizeof(*compare->latencies));
    }
    struct har_compare_latency *latency = &compare->latencies[compare->latency_count++];
    *latency = (struct har_compare_latency){.pair = pair, .phase = phase, .metric = metric};
    read_side(latency, HAR_COMPARE_A);
    read_side(latency, HAR_COMPARE_B);
    double slip = slip_of(latency);
    latency->best = HAR_COMPARE_NOISES;
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        latency->noise[q] = judge(compare, latency, q, slip);
        latency->best = latency->noise[q] < latency->best ? latency->noise[q] : latency->best;
    }
    if (latency->best > HAR_COMPARE_UNREPEATED) {
        latency->best = latency->noise[HAR_COMPARE_P99]; /* which people look at */
    } else {
        latency->change = largest_change(latency);
    }
    compare->noises[latency->best]++;
}

/* Whether a result of the pair before this one (in the order A, B) has the metric. */
static bool is_told(const struct har_compare_pair *pair, int side, size_t run, const char *phase,
                    const char *metric)
{
    for (int s = 0; s <= side; s++) {
        size_t end = s == side ? run : pair->sides[s].runs;
        for (size_t i = 0; i < end; i++) {
            if (metric_of(&pair->sides[s].results[i], phase, metric) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void add_pair(struct har_compare *compare, const struct har_compare_pair *pair)
{
    size_t first = compare->latency_count;
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        for (size_t i = 0; i < pair->sides[side].runs; i++) {
            const char *phase;
            const char *metric;
            json_t *metrics;
            json_t *unused;
            json_object_foreach (pair->sides[side].results[i].latency, phase, metrics) {
                json_object_foreach (metrics, metric, unused) {
                    bool has_room = compare->latency_count < HAR_COMPARE_LATENCIES_MAX &&
                                    compare->latency_count - first < HAR_COMPARE_METRICS_MAX;
                    if (!has_room) {
                        compare->latencies_left_out++;
                    } else if (!is_told(pair, side, i, phase, metric)) {
                        add(compare, pair, phase, metric);
                    }
                }
            }
        }
    }
}

static int by_change(const void *a, const void *b)
{
    const struct har_compare_latency *left = a;
    const struct har_compare_latency *right = b;
    int left_rank = left->best < HAR_COMPARE_ABSENT ? (int)left->best : HAR_COMPARE_ABSENT;
    int right_rank = right->best < HAR_COMPARE_ABSENT ? (int)right->best : HAR_COMPARE_ABSENT;
    if (left_rank != right_rank) {
        return left_rank - right_rank;
    }
    if (left->change < right->change || left->change > right->change) {
        return left->change > right->change ? -1 : 1;
    }
    int order = strcmp(left->pair->id, right->pair->id);
    order = order != 0 ? order : strcmp(left->phase, right->phase);
    return order != 0 ? order : strcmp(left->metric, right->metric);
}

void har_compare_latencies(struct har_compare *compare)
{
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        if (pair->sides[HAR_COMPARE_A].runs > 0 && pair->sides[HAR_COMPARE_B].runs > 0) {
            add_pair(compare, pair);
        }
    }
    if (compare->latency_count > 0) {
        qsort(compare->latencies, compare->latency_count, sizeof(compare->latencies[0]), by_change);
    }
}
