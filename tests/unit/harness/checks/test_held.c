/* SPDX-License-Identifier: Apache-2.0 */
/* rss_growth, rss_peak, fd and threads on marks that the test writes itself. */
#include "harness/checks/check.h"
#include "harness/engine/actor.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

enum {
    VALUES = 8,
    MIB = 1024 * 1024,
};

/* A mark a value: MiB resident, the peak 10 above them, or descriptors, or threads. */
struct test_case {
    const char *check;
    unsigned values[VALUES];
    size_t count;
    const char *text; /* part of the failure, or of the note; "" for neither */
};

static void mark(struct har_play *play, const char *name, unsigned value)
{
    play->marks[play->mark_count++] =
        (struct har_mark){.name = name,
                          .has_resources = true,
                          .is_peak_reset = true,
                          .resources = {.rss_bytes = (uint64_t)value * MIB,
                                        .peak_bytes = ((uint64_t)value + 10) * MIB,
                                        .fds = value,
                                        .threads = value}};
}

/* The play of one check, judged. */
static void judge(const struct test_case *test, pid_t pid,
                  void (*look)(const struct test_case *, const struct har_play *))
{
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    char text[600];
    (void)snprintf(text, sizeof(text),
                   "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\","
                   "\"seconds\":5,\"actors\":{},\"run\":[],\"expect\":[%s]}",
                   test->check);
    struct har_scenario *scenario = har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
    if (scenario == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
    }
    sl_free(problems);
    struct har_profile profile = {0};
    struct har_play *play = sl_alloc(sizeof(*play));
    play->scenario = play->config.scenario = scenario;
    play->config.profile = &profile;
    play->config.pid = pid;
    play->phase = -1;
    play->evidence = 1;
    play->monitors = sl_calloc(4, sizeof(bool));
    play->actors = sl_alloc(sizeof(*play->actors)); /* none of it is used */
    for (size_t i = 0; i < test->count && pid != 0; i++) {
        mark(play, "round", test->values[i]);
        mark(play, "other", 10000 * (unsigned)i);
    }
    har_checks_run(play);
    look(test, play);
    sl_free(play->monitors);
    sl_free(play->actors);
    sl_free(play);
    har_scenario_free(scenario);
}

static const struct test_case cases[] = {
    {"{\"rss_growth\":\"round\",\"rounds\":2,\"below_mib\":2}", {50, 60, 60, 60}, 4, ""},
    {"{\"rss_growth\":\"round\",\"rounds\":2,\"below_mib\":2}", {50, 60, 70, 80, 81, 81}, 6, ""},
    {"{\"rss_growth\":\"round\",\"rounds\":2,\"below_mib\":2}", {50, 60, 55, 61, 54, 60}, 6, ""},
    {"{\"rss_growth\":\"round\",\"rounds\":2,\"below_mib\":2}",
     {50, 51, 52, 53, 54, 55},
     6,
     "memory went from 50.0 to 55.0 MiB in 5 rounds and never stopped growing: at least 2.0 MiB"},
    {"{\"fd\":\"round\"}", {10, 400, 10}, 3, ""},
    {"{\"fd\":\"round\"}", {10, 400, 11}, 3, "had 10 file descriptors at first and 11 at the end"},
    {"{\"fd\":\"round\",\"growth\":1}", {10, 400, 11}, 3, ""},
    {"{\"fd\":\"round\"}", {10, 9}, 2, ""},
    {"{\"threads\":\"round\"}", {4, 9, 4}, 3, ""},
    {"{\"threads\":\"round\",\"growth\":2}",
     {4, 9, 7},
     3,
     "had 4 threads at first and 7 at the end"},
    {"{\"rss_peak\":\"round\",\"below_mib\":21}", {50, 60, 55}, 3, ""},
    {"{\"rss_peak\":\"round\",\"below_mib\":20}",
     {50, 60, 55},
     3,
     "rose from 50.0 MiB by 20.0 MiB"},
};

static void look_observed(const struct test_case *test, const struct har_play *play)
{
    const char *told = play->failure_count == 0 ? "" : play->failures[0].text;
    if ((test->text[0] == '\0') != (told[0] == '\0') || strstr(told, test->text) == NULL) {
        fail_msg("%s: '%s', not '%s'", test->check, told, test->text);
    }
    assert_int_equal(play->note_count, 0);
    if (play->failure_count > 0) {
        assert_string_equal(play->failures[0].rule, "RES-01");
        bool is_of_one_moment = strstr(test->check, "rss_peak") != NULL;
        assert_int_equal(play->failures[0].is_trend, !is_of_one_moment);
    }
}

static void what_is_held_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judge(&cases[i], 1, look_observed);
    }
}

static void look_unobserved(const struct test_case *test, const struct har_play *play)
{
    (void)test;
    assert_int_equal(play->failure_count, 0);
    assert_int_equal(play->note_count, 1);
    assert_non_null(strstr(play->notes[0], "not observed"));
}

static void what_cannot_be_seen_is_noted_and_no_failure(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judge(&cases[i], 0, look_unobserved);
    }
}

static void look_mistaken(const struct test_case *test, const struct har_play *play)
{
    (void)test;
    assert_true(play->is_mistaken);
    assert_non_null(
        strstr(play->failures[0].text, "needs at least 6 marks of that name, there are 5"));
}

static void growth_needs_enough_rounds(void **state)
{
    (void)state;
    const struct test_case test = {
        "{\"rss_growth\":\"round\",\"below_mib\":2}", {1, 2, 3, 4, 5}, 5, ""};
    judge(&test, 1, look_mistaken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_comes_back),
        cmocka_unit_test(what_cannot_be_seen_is_noted_and_no_failure),
        cmocka_unit_test(growth_needs_enough_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
