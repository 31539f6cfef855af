/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/tell.h"

#include "tests/support/cmocka_all.h"

#define BASELINE(stack, results)                                                              \
    "{\"schema\":\"sluice.baseline/1\",\"stack\":\"" stack                                    \
    "\",\"version\":\"1\",\"date\":\"2026-01-01\",\"binding\":\"chat\",\"profile\":\"seed\"," \
    "\"results\":[" results "]}"
#define PASS(id, seen) "{\"id\":\"" id "\",\"verdict\":\"pass\",\"seen\":{" seen "}}"
#define FAIL(id, rule, seen)                                   \
    "{\"id\":\"" id "\",\"verdict\":\"fail\",\"rule\":\"" rule \
    "\",\"reason\":\"why\",\"note\":\"by hand\",\"confirmed\":\"C / S\",\"seen\":{" seen "}}"

static const char *const files[] = {
    BASELINE("a", PASS("s/1",
                       "\"x\":\"RST_STREAM(CANCEL)\",\"y\":\"grpc-status 3\"") "," PASS("s/2", "")),
    BASELINE("b", PASS("s/1", "\"x\":\"RST_STREAM(CANCEL)\",\"y\":\"grpc-status 3\"") "," FAIL(
                      "s/2", "R-2", "")),
    BASELINE("c", FAIL("s/1", "R-1", "\"x\":\"grpc-status 0\"") "," PASS("s/2", "")),
    BASELINE("d", "{\"id\":\"s/1\",\"verdict\":\"skip\"}," PASS("s/3", "")),
};

static void load(struct har_baselines *set)
{
    set->count = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct sl_error error = {0};
        if (har_baseline_parse(sl_span_str(files[i]), "F", &set->items[set->count++], &error) !=
            SL_OK) {
            fail_msg("%s", error.text);
        }
    }
}

static void assert_line(const struct har_baselines *set, const char *id, const char *actor,
                        const char *wanted)
{
    struct sl_buf out;
    sl_buf_init(&out, HAR_BASELINE_LINE_MAX);
    har_baselines_line(set, id, actor, &out);
    assert_string_equal(sl_buf_str(&out), wanted);
    sl_buf_release(&out);
}

static void stacks_that_did_the_same_stand_together(void **state)
{
    (void)state;
    struct har_baselines set;
    load(&set);
    assert_line(&set, "s/1", NULL,
                "a 1 and b 1 pass (RST_STREAM(CANCEL) (x), grpc-status 3 (y)); c 1 fails it too "
                "(R-1: grpc-status 0)");
    assert_line(&set, "s/1", "x",
                "a 1 and b 1 pass (RST_STREAM(CANCEL)); c 1 fails it too (R-1: grpc-status 0)");
    assert_line(&set, "s/2", NULL, "a 1 and c 1 pass; b 1 fails it too (R-2)");
    assert_line(&set, "s/3", NULL, "d 1 passes");
    assert_line(&set, "s/4", NULL, "");
    assert_line(NULL, "s/1", NULL, "");
    har_baselines_release(&set);
}

static void on_told(void *owner, const char *sentence, const char *detail)
{
    struct sl_buf *out = owner;
    (void)sl_buf_addf(out, "%s [%s]\n", sentence, detail);
}

static void a_scenario_is_told_in_sentences(void **state)
{
    (void)state;
    struct har_baselines set;
    struct sl_buf out;
    load(&set);
    sl_buf_init(&out, 4096);
    har_baselines_scenario(&set, "s/1", on_told, &out);
    assert_string_equal(
        sl_buf_str(&out),
        "a 1 and b 1 pass: RST_STREAM(CANCEL) (x), grpc-status 3 (y) []\n"
        "c 1 fails it by R-1: grpc-status 0 [why; by hand; confirmed on the wire: C / S]\n");
    sl_buf_release(&out);
    har_baselines_release(&set);
}

static void a_rule_is_the_sum_of_its_scenarios(void **state)
{
    (void)state;
    static const char *const checks[] = {"s/1", "s/2"};
    struct har_baselines set;
    struct sl_buf out;
    load(&set);
    sl_buf_init(&out, 4096);
    har_baselines_rule(&set, "R-1", checks, 2, on_told, &out);
    assert_string_equal(sl_buf_str(&out), "c 1 breaks it in s/1; 1 of its scenarios pass []\n"
                                          "a 1 and b 1 keep it []\n");
    sl_buf_clear(&out);
    har_baselines_rule(&set, "R-9", checks, 0, on_told, &out);
    assert_int_equal(out.len, 0);
    sl_buf_release(&out);
    har_baselines_release(&set);
}

static void the_nearest_stack_fails_in_most_by_the_same_rule(void **state)
{
    (void)state;
    static const struct har_baseline_failure failures[] = {
        {"s/1", "R-1"}, {"s/2", "R-1"}, {"s/3", "R-1"}, {"s/9", ""}};
    struct har_baselines set;
    size_t shared = 9;
    load(&set);
    const struct har_baseline *nearest = har_baselines_nearest(&set, failures, 4, &shared);
    assert_string_equal(nearest->stack, "c");
    assert_int_equal(shared, 1);
    assert_true(har_baseline_has(nearest, &failures[0]));
    assert_false(har_baseline_has(&set.items[1], &failures[1])); /* it fails by another rule */
    assert_null(har_baselines_nearest(&set, failures + 1, 3, &shared));
    assert_int_equal(shared, 0);
    assert_null(har_baselines_nearest(NULL, failures, 4, &shared));
    har_baselines_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_that_did_the_same_stand_together),
        cmocka_unit_test(a_scenario_is_told_in_sentences),
        cmocka_unit_test(a_rule_is_the_sum_of_its_scenarios),
        cmocka_unit_test(the_nearest_stack_fails_in_most_by_the_same_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
