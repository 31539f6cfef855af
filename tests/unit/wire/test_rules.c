/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule: what breaks it, and what correct peers do that looks alike. */
#include <stdio.h>

#include "lib/wire/observer.h"
#include "lib/wire/rule.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void every_rule_is_found_and_explained(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct sl_rule *rule = sl_rule_at(0); rule != NULL; rule = sl_rule_at(count)) {
        assert_ptr_equal(sl_rule_find(rule->id), rule);
        assert_non_null(strchr("MSRI", rule->level));
        assert_true(strlen(rule->title) > 10 && strlen(rule->text) > strlen(rule->title));
        count++;
    }
    assert_true(count >= 3);
    assert_null(sl_rule_find("FLOW-99"));
    assert_string_equal(sl_rule_find("FLOW-01")->clause, "RFC 9113 6.9.1");
}

/* ---- CALL-02 ---- */

static void finish_response(const char *headers, const char *trailers, bool has_empty_data,
                            const char *expected)
{
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    if (headers != NULL) {
        test_talk_headers(&talk, RESPONSE, 1, 0, headers);
    }
    if (trailers != NULL) {
        test_talk_headers(&talk, RESPONSE, 1, has_empty_data ? 0 : END, trailers);
    }
    if (has_empty_data) {
        test_talk_data(&talk, RESPONSE, 1, END, sl_span("", 0));
    }
    test_talk_expect(&talk, expected);
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_status_that_is_missing_repeated_or_malformed_is_found(void **state)
{
    (void)state;
    finish_response(TEST_RESPONSE_FIELDS, "x: y\n", false,
                    "finding CALL-02 server stream 1: the response carries grpc-status 0 times\n");
    finish_response(TEST_RESPONSE_FIELDS, NULL, true,
                    "finding CALL-02 server stream 1: the response carries grpc-status 0 times\n");
    finish_response(TEST_RESPONSE_FIELDS, "grpc-status: 0\ngrpc-status: 0\n", false,
                    "finding CALL-02 server stream 1: the response carries grpc-status 2 times\n");
    finish_response(TEST_RESPONSE_FIELDS "grpc-status: 0\n", "grpc-status: 0\n", false,
                    "finding CALL-02 server stream 1: the response carries grpc-status 2 times\n");
    finish_response(TEST_RESPONSE_FIELDS, "grpc-status: 00\n", false,
                    "finding CALL-02 server stream 1: grpc-status is \"00\", not a decimal number "
                    "without leading zero\n");
    finish_response(NULL, TEST_RESPONSE_FIELDS "grpc-status: OK\n", false,
                    "finding CALL-02 server stream 1: grpc-status is \"OK\", not a decimal number "
                    "without leading zero\n");
}

static void a_client_that_has_left_is_owed_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS "content-length: 90\n");
    test_talk_close(&talk, SL_DIR_REQUEST, false);
    test_talk_data(&talk, RESPONSE, 1, END, sl_span("", 0));
    test_talk_expect(&talk, "");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_stream_that_ends_on_data_behind_the_status_is_found(void **state)
{
    (void)state;
    finish_response(TEST_RESPONSE_FIELDS, "grpc-status: 0\n", true,
                    "finding CALL-02 server stream 1: the second block of the response, with "
                    "grpc-status, came without END_STREAM\n");
    finish_response(TEST_RESPONSE_FIELDS "grpc-status: 5\n", NULL, true,
                    "finding CALL-02 server stream 1: grpc-status 5 came on a block without "
                    "END_STREAM; a DATA frame ended the stream\n");
}

static void good_ends_and_other_answers_are_let_pass(void **state)
{
    (void)state;
    finish_response(TEST_RESPONSE_FIELDS, "grpc-status: 0\n", false, "!finding\n");
    finish_response(NULL, TEST_RESPONSE_FIELDS "grpc-status: 16\n", false, "!finding\n");
    finish_response(NULL, ":status: 503\n", false, "!finding\n");
    finish_response(":status: 502\ncontent-type: text/html\n", NULL, true, "!finding\n");
}

/* ---- CALL-20 ---- */

static void end_call(struct test_talk *talk, uint32_t stream)
{
    test_talk_headers(talk, RESPONSE, stream, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
}

static void frames_behind_the_end_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_request(&talk, 1, "x");
        if (i == 3) { /* the server had all of the request: nothing can have crossed */
            test_talk_ping(&talk, REQUEST, false, 7);
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        end_call(&talk, 1);
        if (i == 0) {
            test_talk_data(&talk, RESPONSE, 1, 0, sl_span("", 0));
            test_talk_data(&talk, RESPONSE, 1, 0, sl_span("", 0));
        } else if (i == 1) {
            end_call(&talk, 1);
        } else {
            test_talk_rst(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
            test_talk_rst(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
        }
        static const char *const lines[] = {
            "finding CALL-20 server stream 1: the server sent DATA on stream 1 after its "
            "END_STREAM\n",
            "finding CALL-20 server stream 1: the server sent HEADERS on stream 1 after its "
            "END_STREAM\n",
            "finding CALL-20 (I) server stream 1: the server sent RST_STREAM on stream 1 after its "
            "END_STREAM and RST_STREAM\n!finding CALL-20 server\n",
            "finding CALL-20 server stream 1: the server sent RST_STREAM on stream 1 after its "
            "END_STREAM and RST_STREAM\n",
        };
        test_talk_expect(&talk, lines[i]);
        test_talk_every_split(&talk);
        test_talk_release(&talk);
    }
}

static void frames_that_may_have_crossed_are_let_pass(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    end_call(&talk, 1);
    const struct sl_h2_frame_header priority = {.length = 5, .type = SL_H2_PRIORITY, .stream = 1};
    test_talk_frame(&talk, RESPONSE, &priority, "\0\0\0\0\1");
    test_talk_window_update(&talk, RESPONSE, 1, 5);
    test_talk_rst(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
    /* The proof comes only after the server's end. */
    test_talk_request(&talk, 3, "x");
    end_call(&talk, 3);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_ping(&talk, RESPONSE, true, 7);
    test_talk_rst(&talk, RESPONSE, 3, SL_H2_NO_ERROR);
    /* A reset that answers DATA on a closed stream (RFC 9113 5.1). */
    test_talk_headers(&talk, REQUEST, 7, 0, TEST_REQUEST_FIELDS);
    end_call(&talk, 7);
    test_talk_rst(&talk, RESPONSE, 7, SL_H2_NO_ERROR);
    test_talk_message(&talk, REQUEST, 7, 0, "crossed");
    test_talk_rst(&talk, RESPONSE, 7, SL_H2_STREAM_CLOSED);
    /* Frames of the server that cross the client's reset. */
    test_talk_request(&talk, 9, "x");
    test_talk_rst(&talk, REQUEST, 9, SL_H2_CANCEL);
    test_talk_headers(&talk, RESPONSE, 9, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 9, 0, "crossed");
    test_talk_headers(&talk, RESPONSE, 9, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

static void a_reset_of_a_stream_that_both_had_ended_is_found(void **state)
{
    (void)state;
    for (int proof = 0; proof < 3; proof++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_request(&talk, 1, "x");
        if (proof == 0) {
            test_talk_ping(&talk, REQUEST, false, 7);
            test_talk_ping(&talk, RESPONSE, true, 7);
        } else if (proof == 1) {
            test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
            test_talk_settings_ack(&talk, RESPONSE);
        } else {
            test_talk_request(&talk, 3, "x");
            end_call(&talk, 3);
        }
        end_call(&talk, 1);
        test_talk_rst(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
        test_talk_expect(
            &talk, "finding CALL-20 (I) server stream 1: the server sent RST_STREAM on stream "
                   "1 after both sides had ended\n!finding CALL-20 server\n");
        test_talk_release(&talk);
    }
}

/* ---- FLOW-01 ---- */

/* Of no protocol, so that its DATA holds no messages. */
#define PLAIN_REQUEST ":method: GET\n:scheme: http\n:path: /\n:authority: a\n"

static const uint8_t zeros[16384];

static void fill_window(struct test_talk *talk, enum sl_dir dir, uint32_t stream)
{
    for (size_t i = 0; i < 4; i++) {
        test_talk_data(talk, dir, stream, 0, sl_span(zeros, i < 3 ? 16384 : 16383));
    }
}

static void a_byte_beyond_a_window_is_found_on_either_side(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        enum sl_dir dir = i == 0 ? REQUEST : RESPONSE;
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, PLAIN_REQUEST);
        test_talk_window_update(&talk, i == 0 ? RESPONSE : REQUEST, 0, 100);
        fill_window(&talk, dir, 1);
        test_talk_data(&talk, dir, 1, 0, sl_span("", 0));
        test_talk_data(&talk, dir, 1, 0, sl_span(zeros, 1));
        test_talk_data(&talk, dir, 1, 0, sl_span(zeros, 1));
        test_talk_headers(&talk, REQUEST, 3, 0, PLAIN_REQUEST);
        test_talk_data(&talk, dir, 3, 0, sl_span(zeros, 99));
        char expected[400];
        const char *side = i == 0 ? "client" : "server";
        (void)snprintf(expected, sizeof expected,
                       "finding FLOW-01 %s stream 1: the %s sent 1 bytes of DATA on stream 1 when "
                       "the stream window was 0\n"
                       "finding FLOW-01 %s stream 3: the %s sent 99 bytes of DATA on stream 3 when "
                       "the connection window was 98\n",
                       side, side, side, side);
        test_talk_expect(&talk, expected);
        test_talk_release(&talk);
    }
}

static void a_lowered_window_that_is_not_acknowledged_is_no_bound(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    test_talk_message(&talk, RESPONSE, 1, 0, "in flight");
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span("", 0));
    test_talk_expect(&talk, "!finding\n");
    test_talk_message(&talk, RESPONSE, 1, 0, "too late");
    test_talk_expect(
        &talk, "finding FLOW-01 server stream 1: the server sent 13 bytes of DATA on stream 1 "
               "when the stream window was -14\n");
    test_talk_release(&talk);
}

static void overrun(struct test_talk *talk)
{
    test_talk_init(talk, false);
    talk->is_capture = true;
    test_talk_headers(talk, REQUEST, 1, 0, PLAIN_REQUEST);
    test_talk_window_update(talk, REQUEST, 0, 100000);
    talk->time_ms = 10;
    fill_window(talk, RESPONSE, 1);
    test_talk_data(talk, RESPONSE, 1, 0, sl_span(zeros, 16384));
}

#define OVERRUN_FOUND                                                                        \
    "finding FLOW-01 server stream 1: the server sent 16384 bytes of DATA on stream 1 when " \
    "the stream window was 0\n"

static void in_a_capture_an_overrun_waits_for_proof(void **state)
{
    (void)state;
    struct test_talk talk;
    overrun(&talk);
    test_talk_window_update(&talk, REQUEST, 1, 100000);
    test_talk_expect(&talk, "!finding\n"); /* the capture swapped two packets */
    test_talk_release(&talk);

    overrun(&talk);
    talk.time_ms = 50;
    for (int i = 0; i < 3; i++) {
        test_talk_data(&talk, RESPONSE, 1, 0, sl_span(zeros, 10));
    }
    test_talk_window_update(&talk, REQUEST, 1, 100000);
    test_talk_expect(&talk, OVERRUN_FOUND); /* the credit came far too late */
    test_talk_release(&talk);

    overrun(&talk);
    test_talk_ping(&talk, REQUEST, false, 1);
    test_talk_expect(&talk, OVERRUN_FOUND); /* no credit at all */
    test_talk_release(&talk);

    overrun(&talk);
    test_talk_expect(&talk, OVERRUN_FOUND); /* nor until the end */
    test_talk_release(&talk);
}

static void lost_credit_is_no_overrun(void **state)
{
    (void)state;
    struct test_talk talk;
    overrun(&talk);
    test_talk_window_update(&talk, REQUEST, 1, 100000);
    test_talk_lose_last(&talk, 13, true);
    test_talk_ping(&talk, REQUEST, false, 1);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span(zeros, 16384));
    test_talk_ping(&talk, REQUEST, false, 2);
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

static void a_direction_that_was_not_captured_proves_nothing(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    talk.is_capture = true;
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    fill_window(&talk, RESPONSE, 1);
    fill_window(&talk, RESPONSE, 1);
    test_talk_expect(&talk, "begin 1 stream 1 grpc\n!finding\n");
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_found_and_explained),
        cmocka_unit_test(a_status_that_is_missing_repeated_or_malformed_is_found),
        cmocka_unit_test(a_client_that_has_left_is_owed_no_status),
        cmocka_unit_test(a_stream_that_ends_on_data_behind_the_status_is_found),
        cmocka_unit_test(good_ends_and_other_answers_are_let_pass),
        cmocka_unit_test(frames_behind_the_end_are_found),
        cmocka_unit_test(frames_that_may_have_crossed_are_let_pass),
        cmocka_unit_test(a_reset_of_a_stream_that_both_had_ended_is_found),
        cmocka_unit_test(a_byte_beyond_a_window_is_found_on_either_side),
        cmocka_unit_test(a_lowered_window_that_is_not_acknowledged_is_no_bound),
        cmocka_unit_test(in_a_capture_an_overrun_waits_for_proof),
        cmocka_unit_test(lost_credit_is_no_overrun),
        cmocka_unit_test(a_direction_that_was_not_captured_proves_nothing),
    };
    return cmocka_run_group_tests_name("wire/rules", tests, NULL, NULL);
}
