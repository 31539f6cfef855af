/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/needs.h"

#include "harness/binding/load.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static struct har_binding health;

static int load_health(void **state)
{
    (void)state;
    bool is_chat = true;
    return har_binding_load("health", &health, &is_chat, NULL) == SL_OK ? 0 : -1;
}

static int release_health(void **state)
{
    (void)state;
    har_binding_release(&health);
    return 0;
}

/* A scenario of this one step of `raw`, with `sub` and `talk` beside it. */
static struct har_scenario *scenario(const char *run, const char *expect)
{
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    char *text = sl_asprintf(
        "{\"title\": \"t\", \"why\": \"w\", \"rules\": [\"RES-02\"], \"level\": \"M\", "
        "\"seconds\": 9, "
        "\"actors\": {\"raw\": {\"kind\": \"raw\"}, \"pub\": {\"kind\": \"publisher\"}, "
        "\"sub\": {\"kind\": \"subscriber\"}}, \"run\": [%s], \"expect\": [%s]}",
        run, expect);
    struct har_scenario *parsed = har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
    if (parsed == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
    }
    sl_free(problems);
    sl_free(text);
    return parsed;
}

struct derived {
    const char *run, *expect;
    unsigned needs;
    const char *says; /* by health; NULL: it runs */
};
#define FRAMES(inner) "{\"raw\": {\"raw_frames\": {" inner "}}}"
#define HEAD(role)    "{\"type\": \"HEADERS\", \"request\": \"" role "\"}"

static void needs_follow_from_what_is_done(void **state)
{
    (void)state;
    static const struct derived cases[] = {
        {FRAMES("\"frames\": [" HEAD("unary") "]"), "", HAR_BIT(HAR_BOUND_UNARY), NULL},
        {FRAMES("\"frames\": [" HEAD("SendMessage") "]"), "", HAR_BIT(HAR_BOUND_UNARY), NULL},
        {FRAMES("\"frames\": [" HEAD("/no.Such/Method") "]"), "", 0, NULL},
        {FRAMES("\"frames\": [" HEAD("bidi") "]"), "", HAR_BIT(HAR_BOUND_BIDI),
         "needs a bidi method ($.run[0]); the binding health has none"},
        {FRAMES("\"body\": \"subscription\", \"frames\": [" HEAD("server_stream") "]"), "",
         HAR_BIT(HAR_BOUND_SERVER_STREAM), NULL},
        {"{\"sub\": {\"subscribe\": {}}}, {\"await\": \"received(sub) >= 1\"}", "",
         HAR_BIT(HAR_BOUND_SERVER_STREAM) | HAR_BIT(HAR_BOUND_FEED),
         "messages the scenario causes"},
        {"{\"sub\": {\"subscribe\": {}}}, {\"await\": \"received(sub) >= 1 * is_fed\"}", "",
         HAR_BIT(HAR_BOUND_SERVER_STREAM), NULL},
        {"{\"pub\": {\"send\": {\"count\": 1}}}", "", HAR_BIT(HAR_BOUND_UNARY), NULL},
        {"{\"pub\": {\"send\": {\"size\": 100}}}", "",
         HAR_BIT(HAR_BOUND_UNARY) | HAR_BIT(HAR_BOUND_SIZE), NULL},
        {"{\"pub\": {\"send\": {\"message\": {\"room\": \"x\"}}}}", "",
         HAR_BIT(HAR_BOUND_UNARY) | HAR_BIT(HAR_BOUND_CHAT),
         "needs the service chat.v1 ($.run[0])"},
        {"{\"raw\": {\"call\": {\"method\": \"unary\"}}}", "", HAR_BIT(HAR_BOUND_UNARY), NULL},
        {"{\"sub\": {\"subscribe\": {}}}", "{\"delivered\": \"all\", \"of\": \"sub\"}",
         HAR_BIT(HAR_BOUND_SERVER_STREAM) | HAR_BIT(HAR_BOUND_CHAT), "($.expect[0])"},
        {FRAMES("\"frames\": [" HEAD("unary") "]") ", {\"await\": \"data_bytes(raw) == 7\"}", "",
         HAR_BIT(HAR_BOUND_UNARY) | HAR_BIT(HAR_BOUND_REPLY), NULL},
        {FRAMES("\"frames\": [" HEAD("unary") "]") ", {\"await\": \"data_bytes(raw) >= 8\"}", "",
         HAR_BIT(HAR_BOUND_UNARY) | HAR_BIT(HAR_BOUND_REPLY), "an answer of so many bytes (8)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_scenario *parsed = scenario(cases[i].run, cases[i].expect);
        struct har_bound_needs needs;
        char reason[HAR_REASON_MAX] = "";
        har_bound_needs(parsed, &needs);
        bool is_fit = har_binding_fits(&health, parsed, reason);
        bool is_right =
            is_fit == (cases[i].says == NULL) && (is_fit || strstr(reason, cases[i].says) != NULL);
        if (needs.mask != cases[i].needs || !is_right) {
            fail_msg("case %zu: needs %x, wanted %x; %s", i, needs.mask, cases[i].needs, reason);
        }
        assert_true(har_binding_fits(NULL, parsed, reason));
        har_scenario_free(parsed);
    }
}

/* What docs/HARNESS.md promises: a server that has only health is judged by at least half of them. */
static void health_alone_checks_half_of_the_rules(void **state)
{
    (void)state;
    struct har_library library;
    assert_int_equal(har_library_load(&library, SLUICE_SCENARIO_FOLDER, NULL), SL_OK);
    struct har_binding_coverage coverage = har_binding_cover(&health, &library);
    print_message("%zu of %zu rules of level M over Check and Watch\n", coverage.checked,
                  coverage.rules);
    assert_true(coverage.rules >= 70);
    assert_true(coverage.checked * 2 >= coverage.rules);
    har_library_release(&library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_follow_from_what_is_done),
        cmocka_unit_test(health_alone_checks_half_of_the_rules),
    };
    return cmocka_run_group_tests(tests, load_health, release_health);
}
