/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/judge.h"

#include <stdio.h>

#include "tests/support/cmocka_all.h"

enum {
    MIB = 1024 * 1024,
};

static const struct har_probe_class flood = {
    .name = "flood", .unit = "streams", .count = 3000, .growth_mib = 64};

/* All of it was sent, nothing came of it, and the target lives. */
static struct har_probe_result quiet(const struct har_probe_class *of)
{
    return (struct har_probe_result){.of = of,
                                     .links = 1,
                                     .sent = 3000,
                                     .has_process = true,
                                     .is_alive = true,
                                     .has_memory = true,
                                     .rss_before = 10 * MIB,
                                     .rss_peak = 11 * MIB};
}

static struct har_probe_result cut(const struct har_probe_class *of)
{
    struct har_probe_result result = quiet(of);
    result.limit = HAR_PROBE_GOAWAY;
    result.links_limited = 1;
    result.limit_after = 1010;
    (void)snprintf(result.limit_text, sizeof(result.limit_text), "GOAWAY ENHANCE_YOUR_CALM");
    return result;
}

static void assert_verdict(struct har_probe_result *result, enum har_probe_verdict wanted)
{
    har_probe_judge(result);
    assert_string_equal(har_probe_verdict_text(result->verdict), har_probe_verdict_text(wanted));
    assert_true(result->reason[0] != '\0');
}

static void a_limit_bounds_and_none_is_told(void **state)
{
    struct har_probe_result with = cut(&flood);
    struct har_probe_result without = quiet(&flood);
    struct sl_buf text;
    (void)state;
    assert_verdict(&with, HAR_PROBE_BOUNDED);
    assert_verdict(&without, HAR_PROBE_OPEN);
    sl_buf_init(&text, 256);
    har_probe_limit_tell(&with, &text);
    assert_string_equal(sl_buf_str(&text), "GOAWAY ENHANCE_YOUR_CALM after 1,010 streams");
    sl_buf_clear(&text);
    har_probe_limit_tell(&without, &text);
    assert_string_equal(sl_buf_str(&text), "none in 3,000 streams");
    sl_buf_release(&text);
}

static void harm_is_worth_more_than_a_limit(void **state)
{
    (void)state;
    struct har_probe_result dead = cut(&flood);
    dead.is_alive = false;
    assert_verdict(&dead, HAR_PROBE_AFFECTED);
    struct har_probe_result grown = cut(&flood);
    grown.rss_peak = grown.rss_before + 65 * MIB;
    assert_verdict(&grown, HAR_PROBE_AFFECTED);
    struct har_probe_result lost = cut(&flood);
    lost.during.lost = 1;
    assert_verdict(&lost, HAR_PROBE_AFFECTED);
    lost = cut(&flood);
    lost.after.lost = 1;
    assert_verdict(&lost, HAR_PROBE_AFFECTED);
}

static void a_machine_that_paused_excuses_lost_calls_but_no_crash(void **state)
{
    (void)state;
    struct har_probe_result lost = quiet(&flood);
    lost.during.lost = 1;
    lost.is_noisy = true;
    assert_verdict(&lost, HAR_PROBE_UNCLEAR);
    lost.is_alive = false;
    assert_verdict(&lost, HAR_PROBE_AFFECTED);
}

static void a_refusal_at_the_end_of_a_block_is_no_limit(void **state)
{
    struct har_probe_result late = cut(&flood);
    (void)state;
    late.is_late = true;
    assert_verdict(&late, HAR_PROBE_OPEN);
}

static void a_limit_on_some_connections_is_none(void **state)
{
    struct har_probe_result some = cut(&flood);
    (void)state;
    some.links = 2;
    assert_verdict(&some, HAR_PROBE_OPEN);
}

static void memory_that_is_not_known_proves_nothing(void **state)
{
    static const struct har_probe_class of = {
        .unit = "frames", .growth_mib = 64, .flags = HAR_PROBE_BY_MEMORY};
    (void)state;
    struct har_probe_result known = quiet(&of);
    assert_verdict(&known, HAR_PROBE_BOUNDED);
    struct har_probe_result unknown = quiet(&of);
    unknown.has_memory = false;
    assert_verdict(&unknown, HAR_PROBE_OPEN);
}

static void every_answer_must_be_there(void **state)
{
    static const struct har_probe_class of = {
        .unit = "PINGs", .growth_mib = 64, .flags = HAR_PROBE_ANSWERED};
    (void)state;
    struct har_probe_result result = quiet(&of);
    result.answered = result.sent;
    assert_verdict(&result, HAR_PROBE_BOUNDED);
    result.answered = result.sent - 1;
    assert_verdict(&result, HAR_PROBE_OPEN);
}

static void what_must_not_be_served_or_cut_affects(void **state)
{
    static const struct har_probe_class slash = {
        .unit = "calls", .growth_mib = 64, .flags = HAR_PROBE_NEVER_SERVED};
    static const struct har_probe_class binary = {
        .unit = "calls", .growth_mib = 64, .flags = HAR_PROBE_SURVIVES | HAR_PROBE_NEVER_CUT};
    (void)state;
    struct har_probe_result served = quiet(&slash);
    served.is_served = true;
    assert_verdict(&served, HAR_PROBE_AFFECTED);
    struct har_probe_result ended = cut(&binary);
    assert_verdict(&ended, HAR_PROBE_AFFECTED);
    struct har_probe_result lives = quiet(&binary);
    lives.is_served = true;
    assert_verdict(&lives, HAR_PROBE_BOUNDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_bounds_and_none_is_told),
        cmocka_unit_test(harm_is_worth_more_than_a_limit),
        cmocka_unit_test(a_machine_that_paused_excuses_lost_calls_but_no_crash),
        cmocka_unit_test(a_refusal_at_the_end_of_a_block_is_no_limit),
        cmocka_unit_test(a_limit_on_some_connections_is_none),
        cmocka_unit_test(memory_that_is_not_known_proves_nothing),
        cmocka_unit_test(every_answer_must_be_there),
        cmocka_unit_test(what_must_not_be_served_or_cut_affects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
