/* SPDX-License-Identifier: Apache-2.0 */
/* Who is affected by a fault, on records and a chronicle that the test writes itself. */
#include "harness/engine/actor.h"
#include "harness/scenario/parse.h"
#include "harness/story/chronicle.h"
#include "harness/story/story.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "tests/support/cmocka_all.h"

static const char scenario_text[] =
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5,"
    "\"actors\":{\"pub\":{\"kind\":\"publisher\"},"
    "\"victim\":{\"kind\":\"subscriber\",\"conn\":\"shared:c\"},"
    "\"beside\":{\"kind\":\"subscriber\",\"conn\":\"shared:c\",\"room\":\"{room}-2\"},"
    "\"mate\":{\"kind\":\"subscriber\"},"
    "\"far\":{\"kind\":\"subscriber\",\"room\":\"{room}-2\"},"
    "\"pub2\":{\"kind\":\"publisher\",\"room\":\"{room}-2\"}},"
    "\"run\":[{\"victim\":{\"close\":{\"how\":\"rst\"}}},"
    "{\"victim\":{\"stall\":{}}},{\"victim\":{\"resume\":{}}}],\"expect\":[]}";

enum {
    PUB = 0,
    VICTIM,
    BESIDE,
    MATE,
    FAR,
    PUB2,
    ACTORS,
    MESSAGES = 100, /* of each publisher: one every 10 ms */
    FAULT_MS = 500,
    LAST_MS = 1100,
};

struct stage {
    struct har_scenario *scenario;
    struct har_profile profile;
    struct har_play *play;
    struct har_actor actors[ACTORS];
    struct har_link links[ACTORS];
};

static uint64_t at_ms(uint64_t ms)
{
    return SL_SECOND + ms * SL_MS;
}

static void open_stream(struct stage *stage, unsigned number)
{
    struct har_actor *actor = &stage->actors[number];
    actor->state = HAR_STREAM_OPEN;
    har_chronicle_opened(actor);
    struct har_noted_stream *stream =
        &stage->play->chronicle->streams[stage->play->chronicle->stream_count - 1];
    stream->opened_ns = stream->ready_ns = at_ms(1);
}

/* Both publishers send and are answered; all streams are open; the victim's connection is reset. Nobody has
 * received anything yet. */
static struct stage *set_up(void)
{
    struct stage *stage = sl_alloc(sizeof(*stage));
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    stage->scenario = har_scenario_parse(sl_span_str(scenario_text), "x.json", "x", problems);
    if (stage->scenario == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
    }
    sl_free(problems);
    struct har_play *play = sl_alloc(sizeof(*play));
    stage->play = play;
    play->scenario = play->config.scenario = stage->scenario;
    play->config.profile = &stage->profile;
    play->begin_ns = at_ms(0);
    play->end_ns = at_ms(LAST_MS);
    play->phase = -1;
    play->actors = stage->actors;
    play->actor_count = ACTORS;
    play->chronicle = har_chronicle_new();
    for (unsigned i = 0; i < ACTORS; i++) {
        struct har_actor *actor = &stage->actors[i];
        har_actor_init(actor, play, i, 0);
        actor->number = (uint16_t)(i + 1);
        play->group_begin[i + 1] = i + 1;
        actor->link = &stage->links[i == BESIDE ? VICTIM : i];
        actor->link->play = play;
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        if (i != BESIDE) {
            stage->links[i].number = har_chronicle_conn(&stage->links[i], false);
            play->chronicle->conns[play->chronicle->conn_count - 1].at_ns = at_ms(0);
        }
        if (stage->actors[i].spec->kind == HAR_SUBSCRIBER) {
            open_stream(stage, i);
            stage->actors[i].received = sl_calloc(2 * MESSAGES, sizeof(struct har_received));
        } else {
            struct har_actor *pub = &stage->actors[i];
            pub->sent = sl_calloc(MESSAGES, sizeof(pub->sent[0]));
            pub->sent_count = MESSAGES;
            for (uint32_t k = 0; k < MESSAGES; k++) {
                uint64_t sent_ns = at_ms(10 + 10 * k);
                pub->sent[k] = (struct har_sent){.intended_ns = sent_ns,
                                                 .sent_ns = sent_ns,
                                                 .due_ns = sent_ns,
                                                 .replied_ns = sent_ns + SL_MS,
                                                 .is_accepted = true,
                                                 .phase = -1};
            }
        }
    }
    (void)har_chronicle_begin(play, &stage->scenario->run[0], -1);
    play->chronicle->spans[0].at_ns = play->chronicle->spans[0].until_ns = at_ms(FAULT_MS);
    struct har_noted_stream *left = &play->chronicle->streams[0]; /* the victim's */
    left->ended_ns = at_ms(FAULT_MS);
    return stage;
}

static void tear_down(struct stage *stage, struct har_story *story)
{
    har_story_free(story);
    for (unsigned i = 0; i < ACTORS; i++) {
        har_actor_release(&stage->actors[i]);
    }
    har_chronicle_free(stage->play->chronicle);
    sl_free(stage->play);
    har_scenario_free(stage->scenario);
    sl_free(stage);
}

/* Messages [first, end) of the publisher of its room come to the reader, each after so long. */
static void receive(struct stage *stage, unsigned reader, uint32_t first, uint32_t end,
                    uint64_t delay_ms)
{
    struct har_actor *actor = &stage->actors[reader];
    unsigned publisher = reader == BESIDE || reader == FAR ? PUB2 : PUB;
    for (uint32_t i = first; i < end; i++) {
        actor->received[actor->received_count++] = (struct har_received){
            .at_ns = stage->actors[publisher].sent[i].sent_ns + delay_ms * SL_MS,
            .sequence = i,
            .publisher = (uint16_t)(publisher + 1),
            .phase = -1};
    }
}

/* All get everything but the one, who gets what the test says. */
static void receive_all_but(struct stage *stage, unsigned one)
{
    receive(stage, VICTIM, 0, 49, 1);
    for (unsigned reader = BESIDE; reader <= FAR; reader++) {
        if (reader != one) {
            receive(stage, reader, 0, MESSAGES, 1);
        }
    }
}

static const struct har_story_affected *affected(const struct har_story *story,
                                                 enum har_story_scope scope)
{
    assert_int_equal(story->fault_count, 1);
    return &story->faults[0].affected[scope];
}

static void nobody_else_is_shown_by_what_they_got(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    receive_all_but(stage, ACTORS);
    struct har_story *story = har_story_new(stage->play);
    assert_string_equal(story->faults[0].what, "reset");
    assert_string_equal(story->faults[0].actor, "victim");
    assert_int_equal(story->faults[0].connection, 2);
    assert_false(story->faults[0].has_until);
    static const char *const texts[HAR_SCOPES] = {
        [HAR_SCOPE_STREAM] = "1 not judged: nothing was to come",
        [HAR_SCOPE_PUBLISHER] =
            "pub had 51 of 51 answered (49 of 49 before), p99 1.0 ms (1.0 ms before)",
        [HAR_SCOPE_CONNECTION] =
            "beside got 51 of 51 messages (49 of 49 before), p99 1.0 ms (1.0 ms before)",
        [HAR_SCOPE_ROOM] =
            "mate got 51 of 51 messages (49 of 49 before), p99 1.0 ms (1.0 ms before)",
        [HAR_SCOPE_SERVER] =
            ("far got 51 of 51 messages (49 of 49 before), p99 1.0 ms (1.0 ms before); "
             "pub2 had 51 of 51 answered (49 of 49 before), p99 1.0 ms (1.0 ms before)"),
    };
    for (int scope = 0; scope < HAR_SCOPES; scope++) {
        const struct har_story_affected *seen = affected(story, (enum har_story_scope)scope);
        assert_int_equal(seen->count, 0);
        assert_string_equal(seen->text, texts[scope]);
    }
    tear_down(stage, story);
}

static void a_reader_is_found_in_its_scope(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned reader;
        enum har_story_scope scope;
    } cases[] = {
        {"beside", BESIDE, HAR_SCOPE_CONNECTION},
        {"mate", MATE, HAR_SCOPE_ROOM},
        {"far", FAR, HAR_SCOPE_SERVER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up();
        receive_all_but(stage, cases[i].reader);
        receive(stage, cases[i].reader, 0, 60, 1); /* and then no more */
        struct har_story *story = har_story_new(stage->play);
        for (int scope = 0; scope < HAR_SCOPES; scope++) {
            const struct har_story_affected *seen = affected(story, (enum har_story_scope)scope);
            assert_int_equal(seen->count, scope == (int)cases[i].scope);
        }
        const struct har_story_affected *hit = affected(story, cases[i].scope);
        assert_string_equal(hit->actors[0], cases[i].name);
        assert_non_null(strstr(hit->text, "got 11 of 51 messages (49 of 49 before)"));
        assert_int_equal(story->actors[cases[i].reader].totals[HAR_STORY_LOST], 40);
        tear_down(stage, story);
    }
}

static void a_delay_counts_when_it_is_well_above_that_of_before(void **state)
{
    (void)state;
    static const struct {
        uint64_t before_ms, after_ms;
        size_t affected;
    } cases[] = {{1, 40, 0}, {1, 60, 1}, {100, 250, 0}, {100, 310, 1}, {300, 100, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up();
        receive_all_but(stage, MATE);
        receive(stage, MATE, 0, 49, cases[i].before_ms);
        receive(stage, MATE, 49, MESSAGES, cases[i].after_ms);
        struct har_story *story = har_story_new(stage->play);
        assert_int_equal(affected(story, HAR_SCOPE_ROOM)->count, cases[i].affected);
        tear_down(stage, story);
    }
}

static void an_end_that_nobody_asked_for_counts(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    receive_all_but(stage, ACTORS);
    struct har_noted_stream *stream = &stage->play->chronicle->streams[MATE - 1];
    stream->ended_ns = at_ms(1090);
    stream->is_by_server = true;
    stream->code = SL_GRPC_UNAVAILABLE;
    struct har_story *story = har_story_new(stage->play);
    const struct har_story_affected *seen = affected(story, HAR_SCOPE_ROOM);
    assert_int_equal(seen->count, 1);
    assert_non_null(strstr(seen->text, ", 1 unasked end: UNAVAILABLE"));
    tear_down(stage, story);
}

/* A server that waited with its judgement until the reader read again. */
static void an_end_shortly_after_a_stall_is_of_the_stall(void **state)
{
    (void)state;
    static const struct {
        uint64_t end_ms;
        size_t affected;
    } cases[] = {{599, 0}, {650, 1}, {701, 1}, {1699, 1}, {1701, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up();
        struct har_play *play = stage->play;
        receive_all_but(stage, ACTORS);
        play->end_ns = at_ms(2000);
        for (unsigned k = 1; k < 3; k++) {
            (void)har_chronicle_begin(play, &stage->scenario->run[k], -1);
            struct har_noted_span *span = &play->chronicle->spans[k];
            span->at_ns = span->until_ns = at_ms(500 + 100 * k);
        }
        struct har_noted_stream *stream = &play->chronicle->streams[FAR - 1];
        stream->ended_ns = at_ms(cases[i].end_ms);
        stream->is_by_server = true;
        stream->code = SL_GRPC_RESOURCE_EXHAUSTED;
        struct har_story *story = har_story_new(play);
        assert_int_equal(story->fault_count, 2);
        assert_string_equal(story->faults[1].what, "stall");
        assert_int_equal(story->faults[1].until_ns, 700 * SL_MS);
        bool is_seen = strstr(story->faults[1].affected[HAR_SCOPE_SERVER].text, "unasked") != NULL;
        assert_int_equal(is_seen, cases[i].affected);
        tear_down(stage, story);
    }
}

static void a_publisher_without_answers_is_affected_and_its_readers_too(void **state)
{
    (void)state;
    struct stage *stage = set_up();
    receive_all_but(stage, MATE);
    receive(stage, MATE, 0, 49, 1);
    for (uint32_t i = 49; i < MESSAGES; i++) {
        stage->actors[PUB].sent[i].replied_ns = 0;
        stage->actors[PUB].sent[i].is_accepted = false;
    }
    struct har_story *story = har_story_new(stage->play);
    const struct har_story_affected *publisher = affected(story, HAR_SCOPE_PUBLISHER);
    const struct har_story_affected *room = affected(story, HAR_SCOPE_ROOM);
    assert_int_equal(publisher->count, 1);
    assert_string_equal(publisher->text, "pub had 0 of 51 answered (49 of 49 before)");
    assert_int_equal(room->count, 1);
    assert_string_equal(room->text,
                        "mate got nothing of 51 messages without an answer (49 of 49 before)");
    assert_int_equal(affected(story, HAR_SCOPE_SERVER)->count, 0);
    tear_down(stage, story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_else_is_shown_by_what_they_got),
        cmocka_unit_test(a_reader_is_found_in_its_scope),
        cmocka_unit_test(a_delay_counts_when_it_is_well_above_that_of_before),
        cmocka_unit_test(an_end_that_nobody_asked_for_counts),
        cmocka_unit_test(an_end_shortly_after_a_stall_is_of_the_stall),
        cmocka_unit_test(a_publisher_without_answers_is_affected_and_its_readers_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
