/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/parse.h"
#include "harness/selftest/cases.h"
#include "harness/selftest/print.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static const char scenario_text[] =
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
    "\"catches\":%s,\"actors\":{\"a\":{\"kind\":\"publisher\"}},\"run\":[]}";

struct fixture {
    struct har_scenario *scenarios[2];
    struct har_library library;
    struct har_mutants mutants;
    struct har_cases cases;
};

static struct har_scenario *scenario_of(const char *id, const char *catches)
{
    char text[400];
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    (void)snprintf(text, sizeof(text), scenario_text, catches);
    struct har_scenario *scenario = har_scenario_parse(sl_span_str(text), "x.json", id, problems);
    assert_non_null(scenario);
    sl_free(problems);
    return scenario;
}

static void set_up_wish(struct fixture *fixture, const struct har_wish *wish)
{
    *fixture = (struct fixture){0};
    fixture->scenarios[0] = scenario_of("a/one", "[\"late\",\"twice\"]");
    fixture->scenarios[1] = scenario_of("b/two", "[\"late\"]");
    fixture->library.scenarios = fixture->scenarios;
    fixture->library.count = 2;
    assert_int_equal(
        har_mutants_read(
            &fixture->mutants,
            sl_span_str(
                "late\tgrpc,h2\tSUB-04,SUB-02\ntwice\tgrpc\tSUB-01\nunclaimed\th2\tFLOW-01\n"
                "answers-nothing\th2\tRES-02\n"),
            NULL),
        SL_OK);
    har_cases_plan(&fixture->cases, &fixture->library, &fixture->mutants, wish);
}

/* Those that are named, on one front end: each scenario has one clean run. */
static void set_up(struct fixture *fixture, const char *scenario_glob, const char *mutant_glob)
{
    const struct har_wish wish = {
        .scenario = scenario_glob, .mutant = mutant_glob, .frontend = HAR_FRONTEND_GRPC, .seed = 1};
    set_up_wish(fixture, &wish);
}

static void tear_down(struct fixture *fixture)
{
    har_cases_release(&fixture->cases);
    har_mutants_release(&fixture->mutants);
    har_scenario_free(fixture->scenarios[0]);
    har_scenario_free(fixture->scenarios[1]);
}

/* Judges a case by the text of a report. */
static enum sl_status judge_by(struct har_case *item, const char *text)
{
    json_t *report = json_loads(text, 0, NULL);
    enum sl_status status = har_case_judge(item, report);
    json_decref(report);
    return status;
}

/* Judges case i by a report of this verdict, with a failure by rule; the run has played another scenario before. */
static void judge(struct fixture *fixture, size_t i, const char *verdict, const char *rule)
{
    char report[300];
    assert_true(i < fixture->cases.count);
    (void)snprintf(report, sizeof(report),
                   "{\"results\":[{\"id\":\"another\",\"verdict\":\"skip\",\"reason\":\"r\"},"
                   "{\"id\":\"%s\",\"verdict\":\"%s\",\"reason\":\"r\",\"failures\":[%s%s%s]}]}",
                   fixture->cases.items[i].scenario->id, verdict,
                   rule == NULL ? "" : "{\"rule\":\"", rule == NULL ? "" : rule,
                   rule == NULL ? "" : "\"}");
    assert_int_equal(judge_by(&fixture->cases.items[i], report), SL_OK);
    fixture->cases.items[i].is_done = true;
}

/* What a right matrix has; "unclaimed" is not caught by it, nor is the server that does nothing. */
static void judge_all_well(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->cases.count; i++) {
        const struct har_case *item = &fixture->cases.items[i];
        bool is_claimed = item->kind == HAR_CASE_CLAIMED;
        bool must_pass = item->kind == HAR_CASE_CLEAN || item->kind == HAR_CASE_DRAWN;
        judge(fixture, i, must_pass ? "pass" : "fail",
              is_claimed  ? strcmp(item->mutant_name, "late") == 0 ? "SUB-04" : "SUB-01"
              : must_pass ? NULL
                          : "RES-02");
    }
}

static unsigned count_of(const struct fixture *fixture, enum har_case_kind kind)
{
    unsigned count = 0;
    for (size_t i = 0; i < fixture->cases.count; i++) {
        count += fixture->cases.items[i].kind == kind;
    }
    return count;
}

static int status_of(const struct fixture *fixture)
{
    struct har_selftest_totals totals = har_cases_count(&fixture->cases, &fixture->mutants);
    return har_selftest_status(&totals);
}

static void the_list_of_wrong_servers_is_read_or_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "name\n",
                                      "name\tgrpc\n",
                                      "name\tgrpc\t\n",
                                      "\tgrpc\tSUB-01\n",
                                      "good\tgrpc\tSUB-01\nbad\n"};
    (void)state;
    struct har_mutants mutants;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sl_error error = {0};
        assert_int_equal(har_mutants_read(&mutants, sl_span_str(bad[i]), &error), SL_MALFORMED);
        assert_true(error.text[0] != '\0');
        har_mutants_release(&mutants);
    }
    assert_int_equal(har_mutants_read(&mutants, sl_span_str("a\tgrpc,h2\tSUB-01"), NULL), SL_OK);
    assert_int_equal(mutants.count, 1);
    assert_string_equal(mutants.items[0].name, "a");
    assert_string_equal(mutants.items[0].frontend, "grpc");
    assert_string_equal(mutants.items[0].rules, "SUB-01");
    har_mutants_release(&mutants);
}

static void a_rule_is_broken_when_it_is_one_of_those_that_are_listed(void **state)
{
    (void)state;
    struct har_mutant mutant = {.rules = (char[]){"SUB-04,SUB-11,RES-02"}};
    assert_true(har_mutant_breaks(&mutant, "SUB-04"));
    assert_true(har_mutant_breaks(&mutant, "SUB-11"));
    assert_true(har_mutant_breaks(&mutant, "RES-02"));
    assert_false(har_mutant_breaks(&mutant, "SUB-1"));
    assert_false(har_mutant_breaks(&mutant, "SUB-04,SUB-11"));
    assert_false(har_mutant_breaks(&mutant, ""));
    assert_true(har_mutant_is_for(&mutant, "SUB-04"));
    assert_false(har_mutant_is_for(&mutant, "SUB-0"));
    assert_false(har_mutant_is_for(&mutant, "SUB-11"));
}

static void a_wrong_server_that_no_scenario_claims_is_expected_and_not_caught(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, NULL);
    judge_all_well(&fixture);
    struct har_selftest_totals totals = har_cases_count(&fixture.cases, &fixture.mutants);
    assert_int_equal(totals.expected, 4);
    assert_int_equal(totals.caught, 3); /* what does nothing is caught by its idle runs */
    assert_int_equal(har_selftest_status(&totals), 1);
    tear_down(&fixture);
}

static void all_is_clean_claimed_drawn_and_idle(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct har_wish wish = {.seed = 7};
    set_up_wish(&fixture, &wish);
    assert_int_equal(count_of(&fixture, HAR_CASE_CLEAN), 4); /* both scenarios on both front ends */
    assert_int_equal(count_of(&fixture, HAR_CASE_CLAIMED), 3);
    /* "late" is named by both; "twice" by one; the others by none. */
    assert_int_equal(count_of(&fixture, HAR_CASE_DRAWN), 0 + 1 + 2 + 2);
    assert_int_equal(count_of(&fixture, HAR_CASE_IDLE), 2);
    tear_down(&fixture);
}

static void a_list_without_a_server_that_does_nothing_proves_too_little(void **state)
{
    (void)state;
    const struct har_selftest_totals all = {.clean = 1, .expected = 1, .caught = 1, .runs = 1};
    struct har_selftest_totals missing = all;
    missing.is_idle_missing = true;
    assert_int_equal(har_selftest_status(&all), 0);
    assert_int_equal(har_selftest_status(&missing), 1);
}

static void globs_choose_cases_and_what_is_expected(void **state)
{
    (void)state;
    static const struct {
        const char *scenario, *mutant;
        size_t cases; /* but those that are drawn */
        unsigned expected;
    } rows[] = {
        {"a/*", NULL, 3, 2},    {"b/*", NULL, 2, 1},       {NULL, "late", 4, 1},
        {"a/*", "twice", 2, 1}, {"b/*", "twice", 0, 0},    {NULL, "unclaimed", 0, 1},
        {"none", NULL, 0, 0},   {NULL, "answers-*", 2, 1}, {"b/*", "answers-*", 1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture fixture;
        set_up(&fixture, rows[i].scenario, rows[i].mutant);
        struct har_selftest_totals totals = har_cases_count(&fixture.cases, &fixture.mutants);
        assert_int_equal(fixture.cases.count - count_of(&fixture, HAR_CASE_DRAWN), rows[i].cases);
        assert_int_equal(totals.expected, rows[i].expected);
        assert_int_equal(har_selftest_status(&totals), fixture.cases.count == 0 ? 4 : 3);
        tear_down(&fixture);
    }
}

static void a_seed_draws_the_same_part_each_time(void **state)
{
    (void)state;
    unsigned different = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct fixture first;
        struct fixture second;
        const struct har_wish wish = {.seed = seed, .one_in = 2};
        set_up_wish(&first, &wish);
        set_up_wish(&second, &wish);
        struct har_selftest_totals totals = har_cases_count(&first.cases, &first.mutants);
        assert_int_equal(totals.expected, 2);
        assert_int_equal(totals.clean, 2);
        assert_int_equal(first.cases.count, second.cases.count);
        for (size_t i = 0; i < first.mutants.count; i++) {
            assert_int_equal(first.mutants.items[i].is_expected,
                             second.mutants.items[i].is_expected);
        }
        different += first.mutants.items[0].is_expected;
        tear_down(&first);
        tear_down(&second);
    }
    assert_in_range(different, 1, 19);
}

static void a_server_that_does_nothing_passes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *verdict;
        int status;
        unsigned vacuous;
    } rows[] = {{"fail", 0, 0}, {"skip", 0, 0}, {"inconclusive", 0, 0}, {"pass", 1, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture fixture;
        set_up(&fixture, "b/*", "answers-nothing");
        judge(&fixture, 0, rows[i].verdict, "RES-02");
        struct har_selftest_totals totals = har_cases_count(&fixture.cases, &fixture.mutants);
        assert_int_equal(har_selftest_status(&totals), rows[i].status);
        assert_int_equal(totals.vacuous, rows[i].vacuous);
        tear_down(&fixture);
    }
}

static void what_is_drawn_is_told_and_not_asked_for(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"pass", "fail", "skip"};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        struct fixture fixture;
        set_up(&fixture, NULL, "twice");
        judge_all_well(&fixture);
        assert_int_equal(count_of(&fixture, HAR_CASE_DRAWN), 1);
        judge(&fixture, fixture.cases.count - 1, verdicts[i], "SUB-01");
        assert_int_equal(status_of(&fixture), 0);
        tear_down(&fixture);
    }
}

static void only_a_failure_by_a_rule_that_is_broken_counts(void **state)
{
    (void)state;
    static const struct {
        size_t index;
        const char *verdict, *rule;
        int status;
    } rows[] = {
        {0, "pass", NULL, 0},         {0, "skip", NULL, 0},     {0, "fail", "SUB-01", 1},
        {0, "inconclusive", NULL, 3}, {1, "pass", NULL, 1},     {1, "skip", NULL, 1},
        {1, "inconclusive", NULL, 3}, {1, "fail", "RES-02", 1}, {1, "fail", "SUB-01", 1},
        {1, "fail", "SUB-04", 0},     {1, "fail", "SUB-02", 0}, {2, "fail", "SUB-04", 1},
        {1, "fail", NULL, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture fixture;
        set_up(&fixture, "a/*", NULL);
        judge(&fixture, 0, "pass", NULL);
        judge(&fixture, 1, "fail", "SUB-04");
        judge(&fixture, 2, "fail", "SUB-01");
        assert_int_equal(status_of(&fixture), 0);
        fixture.mutants.items[0].is_caught = fixture.mutants.items[1].is_caught = false;
        judge(&fixture, 1, "fail", "SUB-04");
        judge(&fixture, 2, "fail", "SUB-01");
        if (rows[i].index > 0) {
            fixture.mutants.items[rows[i].index - 1].is_caught = false;
        }
        judge(&fixture, rows[i].index, rows[i].verdict, rows[i].rule);
        assert_int_equal(status_of(&fixture), rows[i].status);
        tear_down(&fixture);
    }
}

static void a_pass_that_a_busy_machine_may_have_made_is_no_survivor(void **state)
{
    static const struct {
        size_t index; /* 0: clean; 1: a wrong server that is named */
        bool is_alone;
        const char *plays, *hiccup;
        enum har_outcome outcome;
    } rows[] = {
        {1, false, "1", "{\"p99\":9,\"max\":900}", HAR_PASS},
        {1, false, "2", "{\"p99\":0.1,\"max\":2}", HAR_INCONCLUSIVE},
        {1, true, "1", "{\"p99\":0.1,\"max\":2}", HAR_PASS},
        {1, true, "1", "{\"p99\":0.1,\"max\":30}", HAR_INCONCLUSIVE},
        {1, true, "1", "{\"p99\":3,\"max\":5}", HAR_INCONCLUSIVE},
        {0, true, "2", "{\"p99\":9,\"max\":900}", HAR_PASS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture fixture;
        char report[300];
        set_up(&fixture, "a/*", NULL);
        fixture.scenarios[0]->is_alone = rows[i].is_alone;
        (void)snprintf(report, sizeof(report),
                       "{\"hiccup_ms\":%s,\"results\":[{\"id\":\"a/one\",\"verdict\":\"pass\","
                       "\"reason\":\"r\",\"plays\":%s}]}",
                       rows[i].hiccup, rows[i].plays);
        struct har_case *item = &fixture.cases.items[rows[i].index];
        assert_int_equal(judge_by(item, report), SL_OK);
        assert_int_equal(item->outcome, rows[i].outcome);
        assert_int_equal(item->is_good, rows[i].index == 0);
        tear_down(&fixture);
    }
}

static void a_case_that_was_never_run_is_no_success(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture, "a/*", NULL);
    assert_int_equal(status_of(&fixture), 3);
    tear_down(&fixture);
}

static void what_is_no_report_is_not_believed(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"results\":[]}",
        "{\"results\":[{}]}",
        "{\"results\":[{\"id\":\"a/one\",\"verdict\":\"pass\"}]}",
        "{\"results\":[{\"verdict\":\"pass\",\"reason\":\"r\"}]}",
        "{\"results\":[{\"id\":\"b/two\",\"verdict\":\"pass\",\"reason\":\"r\"}]}",
        "{\"results\":[{\"id\":\"a/one\",\"verdict\":1,\"reason\":\"r\"}]}"};
    (void)state;
    struct fixture fixture;
    set_up(&fixture, NULL, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(judge_by(&fixture.cases.items[0], bad[i]), SL_MALFORMED);
        assert_false(fixture.cases.items[0].is_good);
    }
    tear_down(&fixture);
}

static struct har_matrix matrix_of(const struct fixture *fixture)
{
    static const struct har_wish wish = {.seed = 1};
    return (struct har_matrix){
        .cases = &fixture->cases, .mutants = &fixture->mutants, .wish = &wish};
}

static void the_page_has_a_line_for_each_wrong_server(void **state)
{
    (void)state;
    struct fixture fixture;
    struct sl_buf text;
    sl_buf_init(&text, 100000);
    set_up(&fixture, NULL, NULL);
    judge_all_well(&fixture);
    judge(&fixture, 1, "fail", "RES-02");
    const struct har_matrix matrix = matrix_of(&fixture);
    har_selftest_md(&matrix, &text);
    const char *page = sl_buf_str(&text);
    assert_non_null(strstr(page, ", seed 1: "));
    assert_non_null(
        strstr(page, "| late | grpc | SUB-04,SUB-02 | a/one: MISTAKEN, b/two: SUB-04 |"));
    assert_non_null(strstr(page, "| unclaimed | h2 | FLOW-01 |  |"));
    assert_non_null(strstr(page,
                           "| answers-nothing | h2 | RES-02 | its idle runs, 2 of 2 by a rule "
                           "that it breaks |"));
    assert_non_null(strstr(page, "| of the survivors failed by another rule | 1 |"));
    sl_buf_release(&text);
    tear_down(&fixture);
}

static void the_json_matrix_names_what_was_not_caught(void **state)
{
    (void)state;
    struct fixture fixture;
    struct sl_buf text;
    sl_buf_init(&text, 100000);
    set_up(&fixture, NULL, NULL);
    judge_all_well(&fixture);
    const struct har_matrix matrix = matrix_of(&fixture);
    har_selftest_json(&matrix, &text);
    json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "schema")), "sluice.selftest/1");
    assert_int_equal(json_integer_value(json_object_get(root, "expected")), 4);
    assert_int_equal(json_array_size(json_object_get(root, "results")), 3);
    assert_int_equal(json_array_size(json_object_get(root, "clean")), 2);
    const json_t *result = json_array_get(json_object_get(root, "results"), 1);
    assert_string_equal(json_string_value(json_object_get(result, "mutant")), "twice");
    assert_string_equal(json_string_value(json_object_get(result, "verdict")), "fail");
    assert_string_equal(json_string_value(json_object_get(result, "rule")), "SUB-01");
    const json_t *uncaught = json_object_get(root, "uncaught");
    assert_int_equal(json_array_size(uncaught), 1);
    assert_string_equal(json_string_value(json_array_get(uncaught, 0)), "unclaimed");
    json_decref(root);
    sl_buf_release(&text);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_of_wrong_servers_is_read_or_refused),
        cmocka_unit_test(a_rule_is_broken_when_it_is_one_of_those_that_are_listed),
        cmocka_unit_test(all_is_clean_claimed_drawn_and_idle),
        cmocka_unit_test(a_list_without_a_server_that_does_nothing_proves_too_little),
        cmocka_unit_test(a_seed_draws_the_same_part_each_time),
        cmocka_unit_test(a_server_that_does_nothing_passes_nothing),
        cmocka_unit_test(what_is_drawn_is_told_and_not_asked_for),
        cmocka_unit_test(the_page_has_a_line_for_each_wrong_server),
        cmocka_unit_test(a_wrong_server_that_no_scenario_claims_is_expected_and_not_caught),
        cmocka_unit_test(globs_choose_cases_and_what_is_expected),
        cmocka_unit_test(only_a_failure_by_a_rule_that_is_broken_counts),
        cmocka_unit_test(a_pass_that_a_busy_machine_may_have_made_is_no_survivor),
        cmocka_unit_test(a_case_that_was_never_run_is_no_success),
        cmocka_unit_test(what_is_no_report_is_not_believed),
        cmocka_unit_test(the_json_matrix_names_what_was_not_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
