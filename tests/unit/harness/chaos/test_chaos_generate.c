/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/generate.h"
#include "harness/chaos/write.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

enum { ALL = (1 << HAR_CHAOS_KINDS) - 1 };

static struct har_chaos_options options_of(uint64_t seed)
{
    return (struct har_chaos_options){.seed = seed,
                                      .kinds = ALL,
                                      .max_faults = 5,
                                      .rate_hz = 150,
                                      .actors = 16,
                                      .buffer = 100,
                                      .has_buffer = true,
                                      .is_ready = true,
                                      .is_observed = true};
}

static void makes_the_same_rounds_of_a_seed(void **state)
{
    (void)state;
    struct har_chaos_options options = options_of(7);
    struct har_chaos_coverage first = {0};
    struct har_chaos_coverage second = {0};
    for (unsigned i = 0; i < 100; i++) {
        struct har_chaos_schedule a;
        struct har_chaos_schedule b;
        har_chaos_generate(&options, &first, &a);
        har_chaos_generate(&options, &second, &b);
        char *of_a = har_chaos_write(&a, NULL);
        char *of_b = har_chaos_write(&b, NULL);
        assert_string_equal(of_a, of_b);
        assert_int_equal(a.round, i);
        sl_free(of_a);
        sl_free(of_b);
    }
    struct har_chaos_options other = options_of(8);
    struct har_chaos_coverage third = {0};
    struct har_chaos_coverage again = {0};
    struct har_chaos_schedule a;
    struct har_chaos_schedule b;
    har_chaos_generate(&options, &again, &a);
    har_chaos_generate(&other, &third, &b);
    assert_memory_not_equal(&a.faults, &b.faults, sizeof(a.faults));
}

static void brings_every_kind_and_pair_early(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct har_chaos_options options = options_of(seed);
        struct har_chaos_coverage coverage = {0};
        struct har_chaos_schedule schedule;
        for (unsigned i = 0; i < 200; i++) {
            har_chaos_generate(&options, &coverage, &schedule);
            struct har_chaos_covered covered = har_chaos_covered(&options, &coverage);
            assert_true(i < 20 || covered.kinds == covered.kinds_possible);
        }
        struct har_chaos_covered covered = har_chaos_covered(&options, &coverage);
        assert_int_equal(covered.kinds_possible, HAR_CHAOS_KINDS);
        assert_true(covered.pairs * 100 >= covered.pairs_possible * 95);
    }
}

/* What each schedule must be, whatever the seed. */
static void check_bounds(const struct har_chaos_options *options,
                         const struct har_chaos_schedule *schedule)
{
    unsigned actors = 0;
    unsigned of_process = 0;
    assert_true(schedule->fault_count <= options->max_faults);
    assert_true(schedule->load.publishers * schedule->load.rate_hz <= options->rate_hz);
    assert_in_range(schedule->cycles, 1, HAR_CHAOS_CYCLES_MAX);
    for (size_t g = 0; g < schedule->group_count; g++) {
        actors += schedule->groups[g].count;
        assert_true(schedule->groups[g].count >= 1);
    }
    assert_true(actors <= options->actors);
    for (size_t i = 0; i < schedule->fault_count; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        bool is_of_process = har_chaos_kinds[fault->kind].victims == 0;
        of_process += is_of_process;
        assert_true((options->kinds >> fault->kind & 1) != 0);
        assert_true(is_of_process || fault->group < schedule->group_count);
        assert_true(is_of_process || har_chaos_fits(fault->kind, &schedule->groups[fault->group]));
    }
    assert_true(of_process <= 1);
    assert_true(schedule->cycles <= 2 || !har_chaos_has(schedule, HAR_CHAOS_OUTAGE));
}

static void check_file(const struct har_chaos_schedule *schedule)
{
    char *text = har_chaos_write(schedule, NULL);
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_scenario *scenario = har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
    if (scenario == NULL) {
        fail_msg("%s: %s in\n%s", problems->items[0].path, problems->items[0].text, text);
    }
    har_scenario_free(scenario);
    sl_free(problems);
    sl_free(text);
}

static void keeps_its_bounds_and_writes_scenarios(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct har_chaos_options options = options_of(seed);
        struct har_chaos_coverage coverage = {0};
        options.max_faults = 1 + (unsigned)seed;
        options.rate_hz = 1 + 40 * (unsigned)seed;
        options.actors = 1 + 3 * (unsigned)seed;
        for (unsigned i = 0; i < 40; i++) {
            struct har_chaos_schedule schedule;
            har_chaos_generate(&options, &coverage, &schedule);
            check_bounds(&options, &schedule);
            check_file(&schedule);
        }
    }
}

static void writes_a_round_without_faults(void **state)
{
    (void)state;
    struct har_chaos_schedule schedule = {
        .cycles = 1,
        .cycle_ms = 200,
        .load = {.publishers = 1, .rate_hz = 10, .size = 64, .live = 1}};
    check_file(&schedule);
}

static void takes_only_what_is_asked_for(void **state)
{
    (void)state;
    struct har_chaos_options options = options_of(3);
    struct har_chaos_coverage coverage = {0};
    options.kinds = 1U << HAR_CHAOS_RESET;
    for (unsigned i = 0; i < 20; i++) {
        struct har_chaos_schedule schedule;
        har_chaos_generate(&options, &coverage, &schedule);
        check_bounds(&options, &schedule);
        assert_true(schedule.fault_count > 0);
    }
}

static bool is_in(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Every third round there are readers whose buffer overflows, and the file asks for what it holds. */
static void makes_buffers_overflow(void **state)
{
    (void)state;
    struct har_chaos_options options = options_of(4);
    struct har_chaos_coverage coverage = {0};
    for (unsigned i = 0; i < 60; i++) {
        struct har_chaos_schedule schedule;
        har_chaos_generate(&options, &coverage, &schedule);
        char *text = har_chaos_write(&schedule, NULL);
        bool is_deep = i % 3 == 1;
        if (is_deep) {
            assert_true(har_chaos_is_deep(&schedule, 0));
            assert_true(schedule.load.rate_hz * schedule.cycle_ms / 1000 > options.buffer + 80);
            assert_true(is_in(text, "\"backlog\""));
        }
        sl_free(text);
    }
    options.has_buffer = false; /* then nobody knows what it holds */
    for (unsigned i = 0; i < 30; i++) {
        struct har_chaos_schedule schedule;
        har_chaos_generate(&options, &coverage, &schedule);
        char *text = har_chaos_write(&schedule, NULL);
        assert_false(is_in(text, "\"backlog\""));
        sl_free(text);
    }
}

/* A limited subscriber is there only where its buffer cannot fill. */
static void promises_a_limited_reader_no_more_than_its_buffer(void **state)
{
    (void)state;
    struct har_chaos_schedule schedule = {
        .cycles = 1,
        .cycle_ms = 1000,
        .load = {.publishers = 1, .rate_hz = 150, .size = 64, .live = 1, .has_limited = true},
        .groups = {{.who = HAR_CHAOS_SUBSCRIBER, .count = 1}},
        .group_count = 1,
        .faults = {{.kind = HAR_CHAOS_CANCEL, .amount = 1}},
        .fault_count = 1};
    assert_int_equal(har_chaos_limited_hz(&schedule), 90);
    assert_int_equal(har_chaos_holds_back(&schedule), 98);
    char *text = har_chaos_write(&schedule, NULL);
    assert_true(is_in(text, "\"limited\""));
    sl_free(text);
    schedule.faults[0].kind = HAR_CHAOS_PAUSE;
    text = har_chaos_write(&schedule, NULL);
    assert_false(is_in(text, "\"limited\""));
    sl_free(text);
    schedule.faults[0].kind = HAR_CHAOS_BURST;
    schedule.groups[0].who = HAR_CHAOS_PUBLISHER;
    text = har_chaos_write(&schedule, NULL);
    assert_false(is_in(text, "\"limited\""));
    sl_free(text);
    schedule.load.rate_hz = 400; /* 240 Hz: no such rate is promised */
    assert_true(har_chaos_holds_back(&schedule) > 1000000);
}

static void lets_miss_what_latency_leaves_no_room_for(void **state)
{
    (void)state;
    struct har_chaos_schedule schedule = {
        .cycles = 1,
        .cycle_ms = 1000,
        .load = {.publishers = 1, .rate_hz = 150, .size = 64, .live = 1},
        .groups = {{.who = HAR_CHAOS_SUBSCRIBER, .count = 1}},
        .group_count = 1,
        .faults = {{.kind = HAR_CHAOS_LATENCY, .amount = 100}},
        .fault_count = 1};
    assert_int_equal(har_chaos_group_flags(&schedule, 0) & HAR_CHAOS_LOSES, 0);
    schedule.load.size = 4000; /* 600 kB a second through 64 KiB each 400 ms */
    assert_int_not_equal(har_chaos_group_flags(&schedule, 0) & HAR_CHAOS_LOSES, 0);
}

static void drops_a_group_with_its_faults(void **state)
{
    (void)state;
    struct har_chaos_schedule schedule = {
        .groups = {{.count = 1}, {.count = 2}, {.count = 3}},
        .group_count = 3,
        .faults = {{.kind = HAR_CHAOS_RESET, .group = 2},
                   {.kind = HAR_CHAOS_CANCEL, .group = 1},
                   {.kind = HAR_CHAOS_KILL},
                   {.kind = HAR_CHAOS_CLOSE, .group = 0}},
        .fault_count = 4,
    };
    har_chaos_drop_group(&schedule, 1);
    assert_int_equal(schedule.group_count, 2);
    assert_int_equal(schedule.fault_count, 3);
    assert_int_equal(schedule.groups[schedule.faults[0].group].count, 3);
    har_chaos_drop_fault(&schedule, 2);
    har_chaos_drop_idle(&schedule);
    assert_int_equal(schedule.group_count, 1);
    assert_int_equal(schedule.faults[0].group, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_the_same_rounds_of_a_seed),
        cmocka_unit_test(brings_every_kind_and_pair_early),
        cmocka_unit_test(keeps_its_bounds_and_writes_scenarios),
        cmocka_unit_test(writes_a_round_without_faults),
        cmocka_unit_test(takes_only_what_is_asked_for),
        cmocka_unit_test(makes_buffers_overflow),
        cmocka_unit_test(promises_a_limited_reader_no_more_than_its_buffer),
        cmocka_unit_test(lets_miss_what_latency_leaves_no_room_for),
        cmocka_unit_test(drops_a_group_with_its_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
