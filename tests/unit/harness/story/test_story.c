/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of plays whose records the test writes itself: no server, no clock. */
#include "harness/story/story.h"

#include <jansson.h>

#include "harness/engine/actor.h"
#include "harness/report/story_json.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#define SCENARIO                                                                              \
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5," \
    "\"actors\":{\"pub\":{\"kind\":\"publisher\"},\"sub\":{\"kind\":\"subscriber\"}},"        \
    "\"run\":[{\"phase\":\"burst\",\"do\":[]}],\"expect\":[]}"

enum {
    BEGIN_MS = 1000, /* of the play, on the clock */
    LAST_MS = 2000,
};

struct stage {
    struct har_scenario *scenario;
    struct har_play *play;
};

/* One publisher, and so many subscribers in one group. */
static struct stage set_up(size_t subscribers)
{
    struct stage stage;
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    stage.scenario = har_scenario_parse(sl_span_str(SCENARIO), "x.json", "x", problems);
    assert_non_null(stage.scenario);
    sl_free(problems);
    struct har_play *play = sl_alloc(sizeof(*play));
    stage.play = play;
    play->scenario = play->config.scenario = stage.scenario;
    play->begin_ns = BEGIN_MS * SL_MS;
    play->end_ns = (BEGIN_MS + LAST_MS) * SL_MS;
    play->phase = -1;
    play->actor_count = 1 + subscribers;
    play->group_begin[1] = 1;
    play->group_begin[2] = play->actor_count;
    play->actors = sl_calloc(play->actor_count, sizeof(struct har_actor));
    for (size_t i = 0; i < play->actor_count; i++) {
        har_actor_init(&play->actors[i], play, i > 0, (unsigned)(i > 0 ? i - 1 : 0));
        play->actors[i].number = (uint16_t)(i + 1);
    }
    return stage;
}

static void tear_down(struct stage *stage)
{
    for (size_t i = 0; i < stage->play->actor_count; i++) {
        har_actor_release(&stage->play->actors[i]);
    }
    sl_free(stage->play->actors);
    sl_free(stage->play);
    har_scenario_free(stage->scenario);
}

/* count messages of the publisher, one each step_ms, answered 1 ms later. */
static void send_messages(struct stage *stage, uint32_t count, uint64_t step_ms)
{
    struct har_actor *pub = &stage->play->actors[0];
    pub->sent = sl_calloc(count, sizeof(pub->sent[0]));
    pub->sent_count = pub->sent_capacity = count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at_ns = (BEGIN_MS + i * step_ms) * SL_MS;
        pub->sent[i] = (struct har_sent){.intended_ns = at_ns,
                                         .sent_ns = at_ns,
                                         .due_ns = at_ns,
                                         .replied_ns = at_ns + SL_MS,
                                         .is_accepted = true,
                                         .phase = -1};
    }
}

static uint64_t sum(const struct har_story *story, const uint32_t *buckets)
{
    uint64_t all = 0;
    for (size_t i = 0; i < story->bucket_count && buckets != NULL; i++) {
        all += buckets[i];
    }
    return all;
}

static void nothing_is_lost_between_records_and_buckets(void **state)
{
    (void)state;
    struct stage stage = set_up(1);
    send_messages(&stage, 500, 4);
    struct har_story *story = har_story_new(stage.play);
    assert_int_equal(story->actor_count, 2);
    assert_int_equal(sum(story, story->actors[0].flows[HAR_STORY_SENT]), 500);
    assert_int_equal(sum(story, story->actors[0].flows[HAR_STORY_RECEIVED]), 500);
    assert_int_equal(story->actors[0].totals[HAR_STORY_SENT], 500);
    assert_null(story->actors[1].flows[HAR_STORY_RECEIVED]);
    assert_true(story->bucket_count <= HAR_STORY_BUCKETS_MAX + 1);
    assert_true(story->bucket_ns * story->bucket_count >= story->duration_ns);
    har_story_free(story);
    tear_down(&stage);
}

static void a_hundred_actors_have_a_row_each(void **state)
{
    (void)state;
    struct stage stage = set_up(99);
    struct har_story *story = har_story_new(stage.play);
    assert_int_equal(story->actor_count, 100);
    assert_int_equal(story->actors_left_out, 0);
    assert_string_equal(story->actors[0].name, "pub");
    assert_string_equal(story->actors[99].name, "sub[98]");
    har_story_free(story);
    tear_down(&stage);
}

static void of_too_many_actors_each_group_keeps_some_and_the_rest_is_counted(void **state)
{
    (void)state;
    struct stage stage = set_up(5000);
    struct har_story *story = har_story_new(stage.play);
    assert_true(story->actor_count <= HAR_STORY_ROWS_MAX);
    assert_int_equal(story->actor_count + story->actors_left_out, 5001);
    assert_string_equal(story->actors[0].kind, "publisher");
    assert_string_equal(story->actors[1].kind, "subscriber");
    har_story_free(story);
    tear_down(&stage);
}

static json_t *as_json(const struct har_story *story)
{
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, 1 << 20);
    sl_json_out_init(&out, &text);
    har_story_json(story, &out);
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    sl_buf_release(&text);
    return json;
}

static void json_has_the_whole_shape(void **state)
{
    (void)state;
    struct stage stage = set_up(1);
    struct har_play *play = stage.play;
    send_messages(&stage, 10, 4);
    play->phase_begin_ns[0] = (BEGIN_MS + 10) * SL_MS;
    play->marks[play->mark_count++] =
        (struct har_mark){.name = "before", .at_ns = (BEGIN_MS + 9) * SL_MS};
    play->actors[1].state = HAR_STREAM_ENDED;
    play->actors[1].ended_ns = (BEGIN_MS + 400) * SL_MS;
    play->actors[1].end_code = 14;
    (void)snprintf(play->actors[1].end_text, sizeof(play->actors[1].end_text), "\x01\xff");
    struct har_story *story = har_story_new(play);
    json_t *json = as_json(story);
    const char *name = NULL;
    double at = 0;
    double until = 0;
    assert_int_equal(json_unpack(json, "{s:[{s:s,s:F,s:F}]}", "phases", "name", &name, "at", &at,
                                 "until", &until),
                     0);
    assert_string_equal(name, "burst");
    assert_float_equal(at, 10, 0);
    assert_float_equal(until, LAST_MS, 0);
    json_t *end = json_object_get(json_array_get(json_object_get(json, "actors"), 1), "end");
    assert_string_equal(json_string_value(json_object_get(end, "status")), "UNAVAILABLE");
    static const char *const keys[] = {"duration_ms",     "phases",          "marks",
                                       "steps",           "actors",          "faults",
                                       "actors_left_out", "windows",         "steps_left_out",
                                       "faults_left_out", "windows_left_out"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_non_null(json_object_get(json, keys[i]));
    }
    json_decref(json);
    har_story_free(story);
    json = as_json(NULL);
    assert_true(json_is_null(json));
    json_decref(json);
    tear_down(&stage);
}

/* A run of many repeats: the memory of all stories has a bound, failures come first, and what is left out is told. */
static void stories_of_a_run_are_bounded_together(void **state)
{
    (void)state;
    struct stage stage = set_up(99);
    struct har_story *story = NULL;
    size_t held = 0;
    har_story_keep(&story, stage.play, &held);
    har_story_keep(&story, stage.play, &held); /* in place of the first */
    assert_int_equal(held, story->bytes);
    assert_int_equal(story->actor_count, 100);
    held += HAR_STORIES_GOOD_MAX - held;
    struct har_story *second = NULL;
    har_story_keep(&second, stage.play, &held);
    assert_int_equal(second->actor_count, 0);
    assert_int_equal(second->actors_left_out, 100);
    assert_true(second->bytes < story->bytes);
    stage.play->failure_count = 1;
    har_story_keep(&second, stage.play, &held);
    assert_int_equal(second->actor_count, 100);
    held = HAR_STORIES_MAX;
    struct har_story *third = NULL;
    har_story_keep(&third, stage.play, &held);
    assert_int_equal(third->actor_count, 0);
    har_story_free(story);
    har_story_free(second);
    har_story_free(third);
    tear_down(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_records_and_buckets),
        cmocka_unit_test(a_hundred_actors_have_a_row_each),
        cmocka_unit_test(of_too_many_actors_each_group_keeps_some_and_the_rest_is_counted),
        cmocka_unit_test(json_has_the_whole_shape),
        cmocka_unit_test(stories_of_a_run_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
