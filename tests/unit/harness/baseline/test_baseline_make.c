/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/make.h"

#include "tests/support/cmocka_all.h"

#define REPORT(results)                                                                          \
    "{\"schema\":\"sluice.report/1\",\"target\":\"h:1\",\"profile\":\"seed\",\"duration_ms\":1," \
    "\"results\":[" results "]}"
#define RESULT(id, verdict, more) "{\"id\":\"" id "\",\"verdict\":\"" verdict "\"" more "}"
#define FAILED(rule, reason) \
    ",\"reason\":\"" reason "\",\"failures\":[{\"rule\":\"" rule "\",\"text\":\"" reason "\"}]"
#define SEEN(actor, outcome, count) \
    "{\"at\":\"$\",\"actor\":\"" actor "\",\"outcome\":\"" outcome "\",\"count\":" count "}"

static const struct har_baseline_head head = {
    .stack = "s", .version = "2", .date = "2026-11-29", .about = "by \"hand\""};

/* The baseline of a report. */
static void make(const char *report, const struct har_baseline *before,
                 struct har_baseline *ret_baseline)
{
    struct har_compare_run run = {0};
    struct sl_error error = {0};
    struct sl_buf out;
    sl_buf_init(&out, 1 << 20);
    assert_int_equal(har_compare_parse(report, strlen(report), "R", "R", &run, &error), SL_OK);
    assert_int_equal(har_baseline_make(&head, &run, before, &out, &error), SL_OK);
    if (har_baseline_parse(sl_buf_span(&out), "F", ret_baseline, &error) != SL_OK) {
        fail_msg("%s: %s", error.text, sl_buf_str(&out));
    }
    sl_buf_release(&out);
    har_compare_run_release(&run);
}

static const char *seen(const struct har_baseline *baseline, const char *id, const char *actor)
{
    return json_string_value(json_object_get(har_baseline_find(baseline, id)->seen, actor));
}

static void a_report_becomes_a_baseline(void **state)
{
    (void)state;
    struct har_baseline baseline;
    make(REPORT(RESULT("b", "fail", FAILED("R-1", "x is \\u0001 < 3")) "," RESULT(
             "a", "pass",
             ",\"reason\":\"5 seen\",\"seen\":[" SEEN("x", "grpc-status 0", "2") "," SEEN(
                 "x", "grpc-status 0", "1") "," SEEN("x", "GOAWAY(NO_ERROR)",
                                                     "1") "," SEEN("y", "nothing", "1") "]")),
         NULL, &baseline);
    assert_string_equal(baseline.stack, "s");
    assert_string_equal(baseline.about, "by \"hand\"");
    assert_string_equal(baseline.binding, "chat");
    assert_string_equal(baseline.profile, "seed");
    assert_int_equal(baseline.count, 2);
    assert_null(har_baseline_find(&baseline, "a")->reason);
    assert_string_equal(seen(&baseline, "a", "x"), "grpc-status 0 x3, then GOAWAY(NO_ERROR)");
    assert_string_equal(seen(&baseline, "a", "y"), "nothing");
    assert_string_equal(har_baseline_find(&baseline, "b")->rule, "R-1");
    assert_string_equal(har_baseline_find(&baseline, "b")->reason, "x is \x01 < 3");
    har_baseline_release(&baseline);
}

static void no_repeat_hides_a_failure(void **state)
{
    (void)state;
    struct har_baseline baseline;
    make(REPORT(
             RESULT("a", "pass", "") "," RESULT("a", "inconclusive", ",\"reason\":\"noise\"") "," //
             RESULT("a", "fail", FAILED("R-2", "no")) "," RESULT("a", "pass", "")),
         NULL, &baseline);
    assert_int_equal(baseline.count, 1);
    assert_int_equal(baseline.results[0].verdict, HAR_FAIL);
    assert_string_equal(baseline.results[0].rule, "R-2");
    har_baseline_release(&baseline);
}

static void a_report_without_results_is_none(void **state)
{
    (void)state;
    const char *report = REPORT("");
    struct har_compare_run run = {0};
    struct sl_error error = {0};
    struct sl_buf out;
    sl_buf_init(&out, 4096);
    assert_int_equal(har_compare_parse(report, strlen(report), "R", "R", &run, &error), SL_OK);
    assert_int_equal(har_baseline_make(&head, &run, NULL, &out, &error), SL_MALFORMED);
    assert_string_equal(error.text, "R: the report has no results");
    assert_int_equal(out.len, 0);
    sl_buf_release(&out);
    har_compare_run_release(&run);
}

static void notes_stay_while_verdict_and_rule_do(void **state)
{
    (void)state;
    static const char old[] =
        "{\"schema\":\"sluice.baseline/"
        "1\",\"stack\":\"s\",\"version\":\"1\",\"date\":\"2026-01-01\","
        "\"binding\":\"chat\",\"profile\":\"seed\",\"results\":["
        "{\"id\":\"same\",\"verdict\":\"fail\",\"rule\":\"R-1\",\"reason\":\"hang of 2000 "
        "ms\",\"note\":"
        "\"confirmed\",\"confirmed\":\"C PING / S nothing\"},"
        "{\"id\":\"rule\",\"verdict\":\"fail\",\"rule\":\"R-1\",\"reason\":\"x\",\"note\":\"gone\","
        "\"confirmed\":\"gone\"}"
        ","
        "{\"id\":\"mended\",\"verdict\":\"fail\",\"rule\":\"R-1\",\"note\":\"gone\"}]}";
    struct har_baseline before;
    struct har_baseline baseline;
    struct sl_error error = {0};
    assert_int_equal(har_baseline_parse(sl_span_str(old), "F", &before, &error), SL_OK);
    make(REPORT(RESULT("same", "fail", FAILED("R-1", "hang of 30001 ms")) "," RESULT(
             "rule", "fail", FAILED("R-2", "x")) "," RESULT("mended", "pass", "")),
         &before, &baseline);
    assert_string_equal(har_baseline_find(&baseline, "same")->note, "confirmed");
    assert_string_equal(har_baseline_find(&baseline, "same")->reason, "hang of 2000 ms");
    assert_string_equal(har_baseline_find(&baseline, "same")->confirmed, "C PING / S nothing");
    assert_null(har_baseline_find(&baseline, "rule")->note);
    assert_null(har_baseline_find(&baseline, "rule")->confirmed);
    assert_null(har_baseline_find(&baseline, "mended")->note);
    har_baseline_release(&before);
    har_baseline_release(&baseline);
}

static void a_difference_is_told(void **state)
{
    (void)state;
    struct har_baseline before;
    struct har_compare_run run = {0};
    struct sl_error error = {0};
    struct sl_buf out;
    const char *report = REPORT(
        RESULT("broken", "fail", FAILED("R-3", "no")) "," RESULT("mended", "pass", "") "," //
        RESULT("new", "pass", "") "," RESULT("other-rule", "fail", FAILED("R-2", "b")) "," //
        RESULT("other-seen", "pass", ",\"seen\":[" SEEN("x", "HTTP 415", "1") "]") ","     //
        RESULT("same", "fail", FAILED("R-1", "c")) "," RESULT("unclear", "inconclusive", ""));
    make(REPORT(
             RESULT("broken", "pass", "") "," RESULT("gone", "pass", "") "," //
             RESULT("mended", "fail", FAILED("R-1", "a")) "," RESULT("other-rule", "fail",
                                                                     FAILED("R-1", "b")) ","     //
             RESULT("other-seen", "pass", ",\"seen\":[" SEEN("x", "grpc-status 3", "1") "]") "," //
             RESULT("same", "fail", FAILED("R-1", "c")) "," RESULT("unclear", "pass", "")),
         NULL, &before);
    assert_int_equal(har_compare_parse(report, strlen(report), "R", "R", &run, &error), SL_OK);
    sl_buf_init(&out, 1 << 20);
    struct har_baseline_diff diff = har_baseline_compare(&before, &run, &out);
    assert_string_equal(sl_buf_str(&out),
                        "worse   broken: pass before, now fail (R-3): no\n"
                        "gone    gone: was not played\n"
                        "better  mended: fail (R-1) before, now pass\n"
                        "new     new: pass\n"
                        "other   other-rule: fail (R-1) before, now fail (R-2): b\n"
                        "seen    other-seen: x: grpc-status 3 before, now HTTP 415\n"
                        "unclear unclear: \n");
    assert_int_equal(diff.changed, 3);
    assert_int_equal(diff.same, 2);
    assert_int_equal(diff.seen, 1);
    assert_int_equal(diff.added, 1);
    assert_int_equal(diff.gone, 1);
    assert_int_equal(diff.unclear, 1);
    sl_buf_release(&out);
    har_compare_run_release(&run);
    har_baseline_release(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_becomes_a_baseline),
        cmocka_unit_test(no_repeat_hides_a_failure),
        cmocka_unit_test(a_report_without_results_is_none),
        cmocka_unit_test(notes_stay_while_verdict_and_rule_do),
        cmocka_unit_test(a_difference_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
