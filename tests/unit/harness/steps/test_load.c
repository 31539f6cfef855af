/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/steps/load.h"

#include <math.h>

#include "tests/support/cmocka_all.h"

/* How many messages are due before each of the limits. */
static void count(const struct har_load *load, const double *limits_s, size_t *counts, size_t size)
{
    struct har_load_cursor cursor;
    uint64_t at_ns = 0;
    uint64_t before_ns = 0;
    har_load_begin(&cursor, 7, 1);
    memset(counts, 0, size * sizeof(*counts));
    for (size_t n = 0; n < 100000 && har_load_next(load, &cursor, &at_ns); n++) {
        assert_true(at_ns >= before_ns);
        before_ns = at_ns;
        for (size_t i = 0; i < size; i++) {
            counts[i] += (double)at_ns / 1e9 < limits_s[i];
        }
    }
}

static void shapes_are_due_when_they_say(void **state)
{
    (void)state;
    double steps[] = {50, 200, 0, 50};
    double ramp[] = {0, 200};
    double down[] = {200, 0};
    double times[] = {0.1, 0.1, 0.7};
    const struct {
        const char *name;
        struct har_load load;
        double limits_s[4];
        size_t counts[4];
        size_t slack;
    } cases[] = {
        {"even",
         {.shape = HAR_LOAD_EVEN, .rate = 100, .group = 1, .seconds = 2},
         {0.005, 0.5, 1, 9},
         {1, 50, 100, 200},
         1},
        {"burst",
         {.shape = HAR_LOAD_EVEN, .rate = 20, .group = 20, .seconds = 3},
         {0.5, 1.5, 2.5, 9},
         {20, 40, 60, 60},
         0},
        {"step",
         {.shape = HAR_LOAD_STEP, .parts = steps, .part_count = 4, .seconds = 4},
         {1, 2, 3, 4},
         {50, 250, 250, 300},
         1},
        {"ramp",
         {.shape = HAR_LOAD_RAMP, .parts = ramp, .part_count = 2, .seconds = 4},
         {1, 2, 3, 4},
         {25, 100, 225, 400},
         1},
        {"ramp down",
         {.shape = HAR_LOAD_RAMP, .parts = down, .part_count = 2, .seconds = 4},
         {1, 2, 3, 4},
         {175, 300, 375, 400},
         1},
        {"poisson",
         {.shape = HAR_LOAD_POISSON, .rate = 100, .seconds = 100},
         {10, 20, 50, 100},
         {1000, 2000, 5000, 10000},
         300},
        {"replay",
         {.shape = HAR_LOAD_REPLAY, .parts = times, .part_count = 3},
         {0.1, 0.2, 0.7, 1},
         {0, 2, 2, 3},
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t counts[4];
        count(&cases[i].load, cases[i].limits_s, counts, 4);
        for (size_t j = 0; j < 4; j++) {
            if (fabs((double)counts[j] - (double)cases[i].counts[j]) > (double)cases[i].slack) {
                fail_msg("%s: %zu before %g s, not %zu", cases[i].name, counts[j],
                         cases[i].limits_s[j], cases[i].counts[j]);
            }
        }
    }
}

static void the_same_seed_draws_the_same_times_and_senders_differ(void **state)
{
    (void)state;
    const struct har_load load = {.shape = HAR_LOAD_POISSON, .rate = 10};
    struct har_load_cursor cursors[3];
    har_load_begin(&cursors[0], 7, 1);
    har_load_begin(&cursors[1], 7, 1);
    har_load_begin(&cursors[2], 7, 2);
    size_t same = 0;
    for (size_t i = 0; i < 100; i++) {
        uint64_t at_ns[3];
        for (size_t j = 0; j < 3; j++) {
            assert_true(har_load_next(&load, &cursors[j], &at_ns[j]));
        }
        assert_true(at_ns[0] == at_ns[1]);
        same += at_ns[0] == at_ns[2];
    }
    assert_int_equal(same, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_are_due_when_they_say),
        cmocka_unit_test(the_same_seed_draws_the_same_times_and_senders_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
