/* SPDX-License-Identifier: Apache-2.0 */
/* Lost bytes and late starts. */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void begin_stream(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_request(talk, 1, "ask");
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
}

static void a_gap_inside_a_payload_costs_one_message(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 4, true);
    test_talk_message(&talk, RESPONSE, 1, 0, "next");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "message response stream 1 #1 flag 0 '012345' incomplete cut\n"
                            "message response stream 1 #2 flag 0 'next'\n"
                            "end stream 1 trailers OK from trailers messages 1/1 gap\n"
                            "!skipped\n!finding\n");
    test_talk_release(&talk);
}

static void a_gap_over_a_prefix_costs_the_rest_of_the_frame(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_raw(&talk, RESPONSE, "\0\0\x11\0\0\0\0\0\1\0\0\0\0\1a\0\0\0", 18);
    test_talk_lose_last(&talk, 4, true);
    test_talk_raw(&talk, RESPONSE, "\0\4bcde\0\0", 8);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span("\0\0\0\0\0\1\2\3continues", 17));
    test_talk_message(&talk, RESPONSE, 1, 0, "found again");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "message response stream 1 #1 flag 0 '' incomplete\n"
                            "message response stream 1 #2 flag 0 'found again'\n"
                            "end stream 1 trailers OK from trailers messages 1/1 gap\n!skipped\n");
    test_talk_release(&talk);
}

static void a_gap_of_unknown_size_is_left_at_the_next_frame(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 4, false);
    test_talk_message(&talk, RESPONSE, 1, 0, "next");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\ngrpc-message: no\n");
    test_talk_expect(&talk, "message response stream 1 #1 flag 0 '012345' incomplete\n"
                            "message response stream 1 #2 flag 0 'next'\n"
                            "headers trailers stream 1 grpc-status=0 grpc-message=no\n"
                            "end stream 1 trailers OK from trailers messages 1/1 gap\n!finding\n");
    test_talk_release(&talk);
}

/* Its trailers may have been among what is missing: UNAVAILABLE would be made up. */
static void a_call_that_may_have_ended_in_a_gap_has_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 4, false);
    test_talk_ping(&talk, RESPONSE, false, 7);
    test_talk_close(&talk, RESPONSE, false);
    test_talk_close(&talk, REQUEST, false);
    test_talk_expect(&talk, "end stream 1 closed_by_server messages 1/0 gap\n!finding\n");
    test_talk_release(&talk);
}

static void a_frame_boundary_in_the_middle_of_a_piece_is_found(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 19, false);
    test_talk_raw(&talk, RESPONSE,
                  "rest of a frame\0\0\x08\0\0\0\0\0\1\0\0\0\0\3abc"
                  "\0\0\4\x08\0\0\0\0\0\0\0\0\1",
                  15 + 17 + 13);
    test_talk_message(&talk, RESPONSE, 1, 0, "next");
    test_talk_expect(&talk, "skipped < 15\n"
                            "message response stream 1 #1 flag 0 'abc'\n"
                            "message response stream 1 #2 flag 0 'next'\n");
    test_talk_release(&talk);
}

static void lost_table_entries_are_never_guessed(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_lose_last(&talk, 8, true);
    test_talk_request(&talk, 3, "x");
    test_talk_headers(&talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    /* A gap at a frame boundary: what was lost is not known, so the table is not either. */
    test_talk_expect(&talk,
                     "begin 2 stream 3 grpc\n"
                     "headers request stream 3 :method=POST :scheme=http :path=/pkg.Svc/Method "
                     "lost 3\n"
                     "end stream 3 trailers OK from trailers_only messages 1/0 lost_headers\n"
                     "end stream 1 open messages 0/0 gap\n!finding\n");
    test_talk_release(&talk);
}

static void a_lost_block_costs_its_call_the_headers(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    test_talk_headers(&talk, REQUEST, 1, END, TEST_REQUEST_FIELDS);
    test_talk_lose_last(&talk, 3, true);
    test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 3\n");
    test_talk_expect(&talk,
                     "begin 1 stream 1 grpc\n"
                     "headers request stream 1\n"
                     "end stream 1 trailers INVALID_ARGUMENT from trailers_only messages 0/0 gap "
                     "lost_headers\n!skipped\n");
    test_talk_release(&talk);
}

static void a_late_start_joins_the_calls_that_run(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "before");
    /* The observer sees nothing of the above. */
    talk.bytes.len = 0;
    talk.count = 0;
    talk.is_midway = true;
    test_talk_raw(&talk, RESPONSE, "half a message", 14);
    test_talk_message(&talk, RESPONSE, 1, 0, "after");
    test_talk_request(&talk, 3, "ask");
    test_talk_headers(&talk, RESPONSE, 3, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 3, 0, "answer");
    test_talk_headers(&talk, RESPONSE, 3, END, "grpc-status: 0\n");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 5\n");
    test_talk_expect(&talk,
                     "begin 1 stream 1 grpc midway\n"
                     "message response stream 1 #1 flag 0 'after'\n"
                     "begin 2 stream 3 grpc\n"
                     "headers request stream 3 :method=POST :scheme=http :path=/pkg.Svc/Method "
                     "lost 3\n"
                     "message request stream 3 #1 flag 0 'ask'\n"
                     "headers response stream 3 :status=200 lost 1\n"
                     "message response stream 3 #1 flag 0 'answer'\n"
                     "end stream 3 trailers OK from trailers messages 1/1 lost_headers\n"
                     "end stream 1 trailers NOT_FOUND from trailers messages 0/1\n"
                     "!finding\n");
    test_talk_release(&talk);
}

static void a_response_captured_before_its_request_finds_it(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.is_capture = true;
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_request(&talk, 1, "ask");
    test_talk_message(&talk, RESPONSE, 1, 0, "answer");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "begin 1 stream 1 grpc\n"
                            "headers response stream 1 :status=200 content-type=application/grpc\n"
                            "message request stream 1 #1 flag 0 'ask'\n"
                            "message response stream 1 #1 flag 0 'answer'\n"
                            "end stream 1 trailers OK from trailers messages 1/1\n!finding\n");
    test_talk_release(&talk);
}

static void every_byte_is_framed_or_skipped(void **state)
{
    (void)state;
    struct sl_observer_config config = sl_observer_defaults();
    config.is_midway = true;
    struct sl_observer *observer = sl_observer_new(&config);
    const struct sl_at at = {.packet = 1};
    static const uint8_t noise[1000] = {0};
    sl_observer_feed(observer, REQUEST, sl_span(noise, sizeof noise), &at);
    sl_observer_feed(observer, REQUEST, sl_span("\0\0\0\4\0\0\0\0\0", 9), &at);
    sl_observer_feed(observer, REQUEST, sl_span("\0\0\0\4", 4), &at);
    sl_observer_gap(observer, REQUEST, 77, &at);
    sl_observer_feed(observer, REQUEST, sl_span(noise, 5), &at);
    sl_observer_finish(observer);
    const struct sl_observer_totals *totals = sl_observer_totals(observer);
    assert_int_equal(totals->bytes[REQUEST], 1018);
    assert_int_equal(totals->framed_bytes[REQUEST] + totals->skipped_bytes[REQUEST], 1018);
    assert_true(totals->framed_bytes[REQUEST] >= 9);
    assert_int_equal(totals->missing_bytes[REQUEST], 77);
    assert_int_equal(totals->gaps[REQUEST], 1);
    sl_observer_free(observer);
}

/* ---- what was lost may have been the end ---- */

/* Whatever the trailers said, CANCELLED would be made up. */
static void a_reset_behind_lost_trailers_is_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 5\n");
    test_talk_lose_last(&talk, 10, false);
    test_talk_ping(&talk, RESPONSE, false, 7);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_expect(&talk, "end stream 1 reset_by_client messages 1/0 gap\n!finding\n");
    test_talk_release(&talk);
}

static void a_reset_whose_bytes_are_lost_leaves_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_lose_last(&talk, 4, true);
    test_talk_close(&talk, RESPONSE, false);
    test_talk_close(&talk, REQUEST, false);
    test_talk_expect(&talk, "end stream 1 closed_by_server messages 1/0 gap\n!finding\n");
    test_talk_release(&talk);
}

/* The client's END_STREAM was seen; its RST_STREAM may be among what is missing. */
static void a_call_that_may_have_been_reset_has_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_lose_last(&talk, 13, true);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_close(&talk, RESPONSE, false);
    test_talk_close(&talk, REQUEST, false);
    test_talk_expect(&talk, "end stream 1 closed_by_server messages 1/0\n!finding\n");
    test_talk_release(&talk);
}

static void a_message_lost_before_the_reset_of_its_sender_is_told(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_message(&talk, REQUEST, 1, 0, "ask");
    test_talk_lose_last(&talk, 17, true);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_expect(&talk,
                     "end stream 1 reset_by_client CANCELLED from rst_stream messages 0/0 gap\n"
                     "!finding\n");
    test_talk_release(&talk);
}

/* The deadline may have been in the block that could not be decoded. */
static void a_client_reset_with_a_hidden_deadline_is_no_status(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_lose_last(&talk, 8, true);
    test_talk_request(&talk, 3, "x");
    test_talk_headers(&talk, RESPONSE, 3, 0, TEST_RESPONSE_FIELDS);
    test_talk_rst(&talk, REQUEST, 3, SL_H2_CANCEL);
    test_talk_request(&talk, 5, "x");
    test_talk_rst(&talk, RESPONSE, 5, SL_H2_REFUSED_STREAM);
    test_talk_expect(
        &talk,
        "end stream 3 reset_by_client messages 1/0 lost_headers\n"
        "end stream 5 reset_by_server UNAVAILABLE from rst_stream messages 1/0 lost_headers\n");
    test_talk_release(&talk);
}

/* Calls that begin while the other side's frames are not found again lose what is skipped. */
static void a_call_begun_before_frames_are_found_again_is_not_whole(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 4, false);
    test_talk_request(&talk, 3, "ask");
    test_talk_raw(&talk, RESPONSE, "no frame at all is in these bytes", 33);
    test_talk_close(&talk, RESPONSE, false);
    test_talk_close(&talk, REQUEST, false);
    test_talk_expect(&talk, "end stream 3 closed_by_server messages 1/0 gap\n!finding\n");
    test_talk_release(&talk);
}

/* Only the client's last frames were captured: the server may have answered before. */
static void a_call_answered_before_the_capture_has_no_status(void **state)
{
    (void)state;
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        struct test_talk talk;
        test_talk_init(&talk, true);
        talk.is_midway = true;
        test_talk_ping(&talk, REQUEST, false, 7);
        test_talk_ping(&talk, RESPONSE, true, 7);
        test_talk_message(&talk, REQUEST, 1, is_reset ? 0 : END, "last");
        if (is_reset) {
            test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
        }
        test_talk_ping(&talk, REQUEST, false, 8);
        test_talk_close(&talk, RESPONSE, false);
        test_talk_close(&talk, REQUEST, false);
        test_talk_expect(&talk, is_reset ? "end stream 1 reset_by_client messages 1/0"
                                         : "end stream 1 closed_by_server messages 1/0");
        test_talk_release(&talk);
    }
}

static void frames_at_the_start_of_a_piece_win_over_what_may_be_a_long_one(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_stream(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "0123456789");
    test_talk_lose_last(&talk, 19, false);
    test_talk_raw(&talk, RESPONSE, "rest\0\x3f\0\0\0\0\0\0\1 of a frame", 24);
    test_talk_message(&talk, RESPONSE, 1, 0, "next");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "skipped < 20\n"
                            "message response stream 1 #1 flag 0 'next'\n"
                            "end stream 1 trailers OK from trailers messages 1/1 gap\n");
    test_talk_release(&talk);
}

/* The client's preface was captured, and the SETTINGS and credit of the server just before were not. */
static void a_server_that_does_not_begin_with_settings_began_earlier(void **state)
{
    (void)state;
    static const uint8_t bytes[16000] = {0, 0, 1, 0x86, 0xa0}; /* of a message of 100,000 */
    struct test_talk talk;
    test_talk_init(&talk, true);
    talk.is_capture = true; /* on a live connection it is CONN-01 */
    test_talk_raw(&talk, REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    for (int i = 0; i < 5; i++) { /* 80,000 bytes */
        test_talk_data(&talk, REQUEST, 1, 0, sl_span(bytes, sizeof bytes));
    }
    test_talk_expect(&talk, "begin 1 stream 1 grpc\n"
                            "!finding\n!skipped\n");
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_inside_a_payload_costs_one_message),
        cmocka_unit_test(a_gap_over_a_prefix_costs_the_rest_of_the_frame),
        cmocka_unit_test(a_gap_of_unknown_size_is_left_at_the_next_frame),
        cmocka_unit_test(a_call_that_may_have_ended_in_a_gap_has_no_status),
        cmocka_unit_test(a_frame_boundary_in_the_middle_of_a_piece_is_found),
        cmocka_unit_test(lost_table_entries_are_never_guessed),
        cmocka_unit_test(a_lost_block_costs_its_call_the_headers),
        cmocka_unit_test(a_late_start_joins_the_calls_that_run),
        cmocka_unit_test(a_server_that_does_not_begin_with_settings_began_earlier),
        cmocka_unit_test(a_response_captured_before_its_request_finds_it),
        cmocka_unit_test(every_byte_is_framed_or_skipped),
        cmocka_unit_test(a_reset_behind_lost_trailers_is_no_status),
        cmocka_unit_test(a_reset_whose_bytes_are_lost_leaves_no_status),
        cmocka_unit_test(a_call_that_may_have_been_reset_has_no_status),
        cmocka_unit_test(a_message_lost_before_the_reset_of_its_sender_is_told),
        cmocka_unit_test(a_client_reset_with_a_hidden_deadline_is_no_status),
        cmocka_unit_test(a_call_begun_before_frames_are_found_again_is_not_whole),
        cmocka_unit_test(a_call_answered_before_the_capture_has_no_status),
        cmocka_unit_test(frames_at_the_start_of_a_piece_win_over_what_may_be_a_long_one),
    };
    return cmocka_run_group_tests_name("wire/observer_gaps", tests, NULL, NULL);
}
