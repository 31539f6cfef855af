/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/baseline.h"

#include "tests/support/cmocka_all.h"

#define HEAD                                                           \
    "{\"schema\":\"sluice.baseline/"                                   \
    "1\",\"stack\":\"s\",\"version\":\"1.2\",\"date\":\"2026-11-29\"," \
    "\"binding\":\"chat\",\"profile\":\"seed\",\n"

static void a_bad_file_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *error;
        size_t line;
    } cases[] = {
        {"empty", "", "not valid JSON", 0},
        {"cut off", HEAD "\"results\":[{\"id\":", "not valid JSON", 2},
        {"a key twice", HEAD "\"stack\":\"t\",\"results\":[]}", "not valid JSON", 2},
        {"an array", "[1]", "$: this must be an object", 0},
        {"no results", HEAD "\"about\":\"x\"}", "$: the key 'results' is missing", 1},
        {"an unknown key", HEAD "\"result\":[],\"results\":[]}",
         "$.result: unknown key 'result'; did you mean 'results'?", 2},
        {"no such verdict", HEAD "\"results\":[\n{\"id\":\"a\",\"verdict\":\"good\"}]}",
         "$.results[0].verdict:", 3},
        {"seen is no object", HEAD "\"results\":[{\"id\":\"a\",\"verdict\":\"pass\",\"seen\":[]}]}",
         "$.results[0].seen: this must be an object", 2},
        {"seen is a number",
         HEAD "\"results\":[{\"id\":\"a\",\"verdict\":\"pass\",\"seen\":{\"x\":1}}]}",
         "$.results[0].seen.x: this must be a string", 2},
        {"a fail of nothing", HEAD "\"results\":[{\"id\":\"a\",\"verdict\":\"fail\"}]}",
         "$.results[0]: a fail needs its 'rule', or a 'reason'", 2},
        {"twice",
         HEAD
         "\"results\":[{\"id\":\"a\",\"verdict\":\"pass\"},{\"id\":\"b\",\"verdict\":\"pass\"},"
         "\n{\"id\":\"a\",\"verdict\":\"skip\"}]}",
         "$.results[2].id: 'a' has a result already", 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_baseline baseline;
        struct sl_error error = {0};
        assert_int_not_equal(har_baseline_parse(sl_span_str(cases[i].text), "F", &baseline, &error),
                             SL_OK);
        bool is_line_right = cases[i].line == 0 || error.line == cases[i].line;
        if (strstr(error.text, cases[i].error) == NULL || !is_line_right) {
            fail_msg("%s: line %zu: %s", cases[i].name, error.line, error.text);
        }
        assert_string_equal(error.source, "F");
        assert_int_equal(baseline.count, 0);
    }
}

static void a_bad_head_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *stack, *version, *date, *error;
    } cases[] = {
        {"sluice.baseline/2", "s", "1", "2026-11-29", "$.schema: 'sluice.baseline/2'"},
        {"sluice.report/1", "s", "1", "2026-11-29", "baseline write REPORT.json"},
        {"sluice.baseline/1", "", "1", "2026-11-29", "$.stack: "},
        {"sluice.baseline/1", "a/../b", "1", "2026-11-29", "$.stack: "},
        {"sluice.baseline/1", "s", "1 2", "2026-11-29", "$.version: "},
        {"sluice.baseline/1", "s", "1", "yesterday", "$.date: "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_baseline baseline;
        struct sl_error error = {0};
        json_t *json =
            json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:s}]}", "schema", cases[i].schema, "stack",
                      cases[i].stack, "version", cases[i].version, "date", cases[i].date, "binding",
                      "chat", "profile", "seed", "results", "id", "a", "verdict", "pass");
        char *text = json_dumps(json, 0);
        assert_int_equal(har_baseline_parse(sl_span_str(text), "F", &baseline, &error),
                         SL_MALFORMED);
        if (strstr(error.text, cases[i].error) == NULL) {
            fail_msg("%zu: %s", i, error.text);
        }
        free(text);
        json_decref(json);
    }
}

static void results_are_found_by_id_whatever_their_order(void **state)
{
    (void)state;
    struct har_baseline baseline;
    struct sl_error error = {0};
    const char *text =
        HEAD "\"results\":[{\"id\":\"c\",\"verdict\":\"skip\"},{\"id\":\"a\",\"verdict\":\"pass\","
             "\"seen\":{\"x\":\"nothing\"}},{\"id\":\"b\",\"verdict\":\"fail\",\"rule\":\"R-1\"}]}";
    assert_int_equal(har_baseline_parse(sl_span_str(text), "F", &baseline, &error), SL_OK);
    assert_int_equal(baseline.count, 3);
    assert_int_equal(har_baseline_find(&baseline, "a")->verdict, HAR_PASS);
    assert_int_equal(har_baseline_find(&baseline, "b")->verdict, HAR_FAIL);
    assert_string_equal(har_baseline_find(&baseline, "b")->rule, "R-1");
    assert_int_equal(har_baseline_find(&baseline, "c")->verdict, HAR_SKIP);
    assert_null(har_baseline_find(&baseline, ""));
    assert_null(har_baseline_find(&baseline, "bb"));
    har_baseline_release(&baseline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_file_is_told_with_its_place),
        cmocka_unit_test(a_bad_head_is_told),
        cmocka_unit_test(results_are_found_by_id_whatever_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
