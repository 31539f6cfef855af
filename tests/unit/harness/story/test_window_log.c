/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/window_log.h"

#include "lib/base/alloc.h"
#include "lib/base/rng.h"
#include "tests/support/cmocka_all.h"

enum {
    MANY = 100000,
};

static void what_did_not_move_is_not_kept(void **state)
{
    (void)state;
    struct har_window_log *log = sl_alloc(sizeof(*log));
    har_window_log_add(log, 1, 10);
    har_window_log_add(log, 2, 10);
    har_window_log_add(log, 3, 9);
    assert_int_equal(log->count, 2);
    assert_int_equal(log->points[1].at_ns, 3);
    assert_int_equal(log->left_out, 0);
    sl_free(log);
}

/* Whatever comes, the log keeps its bound, its order, its ends and its extremes. */
static void a_full_log_keeps_first_last_and_extremes(void **state)
{
    (void)state;
    struct sl_rng rng;
    sl_rng_init(&rng, 7, 1);
    struct har_window_log *log = sl_alloc(sizeof(*log));
    int64_t least = INT64_MAX;
    int64_t greatest = INT64_MIN;
    int64_t last = 0;
    for (int i = 0; i < MANY; i++) {
        int64_t bytes = i * 2 + (int64_t)(sl_rng_unit(&rng) * 1000); /* never twice the same */
        bytes = i == 31337 ? -65535 : i == 62000 ? 1 << 30 : bytes;
        har_window_log_add(log, (uint64_t)i, bytes);
        least = bytes < least ? bytes : least;
        greatest = bytes > greatest ? bytes : greatest;
        last = bytes;
        assert_true(log->count <= HAR_WINDOW_POINTS);
    }
    bool has_least = false;
    bool has_greatest = false;
    for (size_t i = 0; i < log->count; i++) {
        assert_true(i == 0 || log->points[i].at_ns > log->points[i - 1].at_ns);
        has_least |= log->points[i].bytes == least && log->points[i].at_ns == 31337;
        has_greatest |= log->points[i].bytes == greatest && log->points[i].at_ns == 62000;
    }
    assert_true(has_least);
    assert_true(has_greatest);
    assert_int_equal(log->points[0].at_ns, 0);
    assert_int_equal(log->points[log->count - 1].bytes, last);
    sl_free(log);
}

static void thinning_leaves_short_series_alone(void **state)
{
    (void)state;
    struct har_window_point points[5] = {{1, 5}, {2, 4}, {3, 9}, {4, 1}, {5, 2}};
    assert_int_equal(har_window_thin(points, 5, 8), 5);
    assert_int_equal(points[3].bytes, 1);
}

static void thinning_keeps_to_any_bound(void **state)
{
    (void)state;
    for (size_t max = 8; max < 40; max++) {
        struct har_window_point points[97];
        for (size_t i = 0; i < 97; i++) {
            points[i] = (struct har_window_point){.at_ns = i, .bytes = (int64_t)(i * 37 % 97)};
        }
        size_t count = har_window_thin(points, 97, max);
        bool has_least = false;
        bool has_greatest = false;
        assert_true(count <= max && count >= 2);
        for (size_t i = 0; i < count; i++) {
            has_least |= points[i].bytes == 0;
            has_greatest |= points[i].bytes == 96;
            assert_int_equal(points[i].bytes, (int64_t)(points[i].at_ns * 37 % 97));
            assert_true(i == 0 || points[i].at_ns > points[i - 1].at_ns);
        }
        assert_true(has_least && has_greatest);
        assert_int_equal(points[count - 1].at_ns, 96);
    }
}

/* Closed for a millisecond of every ten; what is left of it, held from each point to the next, may tell less, never more. */
static void a_window_is_never_told_to_be_closed_for_longer(void **state)
{
    (void)state;
    struct har_window_log *log = sl_alloc(sizeof(*log));
    *log = (struct har_window_log){0};
    for (uint64_t i = 0; i < 20000; i++) {
        har_window_log_add(log, 10 * i, 1000 + (int64_t)(i % 7));
        har_window_log_add(log, 10 * i + 8, 0);
        har_window_log_add(log, 10 * i + 9, 500);
    }
    assert_true(log->left_out > 0);
    uint64_t closed = 0;
    for (size_t i = 0; i + 1 < log->count; i++) {
        if (log->points[i].bytes == 0) {
            assert_int_equal(log->points[i + 1].at_ns - log->points[i].at_ns, 1);
            closed++;
        }
    }
    assert_true(closed > 50);
    uint64_t last_ns = log->points[log->count - 1].at_ns;
    for (size_t i = 0; i + 1 < log->count;
         i++) { /* nor is the beginning told by less than the end */
        assert_true(log->points[i + 1].at_ns - log->points[i].at_ns < last_ns / 20);
    }
    sl_free(log);
}

/* The clock of frames and that of the log's owner are not the same one. */
static void time_never_goes_back(void **state)
{
    (void)state;
    struct har_window_log *log = sl_alloc(sizeof(*log));
    har_window_log_add(log, 5, 1);
    har_window_log_add(log, 4, 2);
    assert_int_equal(log->points[1].at_ns, 5);
    sl_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_did_not_move_is_not_kept),
        cmocka_unit_test(a_full_log_keeps_first_last_and_extremes),
        cmocka_unit_test(thinning_leaves_short_series_alone),
        cmocka_unit_test(thinning_keeps_to_any_bound),
        cmocka_unit_test(a_window_is_never_told_to_be_closed_for_longer),
        cmocka_unit_test(time_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
