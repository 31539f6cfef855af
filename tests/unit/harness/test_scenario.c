/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/library.h"
#include "harness/scenario/lines.h"
#include "harness/scenario/parse.h"
#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

#define HEAD \
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,\n"
#define ACTORS                                                                                   \
    "\"actors\":{\"pub\":{\"kind\":\"publisher\"},\n\"sub\":{\"kind\":\"subscriber\",\"n\":\"2*" \
    "B\"}},\n"

static struct har_scenario *parse(const char *text, struct har_problems *problems)
{
    return har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
}

static void reads_a_scenario(void **state)
{
    (void)state;
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_scenario *scenario = parse(
        HEAD ACTORS "\"let\":{\"L\":100,\"M\":\"2*L\"},"
                    "\"run\":[{\"sub\":{\"subscribe\":{}}},{\"phase\":\"one\",\"do\":["
                    "{\"pub\":{\"send\":{\"count\":\"M\",\"message\":{\"text\":\"a\\u0000b\"}}}}]},"
                    "{\"parallel\":[{\"mark\":\"m\"},[{\"mark\":\"n\"},{\"quiesce\":true}]]}],"
                    "\"expect\":[{\"delivered\":\"all\",\"of\":\"sub\",\"phase\":\"one\"}]}",
        problems);
    if (scenario == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
        return;
    }
    assert_int_equal(scenario->actor_count, 2);
    assert_int_equal(scenario->run_count, 3);
    assert_string_equal(scenario->run[1].type->name, "phase");
    assert_int_equal(scenario->run[1].child_count, 1);
    assert_string_equal(scenario->run[1].children[0].path, "$.run[1].do[0]");
    assert_int_equal(scenario->run[2].children[1].child_count, 2);
    assert_int_equal(scenario->check_count, 1);
    assert_int_equal(har_phase_index(scenario, "one"), 0);
    har_scenario_free(scenario);
    sl_free(problems);
}

static void tells_path_line_and_the_nearest_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
        size_t line;
        const char *part;
    } cases[] = {
        {"{", "$", 1, "not valid JSON"},
        {"[]", "$", 1, "must be an object"},
        {HEAD ACTORS "\"run\":[],\n\"expcet\":[]}", "$.expcet", 5, "did you mean 'expect'"},
        {HEAD ACTORS "\"run\":[\n{\"pub\":{\"send\":{\"cuont\":1}}}]}", "$.run[0].pub.send.cuont",
         5, "did you mean 'count'"},
        {HEAD ACTORS "\"run\":[{\"pub\":{\"sned\":{}}}]}", "$.run[0].pub.sned", 4,
         "did you mean 'send'"},
        {HEAD ACTORS "\"run\":[{\"nobody\":{\"send\":{}}}]}", "$.run[0].nobody", 4,
         "neither an actor nor a step"},
        {HEAD ACTORS "\"run\":[{\"sub\":{\"send\":{}}}]}", "$.run[0].sub.send", 4,
         "a subscriber cannot send"},
        {HEAD ACTORS "\"run\":[{\"await\":\"recieved(sub) > 1\"}]}", "$.run[0].await", 4,
         "did you mean 'received'"},
        {HEAD ACTORS "\"run\":[{\"await\":\"received(bus) > 1\"}]}", "$.run[0].await", 4,
         "'received(bus)' is not known"},
        {HEAD ACTORS "\"run\":[],\"expect\":[{\"delivered\":\"some\",\"of\":\"sub\"}]}",
         "$.expect[0].delivered", 4, "is none of all"},
        {HEAD ACTORS "\"run\":[],\"expect\":[{\"fifo\":true,\"of\":\"bus\"}]}", "$.expect[0].of", 4,
         "no actor 'bus'"},
        {HEAD ACTORS "\"run\":[],\"expect\":[{\"of\":\"sub\"}]}", "$.expect[0]", 4,
         "none of its keys names a check"},
        {HEAD ACTORS "\"run\":[],\"needs\":[\"redy\"]}", "$.needs", 4, "no capability"},
        {HEAD "\"actors\":{\"a\":{\"kind\":\"publisher\",\"room\":\"{rom}\"}},\"run\":[]}",
         "$.actors.a.room", 2, "must begin {room} or {i}"},
        {HEAD "\"actors\":{\"a\":{\"kind\":\"subscriber\",\"transport\":\"grpc\",\"credit\":"
              "\"manual\"}},\"run\":[]}",
         "$.actors.a", 2, "needs the transport h2"},
        {HEAD ACTORS "\"run\":[{\"pub\":{\"send\":{\"count\":true}}}]}", "$.run[0].pub.send.count",
         4, "a number or an expression"},
        {HEAD "\"run\":[]}", "$", 1, "'actors' is missing"},
    };
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(parse(cases[i].text, problems));
        const struct har_problem *problem = &problems->items[0];
        if (strcmp(problem->path, cases[i].path) != 0 || problem->line != cases[i].line ||
            strstr(problem->text, cases[i].part) == NULL) {
            fail_msg("case %zu: %s line %zu: %s", i, problem->path, problem->line, problem->text);
        }
    }
    sl_free(problems);
}

static void survives_every_cut_of_a_scenario(void **state)
{
    (void)state;
    static const char text[] = HEAD ACTORS
        "\"run\":[{\"sub\":{\"subscribe\":{}}},{\"repeat\":3,\"do\":[{\"pub\":{\"send\":{}}}"
        "]}],\"expect\":[{\"rate_max\":\"B/2\",\"of\":\"sub\",\"why\":\"x\"}]}";
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        assert_null(har_scenario_parse(sl_span(text, len), "x.json", "x", problems));
        assert_true(problems->count > 0);
    }
    struct har_scenario *scenario = parse(text, problems);
    assert_non_null(scenario);
    har_scenario_free(scenario);
    sl_free(problems);
}

static void finds_the_line_of_a_path(void **state)
{
    (void)state;
    struct sl_span text = sl_span_str("{\"a\": [1,\n {\"b\":\n \"x\\\"]\"},\n3]}");
    assert_int_equal(har_json_line(text, "$", false), 1);
    assert_int_equal(har_json_line(text, "$.a[1]", false), 2);
    assert_int_equal(har_json_line(text, "$.a[1].b", true), 2);
    assert_int_equal(har_json_line(text, "$.a[1].b", false), 3);
    assert_int_equal(har_json_line(text, "$.a[2]", false), 4);
    assert_int_equal(har_json_line(text, "$.c", false), 0);
}

static void a_glob_crosses_slashes(void **state)
{
    (void)state;
    assert_true(har_glob("*", "a/b"));
    assert_true(har_glob("a*d", "a/b/c/d"));
    assert_true(har_glob("contract/*", "contract/x"));
    assert_true(har_glob("a?c", "abc"));
    assert_false(har_glob("a", "ab"));
    assert_false(har_glob("*b", "abc"));
    assert_true(har_glob("*a*a*", "banana"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_scenario),
        cmocka_unit_test(tells_path_line_and_the_nearest_key),
        cmocka_unit_test(survives_every_cut_of_a_scenario),
        cmocka_unit_test(finds_the_line_of_a_path),
        cmocka_unit_test(a_glob_crosses_slashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
