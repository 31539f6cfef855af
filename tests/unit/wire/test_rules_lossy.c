/* SPDX-License-Identifier: Apache-2.0 */
/* What one side may do rests on what the other has said: where that is missing, nothing is told. Each talk breaks a rule
 * as it was captured, and none as it was. */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE

enum {
    PIECE = 16384,
    FRAME_HEADER = 9,
    QUESTION = FRAME_HEADER + 8, /* PING */
    RAISED = 20000,              /* SETTINGS_MAX_FRAME_SIZE */
};

static const char zeros[RAISED];

static void begin(struct test_talk *talk)
{
    test_talk_init(talk, false);
    talk->is_capture = true;
    test_talk_settings_ack(talk, REQUEST);
    test_talk_settings_ack(talk, RESPONSE);
}

static void data(struct test_talk *talk, uint32_t stream)
{
    test_talk_data(talk, REQUEST, stream, 0, sl_span(zeros, PIECE));
}

static void judge(struct test_talk *talk)
{
    for (uint64_t i = 0; i < 10; i++) {
        talk->time_ms += 1000;
        test_talk_ping(talk, RESPONSE, false, 100 + i);
        test_talk_ping(talk, REQUEST, true, 100 + i);
    }
    test_talk_expect(talk, "!finding\n");
    test_talk_release(talk);
}

static void credit_of_a_stream_whose_beginning_is_lost_is_not_known(void **state)
{
    (void)state;
    struct test_talk talk;
    begin(&talk);
    test_talk_window_update(&talk, RESPONSE, 0, 10 * PIECE);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_lose_last(&talk, 40, false);
    test_talk_window_update(&talk, RESPONSE, 1, 4 * PIECE);
    for (int i = 0; i < 7; i++) {
        data(&talk, 1);
    }
    judge(&talk);
}

static void lost_data_leaves_more_room_for_credit_than_is_seen(void **state)
{
    (void)state;
    struct test_talk talk;
    begin(&talk);
    test_talk_window_update(&talk, RESPONSE, 0, SL_H2_MAX_WINDOW - SL_H2_DEFAULT_WINDOW);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    data(&talk, 1);
    test_talk_lose_last(&talk, FRAME_HEADER + PIECE, true);
    test_talk_window_update(&talk, RESPONSE, 0, PIECE);
    judge(&talk);
}

/* The answer to a PING that was lost looks like that to the next one of the same bytes. */
static void the_answer_to_a_lost_ping_does_not_prove_what_came_after_it(void **state)
{
    (void)state;
    static const char promise[] = "\0\0\0\2\x82\x86\x84";
    const struct sl_h2_frame_header header = {.type = SL_H2_PUSH_PROMISE,
                                              .flags = SL_H2_FLAG_END_HEADERS,
                                              .stream = 1,
                                              .length = sizeof promise - 1};
    struct test_talk talk;
    begin(&talk);
    test_talk_request(&talk, 1, "x");
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_lose_last(&talk, QUESTION, true);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_ping(&talk, RESPONSE, true, 7);
    test_talk_frame(&talk, RESPONSE, &header, promise);
    test_talk_ping(&talk, RESPONSE, true, 7);
    judge(&talk);
}

static void a_frame_may_be_as_long_as_lost_settings_allow(void **state)
{
    (void)state;
    struct test_talk talk;
    begin(&talk);
    test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_MAX_FRAME_SIZE, RAISED);
    test_talk_lose_last(&talk, FRAME_HEADER + 6, true);
    test_talk_settings_ack(&talk, REQUEST);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_data(&talk, REQUEST, 1, 0, sl_span(zeros, RAISED));
    judge(&talk);
}

static void trailers_behind_lost_headers_are_no_request(void **state)
{
    (void)state;
    struct test_talk talk;
    begin(&talk);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_lose_last(&talk, QUESTION, true);
    test_talk_headers(&talk, REQUEST, 1, SL_H2_FLAG_END_STREAM, "x-trailer: 1\n");
    judge(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_of_a_stream_whose_beginning_is_lost_is_not_known),
        cmocka_unit_test(lost_data_leaves_more_room_for_credit_than_is_seen),
        cmocka_unit_test(the_answer_to_a_lost_ping_does_not_prove_what_came_after_it),
        cmocka_unit_test(a_frame_may_be_as_long_as_lost_settings_allow),
        cmocka_unit_test(trailers_behind_lost_headers_are_no_request),
    };
    return cmocka_run_group_tests_name("wire/rules_lossy", tests, NULL, NULL);
}
