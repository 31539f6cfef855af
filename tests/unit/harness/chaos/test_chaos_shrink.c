/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/shrink.h"
#include "tests/support/cmocka_all.h"

/* A server that is not there: it fails where all of these kinds come together, and enough else does. */
struct oracle {
    unsigned kinds[4];
    size_t count;
    unsigned least_amount, least_victims, least_cycles;
    unsigned asked, allowed; /* allowed 0: any number */
};

static bool fails(void *owner, const struct har_chaos_schedule *candidate)
{
    struct oracle *oracle = owner;
    oracle->asked++;
    for (size_t i = 0; i < oracle->count; i++) {
        bool is_there = false;
        for (size_t f = 0; f < candidate->fault_count; f++) {
            const struct har_chaos_fault *fault = &candidate->faults[f];
            is_there |= fault->kind == oracle->kinds[i] && fault->amount >= oracle->least_amount &&
                        candidate->groups[fault->group].count >= oracle->least_victims;
        }
        if (!is_there) {
            return false;
        }
    }
    return candidate->cycles >= oracle->least_cycles;
}

static bool has_time(void *owner)
{
    const struct oracle *oracle = owner;
    return oracle->allowed == 0 || oracle->asked < oracle->allowed;
}

/* Twelve faults of as many kinds, on six groups. */
static struct har_chaos_schedule big(void)
{
    struct har_chaos_schedule schedule = {
        .cycles = 6,
        .cycle_ms = 1000,
        .load = {.publishers = 3,
                 .rate_hz = 50,
                 .size = 4000,
                 .live = 2,
                 .core = 1,
                 .talkers = 2,
                 .has_elsewhere = true},
        .group_count = 6,
        .fault_count = 12,
    };
    for (unsigned i = 0; i < 12; i++) {
        schedule.groups[i % 6] = (struct har_chaos_group){.count = 4};
        schedule.faults[i] = (struct har_chaos_fault){
            .kind = i, .group = i % 6, .at_ms = 350, .for_ms = 250, .amount = 9, .is_other = true};
    }
    return schedule;
}

static void finds_the_faults_that_are_needed(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 12; a++) {
        for (unsigned b = a + 1; b < 12; b++) {
            struct oracle oracle = {.kinds = {a, b}, .count = 2};
            struct har_chaos_shrink shrink = {fails, has_time, &oracle, 0, false};
            struct har_chaos_schedule schedule = big();
            har_chaos_shrink(&shrink, &schedule);
            assert_int_equal(schedule.fault_count, 2);
            assert_true(schedule.group_count <= 2);
            assert_true(shrink.is_complete);
            assert_true(fails(&oracle, &schedule));
        }
    }
}

static void needs_no_fault_where_the_load_does_it(void **state)
{
    (void)state;
    struct oracle oracle = {.count = 0};
    struct har_chaos_shrink shrink = {fails, has_time, &oracle, 0, false};
    struct har_chaos_schedule schedule = big();
    har_chaos_shrink(&shrink, &schedule);
    assert_int_equal(schedule.fault_count, 0);
    assert_int_equal(schedule.group_count, 0);
    assert_int_equal(schedule.load.publishers, 1);
    assert_int_equal(schedule.cycles, 1);
}

static void keeps_the_numbers_that_are_needed(void **state)
{
    (void)state;
    struct oracle oracle = {.kinds = {HAR_CHAOS_READER_STALL},
                            .count = 1,
                            .least_amount = 3,
                            .least_victims = 2,
                            .least_cycles = 3};
    struct har_chaos_shrink shrink = {fails, has_time, &oracle, 0, false};
    struct har_chaos_schedule schedule = big();
    har_chaos_shrink(&shrink, &schedule);
    assert_int_equal(schedule.fault_count, 1);
    assert_int_equal(schedule.faults[0].kind, HAR_CHAOS_READER_STALL);
    assert_in_range(schedule.faults[0].amount, 3, 5);
    assert_in_range(schedule.groups[0].count, 2, 3);
    assert_in_range(schedule.cycles, 3, 3);
    assert_int_equal(schedule.faults[0].at_ms, 0);
    assert_int_equal(schedule.faults[0].for_ms, 0);
    assert_false(schedule.faults[0].is_other);
    assert_int_equal(schedule.load.talkers, 0);
}

static void ends_in_time_with_what_failed(void **state)
{
    (void)state;
    for (unsigned allowed = 0; allowed < 40; allowed++) {
        struct oracle oracle = {.kinds = {2, 5, 9}, .count = 3, .allowed = allowed + 1};
        struct har_chaos_shrink shrink = {fails, has_time, &oracle, 0, false};
        struct har_chaos_schedule schedule = big();
        har_chaos_shrink(&shrink, &schedule);
        assert_true(oracle.asked <= allowed + 1);
        assert_false(shrink.is_complete);
        assert_true(fails(&oracle, &schedule));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_faults_that_are_needed),
        cmocka_unit_test(needs_no_fault_where_the_load_does_it),
        cmocka_unit_test(keeps_the_numbers_that_are_needed),
        cmocka_unit_test(ends_in_time_with_what_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
