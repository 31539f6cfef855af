/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "harness/report/report.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static const char scenario_text[] =
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
    "\"actors\":{\"a\":{\"kind\":\"publisher\"}},\"run\":[]}";

struct fixture {
    struct har_scenario *scenario;
    struct har_profile profile;
    struct har_result results[4];
    struct har_suite suite;
};

/* One result of each outcome; the failure's text is what a hostile peer sent. */
static void set_up(struct fixture *fixture)
{
    static const enum har_outcome outcomes[] = {HAR_PASS, HAR_FAIL, HAR_INCONCLUSIVE, HAR_SKIP};
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    *fixture = (struct fixture){0};
    fixture->scenario = har_scenario_parse(sl_span_str(scenario_text), "x.json", "a/b", problems);
    assert_non_null(fixture->scenario);
    sl_free(problems);
    for (size_t i = 0; i < 4; i++) {
        struct har_result *result = &fixture->results[i];
        *result = (struct har_result){
            .scenario = fixture->scenario, .outcome = outcomes[i], .is_done = true};
        (void)snprintf(result->reason, sizeof(result->reason), "<&\"> \x01 \xff \xef\xbf\xbf ok");
    }
    fixture->results[1].failure_count = 1;
    fixture->suite = (struct har_suite){.results = fixture->results, .result_count = 4};
    fixture->suite.config.profile = &fixture->profile;
}

static void tear_down(struct fixture *fixture)
{
    har_scenario_free(fixture->scenario);
}

static void counts_and_exit_statuses_follow_the_outcomes(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_int_equal(har_exit_status(&fixture.suite), 1);
    fixture.results[1].is_known = true;
    assert_int_equal(har_exit_status(&fixture.suite), 3);
    fixture.results[2].outcome = HAR_PASS;
    assert_int_equal(har_exit_status(&fixture.suite), 0);
    fixture.results[0].has_unexpected_pass = true;
    assert_int_equal(har_exit_status(&fixture.suite), 1);
    for (size_t i = 0; i < 4; i++) {
        fixture.results[i] = (struct har_result){.scenario = fixture.scenario, .outcome = HAR_SKIP};
    }
    assert_int_equal(har_exit_status(&fixture.suite), 4);
    fixture.suite.could_not_start = true;
    assert_int_equal(har_exit_status(&fixture.suite), 2);
    tear_down(&fixture);
}

static void junit_holds_nothing_that_xml_forbids(void **state)
{
    (void)state;
    struct fixture fixture;
    struct sl_buf out;
    set_up(&fixture);
    sl_buf_init(&out, 1 << 20);
    struct har_report report = {&fixture.suite, "h:1", "--target h:1", "seed"};
    har_report_junit(&report, &out);
    const char *text = sl_buf_str(&out);
    assert_non_null(strstr(text, "&lt;&amp;&quot;&gt; \\x01 \\xff \\xef\\xbf\\xbf ok"));
    assert_non_null(strstr(text, "<failure "));
    assert_non_null(strstr(text, "<error type=\"inconclusive\""));
    assert_non_null(strstr(text, "<skipped "));
    assert_non_null(strstr(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
    sl_buf_release(&out);
    tear_down(&fixture);
}

static void json_is_valid_whatever_the_peer_said(void **state)
{
    (void)state;
    struct fixture fixture;
    struct sl_buf out;
    set_up(&fixture);
    sl_buf_init(&out, 1 << 20);
    struct har_report report = {&fixture.suite, "h:1", "--target h:1", "seed"};
    har_report_json(&report, &out);
    json_t *json = json_loadb((const char *)out.data, out.len, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "sluice.report/1");
    assert_int_equal(json_array_size(json_object_get(json, "results")), 4);
    json_t *second = json_array_get(json_object_get(json, "results"), 1);
    assert_string_equal(json_string_value(json_object_get(second, "verdict")), "fail");
    json_decref(json);
    sl_buf_release(&out);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_exit_statuses_follow_the_outcomes),
        cmocka_unit_test(junit_holds_nothing_that_xml_forbids),
        cmocka_unit_test(json_is_valid_whatever_the_peer_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
