/* SPDX-License-Identifier: Apache-2.0 */

#include "harness/compare/load.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/compare/reports.h"

#define HEAD "{\"schema\":\"sluice.report/1\",\"target\":\"h:1\",\"duration_ms\":1,"

/* What is wrong, and where: the error has the file and the place. */
static const struct {
    const char *name, *text, *error;
    enum sl_status status;
} bad[] = {
    {"empty", "", "F: it is empty", SL_MALFORMED},
    {"no JSON", "hello", "F: line 1, column ", SL_MALFORMED},
    {"cut off", "{\"schema\":\"sluice.report/1\",\"results\":[{\"id\":", "was the file cut off?",
     SL_MALFORMED},
    {"more behind it", "{\"schema\":\"sluice.report/1\"} {", "F: line 1, column ", SL_MALFORMED},
    {"an array", "[1]", "F: $.schema: this is no report of a run", SL_MALFORMED},
    {"another kind", "{\"schema\":\"sluice.selftest/1\"}",
     "F: $.schema: 'sluice.selftest/1' is no report of a run; wanted sluice.report/1",
     SL_MALFORMED},
    {"newer", "{\"schema\":\"sluice.report/2\"}",
     "F: $.schema: 'sluice.report/2': a version that this program does not know; it reads "
     "sluice.report/1",
     SL_UNSUPPORTED},
    {"no results", HEAD "\"x\":1}", "F: $.results: wanted an array, found nothing", SL_MALFORMED},
    {"results null", HEAD "\"results\":null}", "F: $.results: wanted an array, found null",
     SL_MALFORMED},
    {"a result of another type", HEAD "\"results\":[1]}",
     "F: $.results[0]: wanted an object, found a number", SL_MALFORMED},
    {"no id", HEAD "\"results\":[{\"verdict\":\"pass\"}]}",
     "F: $.results[0].id: wanted a string, found nothing", SL_MALFORMED},
    {"no such verdict",
     HEAD "\"results\":[" RESULT("a", "pass", "") "," RESULT("b", "good", "") "]}",
     "F: $.results[1].verdict: 'good' is no verdict; wanted pass, fail, inconclusive or skip",
     SL_MALFORMED},
    {"a negative time", HEAD "\"results\":[" RESULT("a", "pass", ",\"duration_ms\":-1") "]}",
     "F: $.results[0].duration_ms: wanted a number of at least 0, found a negative number",
     SL_MALFORMED},
    {"a latency of text",
     HEAD "\"results\":[" RESULT(
         "a", "pass",
         ",\"latency_ms\":{\"p\":{\"ack\":{\"count\":1,\"p50\":\"x\",\"p99\":1}}}") "]}",
     "F: $.results[0].latency_ms.p.ack.p50: wanted a number of at least 0, found a string",
     SL_MALFORMED},
    {"a fractional count",
     HEAD "\"results\":[" RESULT(
         "a", "pass", ",\"latency_ms\":{\"p\":{\"ack\":{\"count\":1.5,\"p50\":1,\"p99\":1}}}") "]}",
     "F: $.results[0].latency_ms.p.ack.count: wanted an integer of at least 0", SL_MALFORMED},
    {"a story of another type",
     HEAD "\"results\":[" RESULT(
         "a", "pass",
         ",\"story\":{\"actors\":[{\"name\":\"a\",\"kind\":\"k\",\"lost\":[1,{}]}]}") "]}",
     "F: $.results[0].story.actors[0].lost[1]: wanted a number of at least 0, found an object",
     SL_MALFORMED},
    {"findings of another type", HEAD "\"results\":[],\"findings\":{}}",
     "F: $.findings: wanted an array, found an object", SL_MALFORMED},
    {"a number out of range", HEAD "\"results\":[],\"x\":1e999}", "F: line 1, column ",
     SL_MALFORMED},
};

static void bad_input_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct har_compare_run run = {0};
        struct sl_error error = {0};
        enum sl_status status =
            har_compare_parse(bad[i].text, strlen(bad[i].text), "F", "A", &run, &error);
        if (status != bad[i].status || strstr(error.text, bad[i].error) == NULL) {
            fail_msg("%s: %d, %s", bad[i].name, status, error.text);
        }
        assert_null(run.root);
    }
}

/* Every shorter text of a report is refused, and nothing is read past its end. */
static void a_truncated_report_is_never_taken_for_one(void **state)
{
    (void)state;
    char *text = report_of(
        RESULT("a", "fail", FAILED("SUB-04", "r")), "",
        ",\"n\":[1.5e+10,-2,true,null,\"\\u00e9\\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]");
    for (size_t len = 0; len < strlen(text); len++) {
        struct har_compare_run run;
        struct sl_error error = {0};
        char *part = sl_strndup(text, len);
        assert_int_not_equal(har_compare_parse(part, len, "F", "A", &run, &error), SL_OK);
        if (len > 0 && strstr(error.text, "was the file cut off?") == NULL) {
            fail_msg("cut at %zu: %s", len, error.text);
        }
        sl_free(part);
    }
    sl_free(text);
}

/* "{},{},...": a few bytes each, and many times that as a tree. */
static void a_tree_too_large_is_refused_before_it_is_built(void **state)
{
    (void)state;
    enum { MANY = 3 * 1000 * 1000 };
    char *text = sl_alloc(3 * MANY + 3);
    text[0] = '[';
    for (size_t i = 0; i < MANY; i++) {
        memcpy(text + 1 + 3 * i, "{},", 3);
    }
    struct har_compare_run run;
    struct sl_error error = {0};
    assert_int_equal(har_compare_parse(text, 3 * MANY, "F", "A", &run, &error), SL_LIMIT);
    assert_string_equal(error.text, "F: more than 16 Mi values");
    sl_free(text);
}

static void more_results_of_one_id_than_can_be_meant_are_refused(void **state)
{
    (void)state;
    struct sl_buf results;
    sl_buf_init(&results, 1 << 24);
    for (int i = 0; i <= HAR_COMPARE_REPEATS_MAX; i++) {
        (void)sl_buf_add_str(&results, i == 0 ? "" : ",");
        (void)sl_buf_add_str(&results, RESULT("a", "pass", ""));
    }
    char *text = report_of(sl_buf_str(&results), "", "");
    struct har_compare_run run;
    struct sl_error error = {0};
    assert_int_equal(har_compare_parse(text, strlen(text), "F", "A", &run, &error), SL_LIMIT);
    assert_string_equal(error.text, "F: $.results: more than 10000 results of one scenario");
    sl_free(text);
    sl_buf_release(&results);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct har_compare_run run;
    struct sl_error error = {0};
    assert_int_equal(har_compare_load("no/such.json", "A", &run, &error), SL_IO);
    assert_string_equal(error.text, "no/such.json: cannot be opened: No such file or directory");
}

/* Keys of a later program are no mistake, nor are those that an earlier one did not have. */
static void what_it_does_not_know_is_left_alone(void **state)
{
    (void)state;
    struct har_compare_run run;
    struct sl_error error = {0};
    const char *text = HEAD "\"results\":[" RESULT(
        "a", "pass", ",\"story\":null,\"evidence\":null,\"new\":[1]") "],\"newer\":{\"a\":1}}";
    assert_int_equal(har_compare_parse(text, strlen(text), "F", "A", &run, &error), SL_OK);
    assert_int_equal(run.count, 1);
    assert_string_equal(run.results[0].level, "core");
    har_compare_run_release(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_input_is_told_with_its_place),
        cmocka_unit_test(a_truncated_report_is_never_taken_for_one),
        cmocka_unit_test(a_tree_too_large_is_refused_before_it_is_built),
        cmocka_unit_test(more_results_of_one_id_than_can_be_meant_are_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(what_it_does_not_know_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
