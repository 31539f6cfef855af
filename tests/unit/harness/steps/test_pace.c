/* SPDX-License-Identifier: Apache-2.0 */
/* How many messages are issued, when, and how many at a time. The times lie far in the past or in the future of the
 * clock, so that nothing depends on how fast the test runs. */
#include "harness/steps/pace.h"

#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    ISSUED_MAX = 64,
};
static const struct har_field fields[] = {HAR_PACE_ROWS(0)};

/* One actor and a step of it. */
struct stage {
    struct har_scenario scenario;
    struct har_actor_spec spec;
    struct har_play play;
    struct har_actor actor;
    struct har_node node;
    struct har_step step;
    json_t *json;
    struct har_arena arena;
    struct har_pace_args args;
    struct har_pace pace;
    struct har_due dues[ISSUED_MAX];
    uint32_t issued, unanswered,
        answer_each; /* answer_each: a message is answered when it is issued */
};

static struct stage *stage; /* of the test that runs */
static const char *rules[] = {"SEND-01"};
static char id[] = "test/pace";

static void issue(struct har_step *step, struct har_actor *actor, struct har_progress *progress,
                  struct har_due due)
{
    assert_ptr_equal(step, &stage->step);
    assert_ptr_equal(actor, &stage->actor);
    assert_int_equal(progress->issued, stage->issued + 1);
    if (stage->issued < ISSUED_MAX) {
        stage->dues[stage->issued] = due;
    }
    stage->issued++;
    stage->unanswered += stage->answer_each == 0;
}

static uint32_t outstanding(const struct har_actor *actor, struct har_progress *progress)
{
    (void)actor;
    (void)progress;
    return stage->unanswered;
}

/* NULL, or what is wrong with the keys. */
static const char *enter(const char *text, uint64_t begin_ns)
{
    stage = sl_alloc(sizeof(*stage));
    stage->scenario.id = id;
    stage->scenario.rules = (struct har_strings){rules, 1};
    stage->play.scenario = &stage->scenario;
    stage->play.is_judging = true; /* a mistake is noted and wakes no loop: there is none */
    stage->play.actors = &stage->actor;
    stage->play.actor_count = 1;
    stage->play.wake_ns = UINT64_MAX;
    stage->actor.number = 1;
    stage->actor.play = &stage->play;
    stage->actor.spec = &stage->spec;
    stage->spec.name = "pub";
    stage->node = (struct har_node){.who = 1, .path = "$"};
    stage->step =
        (struct har_step){.play = &stage->play, .node = &stage->node, .begin_ns = begin_ns};
    stage->step.track = har_track_new(&stage->play, NULL, NULL, 0, -1);
    stage->pace.issue = issue;
    stage->pace.outstanding = outstanding;
    stage->json = json_loads(text, 0, NULL);
    assert_non_null(stage->json);
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_reading reading = {sl_span_str(text), &stage->arena, problems};
    har_fields_read(&reading, stage->json, "$", fields, HAR_PACE_FIELDS, &stage->args);
    if (problems->count > 0) {
        fail_msg("%s: %s", text, problems->items[0].text);
    }
    sl_free(problems);
    return har_pace_problem(&stage->args);
}

static void leave(void)
{
    har_pace_release(&stage->pace);
    har_track_free(stage->step.track);
    har_arena_release(&stage->arena);
    json_decref(stage->json);
    sl_free(stage);
}

static bool begin(void)
{
    return har_pace_begin(&stage->step, &stage->args, false, &stage->pace);
}

static bool drive(void)
{
    return har_pace_drive(&stage->step, &stage->pace, &stage->actor);
}

static void keys_that_exclude_each_other_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *json, *problem; /* a part of it; NULL: none */
    } cases[] = {
        {"{}", NULL},
        {"{\"rate\":10,\"for\":\"1s\"}", NULL},
        {"{\"rate\":10,\"at\":{\"rate\":10}}", "exclude"},
        {"{\"at\":{\"rate\":10,\"poisson\":10}}", "one of its keys"},
        {"{\"at\":{\"step\":[1,2]}}", "need 'for'"},
        {"{\"at\":{\"step\":[1,2]},\"for\":\"1s\"}", NULL},
        {"{\"at\":{\"ramp\":[1]},\"for\":\"1s\"}", "[from, to]"},
        {"{\"at\":{\"ramp\":[1,2]}}", "need 'for'"},
        {"{\"loop\":\"open\",\"for\":\"1s\"}", "open loop"},
        {"{\"loop\":\"open\",\"for\":\"1s\",\"count\":3}", NULL},
        {"{\"loop\":\"open\",\"for\":\"1s\",\"rate\":3}", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *problem = enter(cases[i].json, 1);
        if ((problem == NULL) != (cases[i].problem == NULL) ||
            (problem != NULL && strstr(problem, cases[i].problem) == NULL)) {
            fail_msg("%s: %s", cases[i].json, problem == NULL ? "fine" : problem);
        }
        leave();
    }
}

static void a_load_that_cannot_be_is_a_mistake_of_the_scenario(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"count\":-1}",
        "{\"count\":1000001}",
        "{\"inflight\":0}",
        "{\"burst\":0,\"rate\":1}",
        "{\"burst\":-1,\"rate\":1}",
        "{\"at\":{\"poisson\":0}}",
        "{\"at\":{\"poisson\":-1}}",
        "{\"at\":{\"step\":[1,-1]},\"for\":\"1s\"}",
        "{\"at\":{\"replay\":[-1]}}",
        "{\"count\":\"1 / 0\"}",
        "{\"rate\":1,\"for\":-1}",
        "{\"rate\":1,\"for\":2e9}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(enter(cases[i], 1));
        (void)begin();
        if (!stage->play.is_mistaken) {
            fail_msg("%s", cases[i]);
        }
        leave();
    }
}

static void keys_become_a_count_a_loop_and_a_shape(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum har_load_shape shape;
        uint32_t count, inflight;
        bool is_open;
        uint64_t end_ns, deadline_ns; /* behind the begin; end 0: none */
    } cases[] = {
        {"{}", HAR_LOAD_AT_ONCE, 1, 1, false, 0, 0},
        {"{\"count\":7,\"inflight\":3}", HAR_LOAD_AT_ONCE, 7, 3, false, 0, 0},
        {"{\"count\":7,\"rate\":0}", HAR_LOAD_AT_ONCE, 7, 1, false, 0, 0},
        {"{\"rate\":5,\"for\":\"2s\"}", HAR_LOAD_EVEN, 1000000, 1, false, 2 * SL_SECOND,
         2 * SL_SECOND},
        {"{\"rate\":5,\"count\":4,\"for\":2000,\"loop\":\"open\"}", HAR_LOAD_EVEN, 4, 1, true,
         2 * SL_SECOND, 2 * SL_SECOND},
        {"{\"at\":{\"replay\":[1,2]}}", HAR_LOAD_REPLAY, 1000000, 1, false, 0, 0},
        {"{\"at\":{\"poisson\":5},\"count\":2}", HAR_LOAD_POISSON, 2, 1, false, 0, 0},
        {"{\"at\":{\"burst\":{\"n\":2,\"every_ms\":10}},\"count\":4}", HAR_LOAD_EVEN, 4, 1, false,
         0, 0},
        {"{\"at\":{\"step\":[1,2]},\"for\":\"1s\"}", HAR_LOAD_STEP, 1000000, 1, false, SL_SECOND,
         SL_SECOND},
        {"{\"at\":{\"ramp\":[1,2]},\"for\":\"1s\"}", HAR_LOAD_RAMP, 1000000, 1, false, SL_SECOND,
         SL_SECOND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(enter(cases[i].json, 1000));
        assert_true(begin());
        const struct har_pace *pace = &stage->pace;
        uint64_t end_ns = cases[i].end_ns == 0 ? UINT64_MAX : 1000 + cases[i].end_ns;
        if (pace->load.shape != cases[i].shape || pace->count != cases[i].count ||
            pace->inflight != cases[i].inflight || pace->is_open != cases[i].is_open ||
            pace->end_ns != end_ns || stage->step.deadline_ns != cases[i].deadline_ns) {
            fail_msg("%s: shape %d, %u messages, %u at a time", cases[i].json, pace->load.shape,
                     pace->count, pace->inflight);
        }
        leave();
    }
}

static void an_open_loop_issues_all_that_is_due_at_its_intended_times(void **state)
{
    (void)state;
    assert_null(enter("{\"rate\":10,\"burst\":2,\"count\":5,\"loop\":\"open\"}", 1));
    assert_true(begin());
    assert_true(drive());
    assert_int_equal(stage->issued, 5);
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t when_ns = 1 + i / 2 * 200 * SL_MS; /* so that ten a second stay ten a second */
        assert_true(stage->dues[i].intended_ns == when_ns);
        assert_true(stage->dues[i].due_ns == when_ns);
    }
    assert_true(drive());
    assert_int_equal(stage->issued, 5);
    leave();
}

static void a_closed_loop_holds_what_is_due_until_there_is_an_answer(void **state)
{
    (void)state;
    uint64_t replied_ns = 5 * SL_SECOND;
    assert_null(enter("{\"rate\":10,\"count\":3,\"inflight\":2}", 1));
    assert_true(begin());
    assert_false(drive());
    assert_int_equal(stage->issued, 2);
    assert_true(stage->play.wake_ns == UINT64_MAX); /* an answer will wake it */
    assert_false(drive());
    assert_int_equal(stage->issued, 2);
    stage->unanswered--;
    stage->pace.of[0].replied_ns = replied_ns;
    assert_true(drive());
    assert_int_equal(stage->issued, 3);
    assert_true(stage->dues[2].intended_ns == 1 + 200 * SL_MS); /* latency counts from here */
    assert_true(stage->dues[2].due_ns == replied_ns);
    leave();
}

static void what_is_not_due_waits_for_its_time(void **state)
{
    (void)state;
    uint64_t begin_ns = sl_clock_mono_ns() + 3600 * SL_SECOND;
    assert_null(enter("{\"at\":{\"replay\":[500,700]}}", begin_ns));
    assert_true(begin());
    assert_false(drive());
    assert_int_equal(stage->issued, 0);
    assert_true(stage->play.wake_ns == begin_ns + 500 * SL_MS);
    leave();
}

static void a_time_that_is_over_or_a_play_that_is_issues_nothing(void **state)
{
    (void)state;
    assert_null(enter("{\"for\":\"1s\"}", 1)); /* ended long ago */
    stage->answer_each = 1;
    assert_true(begin());
    assert_true(drive());
    assert_int_equal(stage->issued, 0);
    leave();
    assert_null(enter("{\"count\":3}", 1));
    assert_true(begin());
    stage->play.is_over = true;
    assert_false(drive());
    assert_int_equal(stage->issued, 0);
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_exclude_each_other_are_told),
        cmocka_unit_test(a_load_that_cannot_be_is_a_mistake_of_the_scenario),
        cmocka_unit_test(keys_become_a_count_a_loop_and_a_shape),
        cmocka_unit_test(an_open_loop_issues_all_that_is_due_at_its_intended_times),
        cmocka_unit_test(a_closed_loop_holds_what_is_due_until_there_is_an_answer),
        cmocka_unit_test(what_is_not_due_waits_for_its_time),
        cmocka_unit_test(a_time_that_is_over_or_a_play_that_is_issues_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
