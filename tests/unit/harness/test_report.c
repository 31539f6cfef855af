/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "harness/report/report.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/utf8.h"
#include "tests/support/cmocka_all.h"

static const char scenario_text[] =
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
    "\"actors\":{\"a\":{\"kind\":\"publisher\"}},\"run\":[]}";

struct fixture {
    struct har_scenario *scenario;
    struct har_profile profile;
    struct har_result results[4];
    struct har_suite suite;
    struct har_report report;
    struct sl_buf out;
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
    fixture->report = (struct har_report){.suite = &fixture->suite,
                                          .target = "h:1",
                                          .target_option = "--target h:1",
                                          .profile = "seed"};
    sl_buf_init(&fixture->out, 1 << 20);
}

/* The report as text. */
static const char *written(struct fixture *fixture, enum har_format format)
{
    sl_buf_clear(&fixture->out);
    har_formats[format].write(&fixture->report, &fixture->out);
    assert_false(fixture->out.is_full);
    assert_true(sl_utf8_is_valid(sl_buf_span(&fixture->out)));
    return sl_buf_str(&fixture->out);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("'%s' in: %s", part, text);
    }
}

static void tear_down(struct fixture *fixture)
{
    sl_buf_release(&fixture->out);
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
    set_up(&fixture);
    const char *text = written(&fixture, HAR_JUNIT);
    assert_has(text, "&lt;&amp;&quot;&gt; \\x01 \\xff \\xef\\xbf\\xbf ok");
    assert_has(text, "<failure ");
    assert_has(text, "<error type=\"inconclusive\"");
    assert_has(text, "<skipped ");
    assert_has(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\"");
    assert_has(text, "run again: sluice-harness run a/b --seed 0 --profile 'seed' --target h:1<");
    tear_down(&fixture);
}

static void junit_shows_what_would_turn_or_hide_text(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    (void)snprintf(fixture.results[1].reason, sizeof(fixture.results[1].reason),
                   "\xe2\x80\xae \xc2\x85 \xef\xbb\xbf \xc3\xa4 \r\n\t.");
    assert_has(written(&fixture, HAR_JUNIT),
               "\\xe2\\x80\\xae \\xc2\\x85 \\xef\\xbb\\xbf \xc3\xa4 \\x0d&#10;&#9;.");
    tear_down(&fixture);
}

static void junit_fails_for_what_makes_the_run_fail(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.scenario->level = HAR_LEVEL_S;
    fixture.results[0].has_unexpected_pass = true;
    const char *text = written(&fixture, HAR_JUNIT);
    assert_has(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"2\"");
    assert_has(text, "<failure type=\"known-failing\" message=\"known to fail, but it passed");
    assert_has(written(&fixture, HAR_GITHUB), "::error title=a/b::known to fail, but it passed");
    fixture.suite.config.is_strict = true;
    assert_has(written(&fixture, HAR_JUNIT), "failures=\"2\" errors=\"1\" skipped=\"1\"");
    tear_down(&fixture);
}

static void json_is_valid_whatever_the_peer_said(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    (void)written(&fixture, HAR_JSON);
    json_t *json = json_loadb((const char *)fixture.out.data, fixture.out.len, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "sluice.report/1");
    assert_int_equal(json_array_size(json_object_get(json, "results")), 4);
    json_t *second = json_array_get(json_object_get(json, "results"), 1);
    assert_string_equal(json_string_value(json_object_get(second, "verdict")), "fail");
    json_decref(json);
    tear_down(&fixture);
}

static void tap_tells_each_verdict(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    const char *text = written(&fixture, HAR_TAP);
    assert_true(strncmp(text, "TAP version 13\n1..4\nok 1 - a/b\nnot ok 2 - a/b\n  ---\n", 50) ==
                0);
    assert_has(text, "\nnot ok 3 - a/b\n  ---\n");
    assert_has(text, "  severity: \"inconclusive\"\n");
    assert_has(text, "\nok 4 - a/b # SKIP <&\"> \\\\x01 ");
    fixture.results[1].is_known = true;
    assert_has(written(&fixture, HAR_TAP), "\nnot ok 2 - a/b # TODO known failing\n");
    fixture.results[0].has_unexpected_pass = true;
    assert_has(written(&fixture, HAR_TAP),
               "\nnot ok 1 - a/b\n  ---\n  message: \"known to fail, but it passed");
    fixture.suite.could_not_start = true;
    (void)snprintf(fixture.suite.start_text, sizeof(fixture.suite.start_text), "no\nok 1");
    text = written(&fixture, HAR_TAP);
    assert_string_equal(text,
                        "TAP version 13\nBail out! the target cannot be reached: no\\\\x0aok 1\n");
    tear_down(&fixture);
}

static void tap_is_a_line_a_point_whatever_the_peer_said(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(fixture.results[i].reason, sizeof(fixture.results[i].reason),
                       "\nok 9\r\n# TODO \"\\ \xc2\x85 \xe2\x80\xa8 \x1b[2J ...");
    }
    const char *text = written(&fixture, HAR_TAP);
    assert_has(text, "# SKIP \\\\x0aok 9\\\\x0d\\\\x0a\\# TODO \"\\\\ \\\\xc2\\\\x85 ");
    assert_has(text, "  message: \"\\nok 9\\\\x0d\\n# TODO \\\"\\\\ \\\\xc2\\\\x85 ");
    assert_has_not(text, "\nok 9");
    assert_has_not(text, "\x1b");
    tear_down(&fixture);
}

static void annotations_are_a_line_each_whatever_the_peer_said(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    (void)snprintf(fixture.results[1].reason, sizeof(fixture.results[1].reason),
                   "100%%\n::error::mine\r\x1b[2J");
    (void)snprintf(fixture.results[1].failures[0].rule, sizeof(fixture.results[1].failures[0].rule),
                   "A,B:C");
    assert_string_equal(
        written(&fixture, HAR_GITHUB),
        "::error title=a/b [A%2CB%3AC]::100%25\\x0a::error::mine\\x0d\\x1b[2J\n"
        "::warning title=a/b::<&\"> \\x01 \\xff \\xef\\xbf\\xbf ok\n"
        "::notice title=sluice-harness::1 passed, 1 failed, 1 inconclusive, 1 skipped\n");
    fixture.results[1].is_known = true;
    fixture.results[2].outcome = HAR_PASS;
    assert_true(strncmp(written(&fixture, HAR_GITHUB), "::notice ", 9) == 0);
    fixture.results[2].has_unexpected_pass = true;
    assert_has(written(&fixture, HAR_GITHUB), "::error title=a/b::");
    fixture.suite.could_not_start = true;
    (void)snprintf(fixture.suite.start_text, sizeof(fixture.suite.start_text), "no\n::x");
    assert_string_equal(written(&fixture, HAR_GITHUB),
                        "::error title=sluice-harness::the target cannot be reached: no\\x0a::x\n");
    tear_down(&fixture);
}

static void annotations_are_as_many_as_are_shown(void **state)
{
    (void)state;
    struct fixture fixture;
    struct har_result many[12];
    set_up(&fixture);
    for (size_t i = 0; i < 12; i++) {
        many[i] = fixture.results[1];
    }
    fixture.suite.results = many;
    fixture.suite.result_count = 12;
    const char *text = written(&fixture, HAR_GITHUB);
    size_t lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n' ? 1 : 0;
    }
    assert_int_equal(lines, 11);
    assert_has(text, "::error title=sluice-harness::3 more; the summary has them\n");
    fixture.suite.result_count = 10;
    text = written(&fixture, HAR_GITHUB);
    assert_has(text, "::1 more; ");
    tear_down(&fixture);
}

static void markdown_stays_a_table_whatever_the_peer_said(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    (void)snprintf(fixture.results[1].reason, sizeof(fixture.results[1].reason),
                   "a|b `c` <img src=x> [l](http://h) www.h @all\n| # *x* \\ &amp; \xff");
    const char *text = written(&fixture, HAR_MARKDOWN);
    assert_has(text, "### sluice-harness: failed\n");
    assert_has(text, "**1 passed, 1 failed, 1 inconclusive, 1 skipped** in ");
    assert_has(text, "| **FAIL** | <code>a/b</code> | ");
    assert_has(text,
               " | a&#124;b &#96;c&#96; &#60;img src=x&#62; &#91;l&#93;(http&#58;//h) www&#46;h "
               "&#64;&#8203;all&#92;x0a&#124; &#35; &#42;x&#42; &#92; &#38;amp; &#92;xff | "
               "<code>sluice-harness run a/b --seed 0");
    assert_has(text, "<details><summary>1 skipped</summary>");
    tear_down(&fixture);
}

/* As many as --repeat may make of it, each with as much text as there can be. */
static void markdown_fits_a_summary_and_says_what_it_left_out(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct fixture fixture;
    set_up(&fixture);
    struct har_result *results = sl_calloc(MANY, sizeof(results[0]));
    for (size_t i = 0; i < MANY; i++) {
        results[i] = fixture.results[1];
        memset(results[i].reason, 0xff, sizeof(results[i].reason) - 1);
        results[i].failure_count = HAR_FAILURES_MAX;
        for (size_t k = 0; k < HAR_FAILURES_MAX; k++) {
            memset(results[i].failures[k].text, 1, sizeof(results[i].failures[k].text) - 1);
        }
    }
    fixture.suite.results = results;
    fixture.suite.result_count = MANY;
    const char *text = written(&fixture, HAR_MARKDOWN);
    assert_true(fixture.out.len <= HAR_MARKDOWN_MAX);
    assert_has(text, " more are left out here; the JSON report has them.");
    sl_free(results);
    tear_down(&fixture);
}

static void html_has_nothing_of_a_peer_as_markup(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    (void)snprintf(fixture.results[1].reason, sizeof(fixture.results[1].reason),
                   "</script><img src=x onerror=alert(1)>&lt; \xff");
    const char *text = written(&fixture, HAR_HTML);
    assert_has(text, "\\u003c/script\\u003e\\u003cimg src=x onerror=alert(1)\\u003e\\u0026lt; ");
    assert_has(text, ">&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;lt; \\xff<");
    assert_has_not(text, "<img");
    assert_has_not(text, "<!--REPORT-->");
    assert_has_not(text, "http://");
    assert_has_not(text, "https://");
    tear_down(&fixture);
}

static void html_says_why_a_run_is_not_well(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct har_failure *failure = &fixture.results[1].failures[0];
    (void)snprintf(failure->rule, sizeof(failure->rule), "SUB-01");
    const char *text = written(&fixture, HAR_HTML);
    assert_has(text, "<span class=\"badge fail\">failed</span>");
    assert_has(text, "Failed first:</b> <a href=\"#r1\"><code>a/b</code></a>");
    assert_has(text, "<details id=\"r1\" class=\"row\" data-verdict=\"fail\">");
    assert_has(text, "<h2>What the server broke</h2>");
    assert_has(text, "<td><code class=\"fail\">SUB-01</code>");
    assert_has_not(text, "Listed as known failing");
    (void)snprintf(failure->rule, sizeof(failure->rule), "CALL-20");
    text = written(&fixture, HAR_HTML);
    assert_has(text, "<td><code class=\"fail\">CALL-20</code><td><bdi>nothing but RST_STREAM, ");
    fixture.results[1].is_known = true;
    fixture.results[0].has_unexpected_pass = true;
    fixture.results[2].is_mistaken = true;
    text = written(&fixture, HAR_HTML);
    assert_has_not(text, "Failed first");
    assert_has(text, ">fail, known</span>");
    assert_has(text, "Listed as known failing, but passed:</b></p>\n<p><a href=\"#r0\">");
    assert_has(text, "Mistakes of the scenarios themselves:</b></p>\n<p><a href=\"#r2\">");
    fixture.suite.could_not_start = true;
    (void)snprintf(fixture.suite.start_text, sizeof(fixture.suite.start_text), "<b>gone");
    text = written(&fixture, HAR_HTML);
    assert_has(text, "The target cannot be reached:</b> <bdi>&lt;b&gt;gone<");
    assert_has_not(text, "<details");
    tear_down(&fixture);
}

/* A scenario of the user's own is found by its file; what a shell would obey is quoted. */
static void text_tells_which_failures_do_not_count(void **state)
{
    (void)state;
    struct fixture fixture;
    char *text = NULL;
    size_t len = 0;
    set_up(&fixture);
    fixture.scenario->level = HAR_LEVEL_S;
    for (int is_strict = 0; is_strict <= 1; is_strict++) {
        fixture.suite.config.is_strict = is_strict == 1;
        FILE *file = open_memstream(&text, &len);
        assert_non_null(file);
        har_report_text_result(file, &fixture.results[1], false);
        har_report_text_end(file, &fixture.report);
        (void)fclose(file);
        assert_has(text, "  (level S) <&");
        if (is_strict == 1) {
            assert_has(text, "1 passed, 1 failed, 1 inconclusive");
        } else {
            assert_has(text, "1 failed (1 of them of a level that does not count), 1 inconclusive");
        }
        free(text);
    }
    tear_down(&fixture);
}

static void a_rerun_names_what_was_run(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.report.library = "/lib/scenarios";
    fixture.report.profile = "my profile.json";
    har_report_rerun(&fixture.report, fixture.scenario, &fixture.out);
    assert_string_equal(
        sl_buf_str(&fixture.out),
        "sluice-harness run 'x.json' --seed 0 --profile 'my profile.json' --target h:1");
    tear_down(&fixture);
}

static void a_failure_says_why_it_matters_and_where_to_look(void **state)
{
    (void)state;
    static const enum har_format formats[] = {HAR_JSON, HAR_JUNIT, HAR_TAP, HAR_MARKDOWN, HAR_HTML};
    struct fixture fixture;
    set_up(&fixture);
    struct har_failure *failure = &fixture.results[1].failures[0];
    (void)snprintf(failure->rule, sizeof(failure->rule), "RES-02");
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const char *text = written(&fixture, formats[i]);
        /* No rule of the scenario's: the scenario's own "why" would be of something else. */
        assert_has(text, "a crash by one bad client");
        assert_has(text, "the out-of-memory killer");
    }
    tear_down(&fixture);
}

static void findings_are_told_of_what_passed_too(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    fixture.results[0].finding_count = 1;
    fixture.results[0].findings[0] =
        (struct har_seen_finding){.rule = "CALL-20", .level = 'I', .is_server = true, .count = 3};
    (void)snprintf(fixture.results[0].findings[0].text, sizeof(fixture.results[0].findings[0].text),
                   "<late> \x02");
    assert_has(written(&fixture, HAR_JUNIT),
               "<system-out>finding of level I, server, 3 times: CALL-20: &lt;late&gt; \\x02\n");
    assert_has(written(&fixture, HAR_TAP),
               "ok 1 - a/b\n  ---\n  findings:\n    - rule: \"CALL-20\"\n      level: I\n"
               "      side: server\n      count: 3\n      text: \"<late> \\\\x02\"\n  ...\n");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_exit_statuses_follow_the_outcomes),
        cmocka_unit_test(junit_holds_nothing_that_xml_forbids),
        cmocka_unit_test(junit_shows_what_would_turn_or_hide_text),
        cmocka_unit_test(junit_fails_for_what_makes_the_run_fail),
        cmocka_unit_test(json_is_valid_whatever_the_peer_said),
        cmocka_unit_test(tap_tells_each_verdict),
        cmocka_unit_test(annotations_are_a_line_each_whatever_the_peer_said),
        cmocka_unit_test(annotations_are_as_many_as_are_shown),
        cmocka_unit_test(tap_is_a_line_a_point_whatever_the_peer_said),
        cmocka_unit_test(markdown_stays_a_table_whatever_the_peer_said),
        cmocka_unit_test(markdown_fits_a_summary_and_says_what_it_left_out),
        cmocka_unit_test(html_has_nothing_of_a_peer_as_markup),
        cmocka_unit_test(html_says_why_a_run_is_not_well),
        cmocka_unit_test(text_tells_which_failures_do_not_count),
        cmocka_unit_test(a_rerun_names_what_was_run),
        cmocka_unit_test(a_failure_says_why_it_matters_and_where_to_look),
        cmocka_unit_test(findings_are_told_of_what_passed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
