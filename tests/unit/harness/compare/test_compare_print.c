/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "harness/compare/print.h"
#include "harness/report/report.h"
#include "lib/base/alloc.h"
#include "lib/base/utf8.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/compare/reports.h"

/* In every string: markup, a control, the end of a line, what turns text, a link, a mention. */
#define EVIL "<img src=x>&\\\" |`@all http://h \\u001b[2J\\n# x \\u202e </script>\\u0085"
static const char evil_a[] = RESULT("x", "pass", "") "," RESULT(
    EVIL, "pass",
    ",\"latency_ms\":{\"" EVIL "\":{\"" EVIL "\":{\"count\":1000,\"p50\":10,\"p99\":20}}}");
static const char evil_b[] = RESULT("x", "fail", FAILED(EVIL, EVIL)) "," RESULT(
    EVIL, "fail",
    FAILED("R", EVIL) ",\"level\":\"" EVIL "\",\"rerun\":\"" EVIL "\",\"title\":\"" EVIL
                      "\",\"latency_ms\":{\"" EVIL "\":{\"" EVIL
                      "\":{\"count\":1000,\"p50\":90,\"p99\":90}}},"
                      "\"story\":{\"actors\":[{\"name\":\"" EVIL "\",\"kind\":\"" EVIL
                      "\"}],\"marks\":[{\"name\":\"" EVIL
                      "\",\"rss_bytes\":1}],\"faults\":[{\"what\":\"" EVIL "\",\"actor\":\"" EVIL
                      "\"}]}");
static const char evil_findings[] = "{\"rule\":\"" EVIL "\",\"level\":\"" EVIL "\",\"side\":\"" EVIL
                                    "\",\"count\":1,\"scenario\":\"x\",\"text\":\"" EVIL "\"}";
static const char evil_more[] =
    ",\"target\":\"" EVIL "\",\"profile\":\"" EVIL "\",\"calibration\":{\"" EVIL "\":\"" EVIL "\"}";

static void read_evil(struct two *two)
{
    char *a = report_of(evil_a, "", "");
    char *b = report_of(evil_b, evil_findings, evil_more);
    two_read(two, a, b, false);
    sl_free(a);
    sl_free(b);
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

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        longest = len > longest ? len : longest;
        text += len + (text[len] == '\n');
    }
    return longest;
}

static void text_has_nothing_that_a_terminal_obeys(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    const struct har_compare_look look = {.columns = 80, .is_all = true};
    read_evil(&two);
    sl_buf_init(&out, 1 << 20);
    har_compare_text(&two.model, &look, &out);
    const char *text = sl_buf_str(&out);
    assert_has_not(text, "\x1b");
    assert_has_not(text, "\xe2\x80\xae");
    assert_has_not(text, "\xc2\x85");
    assert_has_not(text, "\n# x");
    assert_has(text, "\\x1b[2J\\x0a# x \\xe2\\x80\\xae");
    assert_true(sl_utf8_is_valid(sl_buf_span(&out)));
    sl_buf_release(&out);
    two_release(&two);
}

static void text_fits_the_terminal(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    static const unsigned widths[] = {60, 80, 132};
    read_evil(&two);
    sl_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        const struct har_compare_look look = {.columns = widths[i], .is_all = true};
        sl_buf_clear(&out);
        har_compare_text(&two.model, &look, &out);
        if (longest_line(sl_buf_str(&out)) > widths[i]) {
            fail_msg("%u columns: %s", widths[i], sl_buf_str(&out));
        }
    }
    sl_buf_release(&out);
    two_release(&two);
}

static void colours_stand_only_where_they_are_asked_for(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    two_make(&two, RESULT("x", "pass", ""), RESULT("x", "fail", FAILED("R-1", "why")), false);
    sl_buf_init(&out, 1 << 20);
    har_compare_text(&two.model, &(struct har_compare_look){.columns = 80}, &out);
    assert_has(sl_buf_str(&out),
               "newly failing (1)\n  ! x: passed, now fails\n      A  PASS  0.0 s\n"
               "      B  FAIL  0.0 s  [R-1] why\n");
    assert_has(sl_buf_str(&out), "\n1 scenario is worse in B.\n");
    assert_has_not(sl_buf_str(&out), "\x1b");
    sl_buf_clear(&out);
    har_compare_text(&two.model, &(struct har_compare_look){.columns = 80, .has_colour = true},
                     &out);
    assert_has(sl_buf_str(&out), "\x1b[1;31mFAIL\x1b[0m");
    sl_buf_release(&out);
    two_release(&two);
}

static void repeats_are_told_as_counts(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    two_make(&two, RESULT("x", "pass", "") "," RESULT("x", "pass", ""),
             RESULT("x", "pass", "") "," RESULT("x", "fail", FAILED("R-1", "why")), false);
    sl_buf_init(&out, 1 << 20);
    har_compare_text(&two.model, &(struct har_compare_look){.columns = 80}, &out);
    assert_has(sl_buf_str(&out), "A  PASS, 2 of 2 passed");
    assert_has(sl_buf_str(&out), "B  FAIL, 1 of 2 passed");
    assert_has(sl_buf_str(&out), "chance may do it: 0.50");
    sl_buf_release(&out);
    two_release(&two);
}

static void markdown_stays_a_table(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    read_evil(&two);
    sl_buf_init(&out, 2 << 20);
    har_compare_markdown(&two.model, &out);
    const char *text = sl_buf_str(&out);
    assert_has_not(text, "<img");
    assert_has_not(text, "@all");
    assert_has_not(text, "\n# x");
    assert_has_not(text, "\x1b");
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t len = strcspn(line, "\n");
        assert_true(line[0] != '|' || line[len - 1] == '|');
    }
    sl_buf_release(&out);
    two_release(&two);
}

/* As many as there can be, each with as much to say as there can be. */
static void markdown_fits_a_summary(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf results;
    struct sl_buf out;
    sl_buf_init(&results, 64 << 20);
    for (int i = 0; i < 1000; i++) {
        (void)sl_buf_addf(&results,
                          "%s{\"id\":\"%d\",\"verdict\":\"fail\",\"reason\":\"%01000d|||\"}",
                          i == 0 ? "" : ",", i, 0);
    }
    two_make(&two, RESULT("0", "pass", ""), sl_buf_str(&results), false);
    sl_buf_init(&out, 2 << 20);
    har_compare_markdown(&two.model, &out);
    assert_true(out.len <= HAR_MARKDOWN_MAX);
    assert_has(sl_buf_str(&out), " more are left out here; --format json has them.");
    sl_buf_release(&out);
    sl_buf_release(&results);
    two_release(&two);
}

static void the_page_has_nothing_of_a_report_as_markup(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    read_evil(&two);
    sl_buf_init(&out, 4 << 20);
    har_compare_html(&two.model, &out);
    assert_false(out.is_full);
    const char *text = sl_buf_str(&out);
    assert_has_not(text, "<img");
    assert_has_not(text, "x </script>");
    assert_has_not(text, "\x1b");
    assert_has_not(text, "src=\"");
    assert_has_not(text, "href=\"http");
    assert_true(sl_utf8_is_valid(sl_buf_span(&out)));
    sl_buf_release(&out);
    two_release(&two);
}

static void json_has_what_the_model_has(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf out;
    read_evil(&two);
    sl_buf_init(&out, 1 << 20);
    har_compare_json(&two.model, &out);
    json_t *json = json_loadb((const char *)out.data, out.len, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "schema")), "sluice.compare/1");
    assert_int_equal(json_integer_value(json_object_get(json, "worse")), 2);
    json_t *groups = json_object_get(json, "groups");
    assert_int_equal(json_integer_value(json_object_get(groups, "newly_failing")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "scenarios")), 2);
    json_t *latency = json_array_get(json_object_get(json, "latencies"), 0);
    json_t *p50 = json_object_get(latency, "p50");
    assert_true(json_real_value(json_object_get(p50, "ratio")) == 9 ||
                json_integer_value(json_object_get(p50, "ratio")) == 9);
    assert_string_equal(json_string_value(json_object_get(p50, "noise")), "unrepeated");
    json_decref(json);
    sl_buf_release(&out);
    two_release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_nothing_that_a_terminal_obeys),
        cmocka_unit_test(text_fits_the_terminal),
        cmocka_unit_test(colours_stand_only_where_they_are_asked_for),
        cmocka_unit_test(repeats_are_told_as_counts),
        cmocka_unit_test(markdown_stays_a_table),
        cmocka_unit_test(markdown_fits_a_summary),
        cmocka_unit_test(the_page_has_nothing_of_a_report_as_markup),
        cmocka_unit_test(json_has_what_the_model_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
