/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/digest.h"

#include <stdlib.h>

#include "harness/baseline/baseline.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

enum { RESULTS = HAR_DIGEST_RESULTS_MIN };

#define THEIRS(id, rule) "{\"id\":\"" id "\",\"verdict\":\"fail\",\"rule\":\"" rule "\"}"
static const char known[] =
    "{\"schema\":\"sluice.baseline/1\",\"stack\":\"a\",\"version\":\"1\",\"date\":\"2026-01-01\","
    "\"binding\":\"chat\",\"profile\":\"seed\",\"results\":[" THEIRS("s/0", "SUB-01") "," THEIRS(
        "s/1", "SUB-02") "]}";

struct fixture {
    struct har_scenario *scenarios[RESULTS];
    struct har_result results[RESULTS];
    struct har_baselines baselines;
    struct har_suite suite;
};

static void set_up(struct fixture *fixture)
{
    static const char text[] =
        "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
        "\"actors\":{\"a\":{\"kind\":\"publisher\"}},\"run\":[]}";
    struct har_problems *problems = sl_calloc(1, sizeof(*problems));
    *fixture = (struct fixture){.baselines = {.count = 1}};
    assert_int_equal(
        har_baseline_parse(sl_span_str(known), "F", &fixture->baselines.items[0], NULL), SL_OK);
    for (size_t i = 0; i < RESULTS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "s/%zu", i);
        fixture->scenarios[i] = har_scenario_parse(sl_span_str(text), "x.json", id, problems);
        assert_non_null(fixture->scenarios[i]);
        fixture->results[i].scenario = fixture->scenarios[i];
    }
    sl_free(problems);
    fixture->suite = (struct har_suite){.results = fixture->results, .result_count = RESULTS};
}

static void fail_by(struct fixture *fixture, size_t number, const char *rule)
{
    struct har_result *result = &fixture->results[number];
    result->outcome = HAR_FAIL;
    result->baselines = &fixture->baselines;
    result->failure_count = 1;
    (void)snprintf(result->failures[0].rule, sizeof(result->failures[0].rule), "%s", rule);
}

static void assert_digest(const struct fixture *fixture, const char *wanted)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    har_report_digest(file, &fixture->suite);
    (void)fclose(file);
    assert_string_equal(text, wanted);
    free(text);
}

static void tear_down(struct fixture *fixture)
{
    for (size_t i = 0; i < RESULTS; i++) {
        har_scenario_free(fixture->scenarios[i]);
    }
    har_baseline_release(&fixture->baselines.items[0]);
}

static void failures_stand_by_rule_with_the_stack_that_has_them(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    assert_digest(&fixture, "");
    fail_by(&fixture, 0, "SUB-01");
    fail_by(&fixture, 1, "SUB-02");
    assert_digest(&fixture, "\nwhat failed, by rule:\n  SUB-01      s/0\n  SUB-02      s/1\n"
                            "known stacks: a 1 fails 2 of these 2 by the same rule\n");
    fail_by(&fixture, 7, "SUB-01");
    assert_digest(&fixture, "\nwhat failed, by rule:\n  SUB-01      s/0, s/7\n  SUB-02      s/1\n"
                            "known stacks: a 1 fails 2 of these 3 by the same rule, but not s/7\n");
    fixture.results[7].is_known = true;
    fail_by(&fixture, 1, "");
    assert_digest(&fixture, "\nwhat failed, by rule:\n  SUB-01      s/0\n  (none)      s/1\n"
                            "known stacks: a 1 fails 1 of these 2 by the same rule, but not s/1\n");
    fixture.suite.result_count = RESULTS - 1; /* all is in sight */
    assert_digest(&fixture, "");
    tear_down(&fixture);
}

static void a_stack_with_few_of_them_is_not_named_and_many_are_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    for (size_t i = 0; i < 10; i++) {
        fail_by(&fixture, i, "SUB-01");
    }
    assert_digest(&fixture, "\nwhat failed, by rule:\n  SUB-01      s/0, s/1, s/2, s/3, s/4, s/5, "
                            "s/6, s/7 and 2 more\n");
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_stand_by_rule_with_the_stack_that_has_them),
        cmocka_unit_test(a_stack_with_few_of_them_is_not_named_and_many_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
