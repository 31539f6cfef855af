/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/phrase.h"

#include "harness/checks/check.h"
#include "harness/explain/narrate.h"
#include "harness/scenario/actor_fields.h"
#include "harness/steps/step.h"
#include "tests/support/cmocka_all.h"

static const char *const elsewhere[] = {"rule", NULL};

static void templates_say_what_the_keys_say(void **state)
{
    (void)state;
    static const struct {
        const char *template, *json, *wanted;
        bool is_plural;
    } cases[] = {
        {"send[s/] {count:% messages}", "{\"count\":5}", "sends 5 messages", false},
        {"send[s/] {count:% messages}", "{\"count\":\"2*B\"}", "send 2*B messages", true},
        {"{a:is %|is not there}", "{}", "is not there", false},
        {"x{a=1: one| many %}", "{\"a\":1}", "x one", false},
        {"x{a=1: one| many %}", "{\"a\":2}", "x many 2", false},
        {"x{a=1: one| many %}", "{}", "x", false},
        {"x{a.b: %}", "{\"a\":{\"b\":[1,2]}}", "x 1, 2", false},
        {"x{!a,b: none}", "{\"c\":true}", "x none; c yes", false},
        {"x{!a,b: none}{a:}", "{\"a\":true}", "x", false},
        {"{for:%t}", "{\"for\":\"5s\"}", "5s", false},
        {"{for:%t}", "{\"for\":250}", "250 ms", false},
        {"{for:%t}", "{\"for\":\"5*S\"}", "5*S ms", false},
        {"{of:%~}", "{\"of\":[\"B\",\"B + 1\"]}", "B to B + 1", false},
        {"{of:%~}", "{\"of\":3}", "exactly 3", false},
        {"x", "{\"frames\":[{\"type\":\"PING\",\"opaque\":7}],\"rule\":\"X-1\"}",
         "x; frames PING (opaque 7)", false},
        {"{h:%w}", "{\"h\":\"received(a,b) >= 3 && open(c) == 1\"}",
         "the number of messages that a and b received is at least 3 and the number of open "
         "streams of c is 1",
         false},
        /* What is broken in a template or a file is shown, and breaks nothing. */
        {"x{a", "{\"b\":null}", "x; b null", false},
        {"{h:%w}", "{\"h\":\"received(\"}", "received(", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf out;
        sl_buf_init(&out, 4096);
        json_t *args = json_loads(cases[i].json, 0, NULL);
        assert_non_null(args);
        har_phrase_add(&out, cases[i].template, args, cases[i].is_plural, elsewhere);
        assert_string_equal(sl_buf_str(&out), cases[i].wanted);
        json_decref(args);
        sl_buf_release(&out);
    }
}

static void a_long_value_is_cut_between_characters(void **state)
{
    (void)state;
    char text[1001];
    for (size_t i = 0; i < 1000; i += 2) {
        text[i] = '\xc3';
        text[i + 1] = '\xa4';
    }
    text[1000] = '\0';
    struct sl_buf out;
    sl_buf_init(&out, 4096);
    json_t *value = json_pack("{s:s}", "k", text);
    har_phrase_value(&out, value);
    assert_true(out.len < 400);
    assert_int_equal((uint8_t)sl_buf_str(&out)[out.len - 4], 0xa4);
    json_decref(value);
    sl_buf_release(&out);
}

static void every_step_check_and_kind_has_words(void **state)
{
    (void)state;
    size_t count = 0;
    const struct har_step_type *const *steps = har_step_types(&count);
    for (size_t i = 0; i < count; i++) {
        if (har_narrate_step(steps[i]->name) == NULL) {
            fail_msg("harness/explain/phrases.def has no STEP(%s, ...)", steps[i]->name);
        }
    }
    const struct har_check_type *const *checks = har_check_types(&count);
    for (size_t i = 0; i < count; i++) {
        if (har_narrate_check(checks[i]->name) == NULL) {
            fail_msg("harness/explain/phrases.def has no CHECK(%s, ...)", checks[i]->name);
        }
    }
    for (size_t i = 0; har_kind_names[i] != NULL; i++) {
        if (har_narrate_actor(har_kind_names[i]) == NULL) {
            fail_msg("harness/explain/phrases.def has no ACTOR(%s, ...)", har_kind_names[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_say_what_the_keys_say),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(every_step_check_and_kind_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
