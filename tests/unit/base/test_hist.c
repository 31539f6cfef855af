/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/rng.h"
#include "tests/support/cmocka_all.h"

enum {
    SAMPLES = 20000,
};

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static struct sl_hist *hist_new(void)
{
    return sl_calloc(1, sizeof(struct sl_hist));
}

/* Shapes that latencies have, and the widest there is. */
static uint64_t draw(struct sl_rng *rng, int shape)
{
    double unit = sl_rng_unit(rng);
    switch (shape) {
    case 0:
        return sl_rng_below(rng, 100);
    case 1:
        return (uint64_t)(-log(1 - unit) * 1e6);
    case 2:
        return sl_rng_below(rng, 50) == 0 ? 5000000000U : 200000 + sl_rng_below(rng, 1000);
    default:
        return sl_rng_next(rng) >> sl_rng_below(rng, 64);
    }
}

static void percentiles_are_those_of_the_sorted_samples_to_one_part_in_128(void **state)
{
    (void)state;
    static const double quantiles[] = {0, 1, 25, 50, 90, 99, 99.9, 100};
    uint64_t *samples = sl_calloc(SAMPLES, sizeof(uint64_t));
    for (int shape = 0; shape < 4; shape++) {
        struct sl_hist *hist = hist_new();
        struct sl_rng rng;
        sl_rng_init(&rng, 11, (uint64_t)shape);
        double sum = 0;
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = draw(&rng, shape);
            sum += (double)samples[i];
            sl_hist_add(hist, samples[i]);
        }
        qsort(samples, SAMPLES, sizeof(uint64_t), ascending);
        for (size_t q = 0; q < sizeof(quantiles) / sizeof(quantiles[0]); q++) {
            double rank = ceil(quantiles[q] / 100 * SAMPLES);
            uint64_t exact = samples[rank < 1 ? 0 : (size_t)rank - 1];
            uint64_t got = sl_hist_percentile(hist, quantiles[q]);
            assert_true(got >= exact);
            assert_true(got - exact <= exact / SL_HIST_PARTS);
        }
        assert_true(hist->least == samples[0]);
        assert_true(hist->greatest == samples[SAMPLES - 1]);
        assert_true(fabs(sl_hist_mean(hist) - sum / SAMPLES) <= sum / SAMPLES * 1e-9);
        sl_free(hist);
    }
    sl_free(samples);
}

static void every_number_falls_into_a_bucket_that_holds_it(void **state)
{
    (void)state;
    struct sl_hist *hist = hist_new();
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t power = UINT64_C(1) << bit;
        const uint64_t around[] = {power - 1, power, power + 1, power | power >> 1};
        for (size_t i = 0; i < 4; i++) {
            sl_hist_clear(hist);
            sl_hist_add(hist, around[i]);
            sl_hist_add(hist, UINT64_MAX);
            uint64_t got = sl_hist_percentile(hist, 50);
            assert_true(got >= around[i] && got - around[i] <= around[i] / SL_HIST_PARTS);
            assert_true(sl_hist_percentile(hist, 100) == UINT64_MAX);
        }
    }
    sl_free(hist);
}

static void an_empty_one_answers_zero(void **state)
{
    (void)state;
    struct sl_hist *hist = hist_new();
    assert_true(sl_hist_percentile(hist, 99) == 0);
    assert_true(sl_hist_mean(hist) == 0);
    sl_free(hist);
}

static void merging_is_adding_all(void **state)
{
    (void)state;
    struct sl_hist *all = hist_new();
    struct sl_hist *parts[3] = {hist_new(), hist_new(), hist_new()}; /* the last stays empty */
    for (uint64_t i = 1; i <= 1000; i++) {
        sl_hist_add(all, i * i);
        sl_hist_add(parts[i % 2], i * i);
    }
    struct sl_hist *merged = hist_new();
    for (size_t i = 0; i < 3; i++) {
        sl_hist_merge(merged, parts[i]);
        sl_free(parts[i]);
    }
    assert_memory_equal(merged->counts, all->counts, sizeof(all->counts));
    assert_true(merged->count == all->count && merged->least == 1 && merged->greatest == 1000000);
    sl_free(merged);
    sl_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_those_of_the_sorted_samples_to_one_part_in_128),
        cmocka_unit_test(every_number_falls_into_a_bucket_that_holds_it),
        cmocka_unit_test(an_empty_one_answers_zero),
        cmocka_unit_test(merging_is_adding_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
