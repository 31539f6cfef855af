/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/compare/reports.h"

#define PASS(id)    RESULT(id, "pass", "")
#define FAIL(id)    RESULT(id, "fail", FAILED("SUB-04", "r"))
#define KNOWN(id)   RESULT(id, "fail", FAILED("SUB-04", "r") ",\"known\":true")
#define UNCLEAR(id) RESULT(id, "inconclusive", "")
#define SKIPPED(id) RESULT(id, "skip", "")
#define TWICE(x)    x "," x
#define FIVE(x)     x "," x "," x "," x "," x

static const struct {
    const char *a, *b;
    enum har_compare_group group;
    const char *what;
    int status, strict;
} cases[] = {
    {PASS("x"), PASS("x"), HAR_COMPARE_SAME, "passes in both", 0, 0},
    {PASS("x"), FAIL("x"), HAR_COMPARE_NEWLY_FAILING, "passed, now fails", 1, 1},
    {PASS("x"), KNOWN("x"), HAR_COMPARE_NEWLY_FAILING, "passed, now fails", 0, 0},
    {FAIL("x"), PASS("x"), HAR_COMPARE_NEWLY_PASSING, "failed, now passes", 0, 0},
    {PASS("x"), UNCLEAR("x"), HAR_COMPARE_DIFFERS, "passed, now inconclusive", 0, 1},
    {PASS("x"), SKIPPED("x"), HAR_COMPARE_DIFFERS, "passed, now skipped", 0, 1},
    {SKIPPED("x"), FAIL("x"), HAR_COMPARE_DIFFERS, "was skipped, now fails", 1, 1},
    {UNCLEAR("x"), FAIL("x"), HAR_COMPARE_DIFFERS, "was inconclusive, now fails", 1, 1},
    {SKIPPED("x"), SKIPPED("x"), HAR_COMPARE_SAME, "skipped in both", 0, 0},
    {UNCLEAR("x"), UNCLEAR("x"), HAR_COMPARE_SAME, "inconclusive in both", 0, 0},
    {FAIL("x"), FAIL("x"), HAR_COMPARE_SAME, "fails in both", 0, 0},
    {FAIL("x"), RESULT("x", "fail", FAILED("SEND-01", "r")), HAR_COMPARE_DIFFERS,
     "fails in both, by other rules", 0, 0},
    {KNOWN("x"), FAIL("x"), HAR_COMPARE_DIFFERS, "fails in both; known in A only", 0, 0},
    {PASS("y"), TWICE(PASS("y")) "," FAIL("x"), HAR_COMPARE_ONLY_B, "not in A", 1, 1},
    {PASS("y") "," PASS("x"), PASS("y"), HAR_COMPARE_ONLY_A, "not in B", 0, 1},
    {PASS("x"), RESULT("x", "fail", ",\"level\":\"S\""), HAR_COMPARE_NEWLY_FAILING,
     "passed, now fails", 0, 1},
    {FIVE(PASS("x")), TWICE(FAIL("x")) "," TWICE(PASS("x")), HAR_COMPARE_NEWLY_FAILING,
     "passed, now fails", 1, 1},
    {FAIL("x") "," TWICE(TWICE(PASS("x"))), FIVE(FAIL("x")), HAR_COMPARE_DIFFERS,
     "fails more often in B", 1, 1},
    {FIVE(FAIL("x")), FAIL("x") "," TWICE(TWICE(PASS("x"))), HAR_COMPARE_DIFFERS,
     "fails less often in B", 0, 0},
    {FAIL("x") "," TWICE(TWICE(PASS("x"))), TWICE(FAIL("x")) "," TWICE(PASS("x")), HAR_COMPARE_SAME,
     "fails in both", 0, 0},
};

static void each_pair_of_verdicts_is_told_as_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int is_strict = 0; is_strict < 2; is_strict++) {
            struct two two;
            two_make(&two, cases[i].a, cases[i].b, is_strict == 1);
            const struct har_compare_pair *pair = two_find(&two, "x");
            int wanted = is_strict == 1 ? cases[i].strict : cases[i].status;
            if (pair->group != cases[i].group || strcmp(pair->what, cases[i].what) != 0 ||
                har_compare_status(&two.model) != wanted || pair->is_worse != (wanted == 1)) {
                fail_msg("case %zu: group %d, %s, status %d", i, (int)pair->group, pair->what,
                         har_compare_status(&two.model));
            }
            two_release(&two);
        }
    }
}

/* Three of five is neither a pass nor a fail of all, wherever the results stand in the file. */
static void repeats_are_counted_and_not_rounded(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, FIVE(PASS("x")),
             FAIL("x") "," PASS("w") "," TWICE(PASS("x")) "," KNOWN("x") "," PASS("x"), false);
    const struct har_compare_pair *pair = two_find(&two, "x");
    const struct har_compare_tally *b = &pair->sides[HAR_COMPARE_B];
    assert_int_equal(b->runs, 5);
    assert_int_equal(b->outcomes[HAR_PASS], 3);
    assert_int_equal(b->outcomes[HAR_FAIL], 2);
    assert_int_equal(b->known, 1);
    assert_int_equal(b->outcome, HAR_FAIL);
    assert_false(b->told->is_known);
    assert_int_equal(b->rule_count, 1);
    /* 2 of 10 fail, both on B: 5 * 4 / (10 * 9) */
    assert_true(pair->chance > 0.222 && pair->chance < 0.223);
    two_release(&two);
}

static void what_is_worse_comes_first(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, PASS("a") "," PASS("b") "," FAIL("c") "," PASS("d") "," SKIPPED("e"),
             PASS("a") "," FAIL("b") "," PASS("c") "," SKIPPED("d") "," FAIL("e"), false);
    static const char order[] = "bceda";
    for (size_t i = 0; i < two.model.pair_count; i++) {
        assert_int_equal(two.model.pairs[i].id[0], order[i]);
    }
    assert_int_equal(two.model.worse, 2);
    two_release(&two);
}

static void runs_that_share_nothing_are_not_called_the_same(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, PASS("x"), PASS("y"), false);
    assert_int_equal(har_compare_status(&two.model), 2);
    assert_string_equal(two.model.warnings[0],
                        "no scenario is in both: there is nothing to compare");
    two_release(&two);
    char *good = report_of(PASS("x"), "", "");
    char *gone = report_of("", "", ",\"error\":\"refused\"");
    two_read(&two, good, gone, false);
    assert_int_equal(har_compare_status(&two.model), 1);
    assert_string_equal(two.model.warnings[0],
                        "B has no results: its target could not be reached: refused");
    two_release(&two);
    sl_free(good);
    sl_free(gone);
}

static void runs_of_other_profiles_are_compared_with_a_warning(void **state)
{
    (void)state;
    struct two two;
    char *a = report_of(PASS("x"), "", "");
    char *b = report_of(PASS("x"), "", ",\"profile\":\"mine\",\"seed\":8");
    two_read(&two, a, b, false);
    assert_int_equal(two.model.warning_count, 2);
    assert_int_equal(har_compare_status(&two.model), 0);
    two_release(&two);
    sl_free(a);
    sl_free(b);
}

#define FINDING(rule, count, scenario)                                            \
    "{\"rule\":\"" rule "\",\"level\":\"S\",\"side\":\"server\",\"count\":" count \
    ",\"scenario\":\"" scenario "\",\"text\":\"t\"}"

/* What only one run played says nothing of the other. */
static void findings_are_new_only_where_both_played(void **state)
{
    (void)state;
    struct two two;
    char *a = report_of(PASS("x") "," SKIPPED("z"),
                        FINDING("H2-1", "2", "x") "," FINDING("H2-2", "1", "x"), "");
    char *b = report_of(PASS("x") "," PASS("z"),
                        FINDING("H2-1", "1", "x") "," FINDING("H2-1", "3", "z") "," FINDING(
                            "H2-3", "1", "x") "," FINDING("H2-4", "1", "z"),
                        "");
    two_read(&two, a, b, false);
    static const char *const wanted[][2] = {
        {"H2-3", "new"}, {"H2-2", "gone"}, {"H2-1", "both"}, {"H2-4", "elsewhere"}};
    assert_int_equal(two.model.finding_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(two.model.findings[i].rule, wanted[i][0]);
        assert_string_equal(two.model.findings[i].change, wanted[i][1]);
    }
    assert_true(two.model.findings[2].counts[HAR_COMPARE_B] == 1);
    assert_true(two.model.findings[2].others[HAR_COMPARE_B] == 3);
    two_release(&two);
    sl_free(a);
    sl_free(b);
}

static void calibrated_values_stand_beside_each_other(void **state)
{
    (void)state;
    struct two two;
    char *a = report_of(PASS("x"), "", ",\"calibration\":{\"rtt_ms\":1,\"hidden_bytes\":64}");
    char *b = report_of(PASS("x"), "",
                        ",\"calibration\":{\"hidden_bytes\":128,\"unstable\":[\"hidden_bytes\"],"
                        "\"buffer_note\":\"never full\",\"x\":{}}");
    two_read(&two, a, b, false);
    const struct har_compare_buffer *buffers = two.model.buffers;
    assert_int_equal(two.model.buffer_count, 3);
    assert_string_equal(buffers[1].name, "hidden_bytes");
    assert_true(buffers[1].values[HAR_COMPARE_B] == 128 && buffers[1].is_unstable[HAR_COMPARE_B]);
    assert_false(buffers[1].is_unstable[HAR_COMPARE_A]);
    assert_true(buffers[0].values[HAR_COMPARE_B] < 0);
    assert_string_equal(buffers[2].notes[HAR_COMPARE_B], "never full");
    two_release(&two);
    sl_free(a);
    sl_free(b);
}

static void chance_is_fishers(void **state)
{
    (void)state;
    static const struct {
        size_t a_runs, a_bad, b_runs, b_bad;
        double chance;
    } rows[] = {
        {1, 0, 1, 1, 0.5}, {5, 0, 5, 5, 1.0 / 252}, {5, 1, 5, 5, 5.0 / 210},
        {5, 5, 5, 0, 1},   {3, 0, 3, 0, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double chance =
            har_compare_chance(rows[i].a_runs, rows[i].a_bad, rows[i].b_runs, rows[i].b_bad);
        if (chance < rows[i].chance - 1e-9 || chance > rows[i].chance + 1e-9) {
            fail_msg("row %zu: %g", i, chance);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_verdicts_is_told_as_what_it_is),
        cmocka_unit_test(repeats_are_counted_and_not_rounded),
        cmocka_unit_test(what_is_worse_comes_first),
        cmocka_unit_test(runs_that_share_nothing_are_not_called_the_same),
        cmocka_unit_test(runs_of_other_profiles_are_compared_with_a_warning),
        cmocka_unit_test(findings_are_new_only_where_both_played),
        cmocka_unit_test(calibrated_values_stand_beside_each_other),
        cmocka_unit_test(chance_is_fishers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
