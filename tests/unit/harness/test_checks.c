/* SPDX-License-Identifier: Apache-2.0 */
/* The checks on records that the test writes itself: no server, no clock. */
#include "harness/checks/check.h"
#include "harness/engine/actor.h"
#include "harness/engine/declared.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#define SCENARIO(expect)                                                                      \
    "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\",\"seconds\":5," \
    "\"actors\":{\"pub\":{\"kind\":\"publisher\"},\"sub\":{\"kind\":\"subscriber\"}},"        \
    "\"run\":[],\"expect\":[" expect "]}"

enum {
    MESSAGES = 40,
};

struct stage {
    struct har_scenario *scenario;
    struct har_profile profile;
    struct har_play *play;
    struct har_actor actors[2];
    struct har_sent sent[MESSAGES];
    struct har_received received[2 * MESSAGES];
};

/* MESSAGES accepted messages, one every 100 ms, each answered after 1 ms; nothing received. */
static struct stage *set_up(const char *text)
{
    struct stage *stage = sl_alloc(sizeof(*stage));
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    stage->scenario = har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
    if (stage->scenario == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
    }
    sl_free(problems);
    struct har_play *play = sl_alloc(sizeof(*play));
    stage->play = play;
    play->scenario = play->config.scenario = stage->scenario;
    play->config.profile = &stage->profile;
    play->phase = -1;
    play->evidence = 1;
    play->actors = stage->actors;
    play->actor_count = 2;
    play->monitors = sl_calloc(4, sizeof(bool));
    for (unsigned i = 0; i < 2; i++) {
        har_actor_init(&stage->actors[i], play, i, 0);
        stage->actors[i].number = (uint16_t)(i + 1);
    }
    stage->actors[0].sent = stage->sent;
    stage->actors[0].sent_count = MESSAGES;
    stage->actors[1].received = stage->received;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint64_t at_ns = (i + 1) * 100 * SL_MS;
        stage->sent[i] = (struct har_sent){.intended_ns = at_ns,
                                           .sent_ns = at_ns,
                                           .replied_ns = at_ns + SL_MS,
                                           .is_accepted = true,
                                           .phase = -1};
    }
    return stage;
}

static void receive(struct stage *stage, uint32_t sequence, uint64_t at_ns)
{
    struct har_actor *sub = &stage->actors[1];
    stage->received[sub->received_count++] =
        (struct har_received){.at_ns = at_ns, .sequence = sequence, .publisher = 1, .phase = -1};
}

/* Runs the checks: the rule of the first failure, "" for none. */
static const char *judge(struct stage *stage)
{
    har_checks_run(stage->play);
    return stage->play->failure_count == 0 ? "" : stage->play->failures[0].rule;
}

static void tear_down(struct stage *stage)
{
    sl_free(stage->actors[0].room);
    sl_free(stage->actors[1].room);
    sl_free(stage->play->monitors);
    sl_free(stage->play);
    har_scenario_free(stage->scenario);
    sl_free(stage);
}

static void a_rate_is_judged_in_windows_of_every_length(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned burst; /* messages at once, every burst * 100 ms */
        const char *rule;
    } cases[] = {
        {"steady", 1, ""}, {"pairs", 2, ""}, {"fours", 4, "SUB-02"}, {"tens", 10, "SUB-02"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(SCENARIO("{\"rate_max\":10,\"of\":\"sub\"}"));
        for (uint32_t j = 0; j < MESSAGES; j++) {
            receive(stage, j, SL_SECOND + j / cases[i].burst * cases[i].burst * 100 * SL_MS);
        }
        const char *rule = judge(stage);
        if (strcmp(rule, cases[i].rule) != 0) {
            fail_msg("%s: '%s'", cases[i].name, rule);
        }
        tear_down(stage);
    }
}

static void order_counts_only_behind_a_reply(void **state)
{
    (void)state;
    struct stage *stage = set_up(SCENARIO(""));
    receive(stage, 1, SL_SECOND);
    receive(stage, 0, SL_SECOND);
    assert_string_equal(judge(stage), "SUB-01");
    tear_down(stage);

    stage = set_up(SCENARIO(""));
    stage->sent[0].replied_ns = stage->sent[1].sent_ns + SL_MS; /* both were in flight */
    receive(stage, 1, SL_SECOND);
    receive(stage, 0, SL_SECOND);
    assert_string_equal(judge(stage), "");
    tear_down(stage);
}

static void a_duplicate_is_found_without_being_asked_for(void **state)
{
    (void)state;
    struct stage *stage = set_up(SCENARIO(""));
    receive(stage, 3, SL_SECOND);
    receive(stage, 3, SL_SECOND);
    assert_string_equal(judge(stage), "SUB-01");
    tear_down(stage);
}

static void nothing_seen_is_no_pass(void **state)
{
    (void)state;
    struct stage *stage = set_up(SCENARIO(""));
    stage->play->evidence = 0;
    assert_string_equal(judge(stage), "RES-02");
    tear_down(stage);
}

static void a_finding_of_the_server_fails_and_one_of_ours_does_not(void **state)
{
    (void)state;
    struct stage *stage = set_up(SCENARIO(""));
    struct har_seen_finding *finding = &stage->play->findings[0];
    *finding = (struct har_seen_finding){.rule = "FLOW-01", .level = 'M', .count = 1};
    stage->play->finding_count = 1;
    assert_string_equal(judge(stage), "");
    finding->is_server = true;
    assert_string_equal(judge(stage), "FLOW-01");
    tear_down(stage);
}

static void a_backlog_is_what_the_policy_keeps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum har_drop_policy policy;
        uint32_t from, to; /* received: [from, to) */
        const char *rule;
    } cases[] = {
        {"the first ten", HAR_DROP_NEWEST, 0, 10, ""},
        {"the first twelve", HAR_DROP_NEWEST, 0, 12, ""},
        {"one too few", HAR_DROP_NEWEST, 0, 9, "SUB-05"},
        {"one too many", HAR_DROP_NEWEST, 0, 13, "SUB-05"},
        {"the last ten of newest", HAR_DROP_NEWEST, 30, 40, "SUB-06"},
        {"the last ten", HAR_DROP_OLDEST, 30, 40, ""},
        {"the first ten of oldest", HAR_DROP_OLDEST, 0, 10, "SUB-06"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(SCENARIO("{\"backlog\":[10,12],\"of\":\"sub\"}"));
        stage->profile.drop_policy = cases[i].policy;
        for (uint32_t j = cases[i].from; j < cases[i].to; j++) {
            receive(stage, j, 10 * SL_SECOND);
        }
        const char *rule = judge(stage);
        if (strcmp(rule, cases[i].rule) != 0) {
            fail_msg("%s: '%s'", cases[i].name, rule);
        }
        tear_down(stage);
    }
}

static void delivered_needs_something_to_deliver(void **state)
{
    (void)state;
    struct stage *stage = set_up(SCENARIO("{\"delivered\":\"none\",\"of\":\"sub\"}"));
    assert_string_equal(judge(stage), "");
    tear_down(stage);
    stage = set_up(SCENARIO("{\"delivered\":\"all\",\"of\":\"sub\"}"));
    assert_string_equal(judge(stage), "SEND-03");
    tear_down(stage);
    stage = set_up(SCENARIO("{\"delivered\":\"none\",\"of\":\"sub\"}"));
    stage->actors[0].sent_count = 0;
    assert_string_equal(judge(stage), "SEND-03");
    tear_down(stage);
}

static void gaps_are_what_was_reported(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned missing;
        const char *report; /* NULL: none */
        bool has_status;
        const char *rule;
    } cases[] = {
        {"exact", 3, "3", true, ""},
        {"none and told", 0, "0", true, ""},
        {"none and not told", 0, NULL, true, ""},
        {"not told", 3, NULL, true, "SUB-14"},
        {"one less", 3, "2", true, "SUB-14"},
        {"one more", 0, "1", true, "SUB-14"},
        {"no number", 3, "3 or so", true, "SUB-14"},
        {"empty", 0, "", true, "SUB-14"},
        {"past every number", 0, "18446744073709551616", true, "SUB-14"},
        {"a reset", 3, "3", false, "SUB-14"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(SCENARIO("{\"gaps\":\"reported\",\"of\":\"sub\"}"));
        struct har_actor *sub = &stage->actors[1];
        /* The first two came before the subscription, the last two behind its end. */
        sub->opened_ns = stage->sent[2].sent_ns;
        sub->ended_ns = stage->sent[MESSAGES - 2].sent_ns;
        sub->state = HAR_STREAM_ENDED;
        sub->is_end_of_status = cases[i].has_status;
        for (uint32_t j = 2 + cases[i].missing; j < MESSAGES - 2; j++) {
            receive(stage, j, stage->sent[j].sent_ns + SL_MS);
        }
        struct sl_headers trailers = {0};
        if (cases[i].report != NULL) {
            assert_int_equal(sl_headers_add(&trailers, sl_span_str("chat-dropped"),
                                            sl_span_str(cases[i].report)),
                             SL_OK);
        }
        har_declared_note_report(&sub->past, &trailers);
        sl_headers_release(&trailers);
        const char *rule = judge(stage);
        if (strcmp(rule, cases[i].rule) != 0) {
            fail_msg("%s: '%s'", cases[i].name, rule);
        }
        tear_down(stage);
    }
}

/* The test's publisher becomes a chat, whose last message names no room. */
static struct stage *chat_stage(void)
{
    static const struct har_send_args roomless = {.message = {.room = ""}};
    struct stage *stage = set_up(
        "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"CHAT-04\"],\"level\":\"core\",\"seconds\":5,"
        "\"actors\":{\"talk\":{\"kind\":\"chat\"},\"sub\":{\"kind\":\"subscriber\"}},"
        "\"run\":[],\"expect\":[{\"delivered\":\"all\",\"of\":\"sub\",\"rule\":\"CHAT-04\"}]}");
    memset(stage->profile.has, true, sizeof(stage->profile.has));
    stage->sent[MESSAGES - 1].how = &roomless;
    return stage;
}

static void a_chats_message_without_room_goes_to_that_of_its_streams_first(void **state)
{
    (void)state;
    struct stage *stage = chat_stage();
    for (uint32_t i = 0; i + 1 < MESSAGES; i++) {
        receive(stage, i, 10 * SL_SECOND);
    }
    assert_string_equal(judge(stage), "CHAT-04");
    tear_down(stage);

    stage = chat_stage();
    stage->sent[MESSAGES - 1].first = MESSAGES - 1; /* a new stream, that never named one */
    for (uint32_t i = 0; i + 1 < MESSAGES; i++) {
        receive(stage, i, 10 * SL_SECOND);
    }
    assert_string_equal(judge(stage), "");
    tear_down(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_judged_in_windows_of_every_length),
        cmocka_unit_test(order_counts_only_behind_a_reply),
        cmocka_unit_test(a_duplicate_is_found_without_being_asked_for),
        cmocka_unit_test(nothing_seen_is_no_pass),
        cmocka_unit_test(a_finding_of_the_server_fails_and_one_of_ours_does_not),
        cmocka_unit_test(a_backlog_is_what_the_policy_keeps),
        cmocka_unit_test(delivered_needs_something_to_deliver),
        cmocka_unit_test(gaps_are_what_was_reported),
        cmocka_unit_test(a_chats_message_without_room_goes_to_that_of_its_streams_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
