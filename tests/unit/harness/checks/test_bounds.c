/* SPDX-License-Identifier: Apache-2.0 */
/* p, latency, jain and max_over_median on records that the test writes itself: no server, no clock. */
#include "harness/checks/check.h"
#include "harness/engine/actor.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    MESSAGES = 100,
    SUBS = 5,
    PUB = 0,
};

struct stage {
    struct har_scenario *scenario;
    struct har_profile profile;
    struct har_play *play;
    struct har_actor actors[1 + SUBS];
    struct har_sent sent[MESSAGES];
    struct har_received received[SUBS][MESSAGES];
    struct har_ping_probe probes[MESSAGES];
};

/* 100 accepted messages, one every 10 ms; number i answered after i + 1 ms, PINGs too; nothing received. */
static struct stage *set_up(const char *check)
{
    struct stage *stage = sl_alloc(sizeof(*stage));
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    char text[1000];
    (void)snprintf(text, sizeof(text),
                   "{\"title\":\"t\",\"why\":\"w\",\"rules\":[\"SUB-01\"],\"level\":\"core\","
                   "\"seconds\":5,\"actors\":{\"pub\":{\"kind\":\"publisher\"},"
                   "\"sub\":{\"kind\":\"subscriber\",\"n\":5}},"
                   "\"run\":[{\"phase\":\"early\",\"do\":[]}],\"expect\":[%s]}",
                   check);
    stage->scenario = har_scenario_parse(sl_span_str(text), "x.json", "x", problems);
    if (stage->scenario == NULL) {
        fail_msg("%s: %s", problems->items[0].path, problems->items[0].text);
    }
    sl_free(problems);
    struct har_play *play = stage->play = sl_alloc(sizeof(*play));
    play->scenario = play->config.scenario = stage->scenario;
    play->config.profile = &stage->profile;
    play->phase = -1;
    play->evidence = 1;
    play->actors = stage->actors;
    play->actor_count = 1 + SUBS;
    play->monitors = sl_calloc(4, sizeof(bool));
    for (unsigned i = 0; i <= SUBS; i++) {
        har_actor_init(&stage->actors[i], play, i == PUB ? 0 : 1, i == PUB ? 0 : i - 1);
        stage->actors[i].number = (uint16_t)(i + 1);
        if (i != PUB) {
            stage->actors[i].received = stage->received[i - 1];
        }
    }
    stage->actors[PUB].sent = stage->sent;
    stage->actors[PUB].sent_count = MESSAGES;
    stage->actors[PUB].probes = stage->probes;
    stage->actors[PUB].probe_count = MESSAGES;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        uint64_t at_ns = SL_SECOND + i * 10 * SL_MS;
        stage->sent[i] = (struct har_sent){.intended_ns = at_ns,
                                           .due_ns = at_ns,
                                           .sent_ns = at_ns,
                                           .replied_ns = at_ns + (i + 1) * SL_MS,
                                           .is_accepted = true,
                                           .phase = i < MESSAGES / 2 ? 0 : -1};
        stage->probes[i] = (struct har_ping_probe){
            .sent_ns = at_ns, .acked_ns = at_ns + (i + 1) * SL_MS, .phase = -1};
    }
    return stage;
}

/* Message `sequence` comes to subscription sub so long after it was intended. */
static void receive(struct stage *stage, unsigned sub, uint32_t sequence, uint64_t delay_ms)
{
    struct har_actor *actor = &stage->actors[1 + sub];
    actor->received[actor->received_count++] =
        (struct har_received){.at_ns = stage->sent[sequence].intended_ns + delay_ms * SL_MS,
                              .sequence = sequence,
                              .publisher = 1,
                              .phase = -1};
}

static void tear_down(struct stage *stage)
{
    for (size_t i = 0; i <= SUBS; i++) {
        sl_free(stage->actors[i].room);
    }
    sl_free(stage->play->monitors);
    sl_free(stage->play);
    har_scenario_free(stage->scenario);
    sl_free(stage);
}

/* Judges and takes the stage down. text: a part of the failure; "" for none. */
static void expect(const char *name, struct stage *stage, const char *text)
{
    har_checks_run(stage->play);
    const char *told = stage->play->failure_count == 0 ? "" : stage->play->failures[0].text;
    if ((text[0] == '\0') != (told[0] == '\0') || strstr(told, text) == NULL) {
        fail_msg("%s: '%s', not '%s'", name, told, text);
    }
    tear_down(stage);
}

static void a_percentile_of_each_metric_keeps_its_bound(void **state)
{
    (void)state;
    static const struct {
        const char *check, *text;
    } cases[] = {
        {"{\"p\":{\"metric\":\"ack\",\"q\":50,\"vs\":51},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ack\",\"q\":50,\"vs\":49},\"of\":\"pub\"}",
         "p50 of ack over 100 samples is 51.0 ms, not <= 49.0 ms"},
        {"{\"p\":{\"metric\":\"ack\",\"vs\":98},\"of\":\"pub\"}", "p99 of ack"},
        {"{\"p\":{\"metric\":\"ack\",\"q\":100,\"vs\":\"100ms\"},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ack\",\"q\":50,\"op\":\">=\",\"vs\":49},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ack\",\"q\":50,\"op\":\">\",\"vs\":51},\"of\":\"pub\"}",
         "not > 51.0 ms"},
        {"{\"p\":{\"metric\":\"ack\",\"q\":50,\"op\":\"<\",\"vs\":50},\"of\":\"pub\"}",
         "not < 50.0 ms"},
        {"{\"p\":{\"metric\":\"service\",\"vs\":100},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ping\",\"vs\":100},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ping\",\"vs\":50},\"of\":\"pub\"}", "p99 of ping over 100 samples"},
        {"{\"p\":{\"metric\":\"slip\",\"vs\":0},\"of\":\"pub\"}", ""},
        {"{\"p\":{\"metric\":\"ack\",\"q\":100,\"vs\":50},\"of\":\"pub\",\"phase\":\"early\"}", ""},
        {"{\"p\":{\"metric\":\"ack\",\"q\":100,\"vs\":49},\"of\":\"pub\",\"phase\":\"early\"}",
         "over 50 samples is 50.0 ms"},
        {"{\"p\":{\"metric\":\"delivery\",\"vs\":50},\"of\":\"sub\"}", "no delivery was measured"},
        {"{\"latency\":\"ack\",\"at_most\":100,\"of\":\"pub\"}", ""},
        {"{\"latency\":\"ack\",\"q\":50,\"at_most\":20,\"of\":\"pub\"}", "p50 of ack"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(cases[i].check, set_up(cases[i].check), cases[i].text);
    }
}

static void delivery_counts_from_the_intended_time_and_skew_between_receivers(void **state)
{
    (void)state;
    static const struct {
        const char *check, *text;
    } cases[] = {
        {"{\"p\":{\"metric\":\"delivery\",\"q\":100,\"vs\":70},\"of\":\"sub\"}", ""},
        {"{\"p\":{\"metric\":\"delivery\",\"q\":100,\"vs\":69},\"of\":\"sub\"}",
         "over 500 samples is 70.0 ms"},
        {"{\"p\":{\"metric\":\"skew\",\"q\":1,\"vs\":40},\"of\":\"sub\"}", ""},
        {"{\"p\":{\"metric\":\"skew\",\"q\":1,\"vs\":39},\"of\":\"sub\"}",
         "over 100 samples is 40.0 ms"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(cases[i].check);
        for (uint32_t n = 0; n < MESSAGES * SUBS; n++) {
            stage->sent[n / SUBS].sent_ns += n % SUBS == 0 ? 2 * SL_MS : 0; /* late: no excuse */
            receive(stage, n % SUBS, n / SUBS, 30 + 10 * (n % SUBS));
        }
        expect(cases[i].check, stage, cases[i].text);
    }
}

static void a_late_generator_makes_a_failure_doubtful(void **state)
{
    (void)state;
    static const struct {
        uint64_t late_ms;
        bool is_doubtful;
    } cases[] = {{0, false}, {5, false}, {60, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up("{\"p\":{\"metric\":\"ack\",\"vs\":10},\"of\":\"pub\"}");
        for (size_t j = 0; j < MESSAGES; j++) {
            stage->sent[j].sent_ns += cases[i].late_ms * SL_MS;
            stage->sent[j].replied_ns += cases[i].late_ms * SL_MS;
        }
        har_checks_run(stage->play);
        assert_int_equal(stage->play->failure_count, 1);
        assert_int_equal(stage->play->failures[0].doubt[0] != '\0', cases[i].is_doubtful);
        tear_down(stage);
    }
}

/* So many messages come to each of the five. */
struct shares {
    const char *check, *text;
    uint32_t counts[SUBS];
};

static void equals_get_equal_shares(void **state)
{
    (void)state;
    static const struct shares cases[] = {
        {"{\"jain\":\"received\",\"of\":\"sub\"}", "", {20, 20, 20, 20, 20}},
        {"{\"jain\":\"received\",\"of\":\"sub\"}", "", {20, 20, 20, 20, 16}},
        {"{\"jain\":\"received\",\"of\":\"sub\"}", "over 5 instances is 0.8", {20, 20, 20, 20, 0}},
        {"{\"jain\":\"received\",\"min\":0.79,\"of\":\"sub\"}", "", {20, 20, 20, 20, 0}},
        {"{\"jain\":\"received\",\"of\":\"sub\"}", "is 0.200", {50, 0, 0, 0, 0}},
        {"{\"jain\":\"received\",\"of\":\"sub\"}", "is 0.000", {0, 0, 0, 0, 0}},
        {"{\"jain\":\"accepted\",\"of\":\"pub\"}", "", {0, 0, 0, 0, 0}},
        {"{\"max_over_median\":\"received\",\"at_most\":2,\"of\":\"sub\"}",
         "",
         {10, 20, 20, 20, 40}},
        {"{\"max_over_median\":\"received\",\"at_most\":2,\"of\":\"sub\"}",
         "the greatest 41",
         {10, 20, 20, 20, 41}},
        {"{\"max_over_median\":\"received\",\"at_most\":2,\"of\":\"sub\"}",
         "the least of 5 instances has 9",
         {9, 20, 20, 20, 20}},
        {"{\"max_over_median\":\"received\",\"at_most\":2,\"of\":\"sub\"}",
         "the median 0",
         {0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(cases[i].check);
        for (unsigned sub = 0; sub < SUBS; sub++) {
            for (uint32_t n = 0; n < cases[i].counts[sub]; n++) {
                receive(stage, sub, n, 1);
            }
        }
        expect(cases[i].check, stage, cases[i].text);
    }
}

static void delays_are_shares_too_and_a_short_one_is_no_harm(void **state)
{
    (void)state;
    static const struct shares cases[] = {
        {"{\"max_over_median\":\"delivery\",\"at_most\":3,\"of\":\"sub\"}",
         "",
         {1, 10, 10, 10, 30}},
        {"{\"max_over_median\":\"delivery\",\"at_most\":3,\"of\":\"sub\"}",
         "the greatest 31",
         {1, 10, 10, 10, 31}},
        {"{\"jain\":\"delivery\",\"min\":0.99,\"of\":\"sub\"}", "", {10, 10, 10, 10, 10}},
        {"{\"jain\":\"delivery\",\"min\":0.99,\"of\":\"sub\"}", "Jain's", {10, 10, 10, 10, 30}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stage *stage = set_up(cases[i].check);
        for (uint32_t n = 0; n < MESSAGES * SUBS; n++) {
            receive(stage, n % SUBS, n / SUBS, cases[i].counts[n % SUBS]);
        }
        expect(cases[i].check, stage, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_of_each_metric_keeps_its_bound),
        cmocka_unit_test(delivery_counts_from_the_intended_time_and_skew_between_receivers),
        cmocka_unit_test(a_late_generator_makes_a_failure_doubtful),
        cmocka_unit_test(equals_get_equal_shares),
        cmocka_unit_test(delays_are_shares_too_and_a_short_one_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
