/* SPDX-License-Identifier: Apache-2.0 */
/* Who waited for credit: by which window, how long, with how many bytes, and who held it. */
#include "lib/wire/stall.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

enum {
    WINDOW = 65535, /* RFC 9113 6.9.2 */
    FRAME = 16384,
};

/* A call on stream 1 whose client gives a window of 10 and whose server has begun to answer. */
static void begin_small(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_settings(talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    test_talk_settings_ack(talk, RESPONSE);
    test_talk_request(talk, 1, "ask");
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    talk->time_ms = 100;
}

/* The first part of a message that announces 20 bytes: all that a window of 10 takes. */
static void send_part(struct test_talk *talk, enum sl_dir dir)
{
    test_talk_data(talk, dir, 1, 0,
                   sl_span("\0\0\0\0\x14"
                           "12345",
                           10));
}

static void send_rest(struct test_talk *talk, enum sl_dir dir)
{
    test_talk_data(talk, dir, 1, 0, sl_span("123456789012345", 15));
}

static void a_message_in_progress_waits_from_the_last_credit_to_the_next(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_small(&talk);
    send_part(&talk, RESPONSE);
    talk.time_ms = 350;
    test_talk_window_update(&talk, REQUEST, 1, 15);
    talk.time_ms = 900; /* however late: what was announced was due */
    send_rest(&talk, RESPONSE);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk,
                     "stall response stream 1 by stream 100-350 credit waiting 15 announced\n"
                     "end stream 1 trailers OK from trailers messages 1/1 stalled 250/0\n"
                     "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void between_messages_only_data_right_behind_the_credit_shows_a_stall(void **state)
{
    (void)state;
    static const struct {
        uint64_t next_ms;
        const char *expected;
    } cases[] = {
        {355, "stall response stream 1 by stream 100-350 credit waiting 10\n"
              "end stream 1 trailers OK from trailers messages 1/2 stalled 250/0\n"},
        {700, "end stream 1 trailers OK from trailers messages 1/2\n!stall\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_talk talk;
        begin_small(&talk);
        test_talk_message(&talk, RESPONSE, 1, 0, "12345");
        talk.time_ms = 350;
        test_talk_window_update(&talk, REQUEST, 1, 10);
        talk.time_ms = cases[i].next_ms;
        test_talk_message(&talk, RESPONSE, 1, 0, "12345");
        talk.time_ms += 100;
        test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
        test_talk_expect(&talk, cases[i].expected);
        test_talk_release(&talk);
    }
}

/* Bytes that came at once, and those that their last message still announced. */
static void what_came_at_once_was_waiting(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_small(&talk);
    test_talk_message(&talk, RESPONSE, 1, 0, "12345");
    talk.time_ms = 350;
    test_talk_window_update(&talk, REQUEST, 1, 10);
    send_part(&talk, RESPONSE);
    talk.time_ms = 500;
    test_talk_rst(&talk, REQUEST, 1, 8);
    test_talk_expect(&talk,
                     "stall response stream 1 by stream 100-350 credit waiting 25\n"
                     "stall response stream 1 by stream 350-500 call_end waiting 15 announced\n");
    test_talk_release(&talk);
}

static void a_window_below_zero_opens_by_settings(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    send_part(&talk, RESPONSE);
    talk.time_ms = 100;
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 4);
    talk.time_ms = 110;
    test_talk_settings_ack(&talk, RESPONSE); /* -6 */
    talk.time_ms = 200;
    test_talk_window_update(&talk, REQUEST, 1, 6); /* 0 */
    talk.time_ms = 300;
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 50);
    send_rest(&talk, RESPONSE);
    test_talk_expect(&talk,
                     "stall response stream 1 by stream 110-300 settings waiting 15 announced\n");
    test_talk_release(&talk);
}

/* A client that gives credit by WINDOW_UPDATE alone. */
static void a_stream_may_begin_without_credit(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_request(&talk, 1, "ask");
    talk.time_ms = 40;
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    talk.time_ms = 900;
    test_talk_window_update(&talk, REQUEST, 1, 100);
    test_talk_message(&talk, RESPONSE, 1, 0, "12345");
    test_talk_expect(&talk, "stall response stream 1 by stream 40-900 credit waiting 10\n");
    test_talk_release(&talk);
}

static void a_client_can_be_the_one_that_waits(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    test_talk_settings_ack(&talk, REQUEST);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    talk.time_ms = 100;
    send_part(&talk, REQUEST);
    talk.time_ms = 400;
    test_talk_window_update(&talk, RESPONSE, 1, 100);
    send_rest(&talk, REQUEST);
    test_talk_expect(&talk,
                     "stall request stream 1 by stream 100-400 credit waiting 15 announced\n");
    test_talk_release(&talk);
}

static void a_stall_may_last_to_the_end(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_small(&talk);
    send_part(&talk, RESPONSE);
    talk.time_ms = 250;
    test_talk_ping(&talk, REQUEST, false, 1);
    test_talk_expect(&talk, "stall response stream 1 by stream 100-250 open waiting 15 announced\n"
                            "end stream 1 open messages 1/0 stalled 150/0\n");
    test_talk_release(&talk);
}

/* One message of size bytes with its prefix, in frames as large as they may be. */
static void send_large(struct test_talk *talk, uint32_t stream, size_t size)
{
    uint8_t frame[FRAME] = {0, 0, 0, (uint8_t)((size - 5) >> 8), (uint8_t)(size - 5)};
    for (size_t left = size; left > 0;) {
        size_t len = left < FRAME ? left : FRAME;
        test_talk_data(talk, RESPONSE, stream, 0, sl_span(frame, len));
        memset(frame, 0, sizeof frame);
        left -= len;
    }
}

static void begin_pair(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_request(talk, 1, "ask");
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_request(talk, 3, "ask");
    test_talk_headers(talk, RESPONSE, 3, 0, TEST_RESPONSE_FIELDS);
    talk->time_ms = 100;
}

static void an_unread_stream_starves_its_siblings(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_pair(&talk);
    /* Stream 1 has room for more, but nobody reads what it was sent. */
    test_talk_window_update(&talk, REQUEST, 1, WINDOW);
    send_large(&talk, 1, WINDOW);
    talk.time_ms = 200;
    test_talk_request(&talk, 5, "ask");
    test_talk_headers(&talk, RESPONSE, 5, 0, TEST_RESPONSE_FIELDS);
    talk.time_ms = 600;
    test_talk_window_update(&talk, REQUEST, 0, WINDOW);
    talk.time_ms = 601;
    test_talk_message(&talk, RESPONSE, 3, 0, "12345");
    test_talk_message(&talk, RESPONSE, 5, 0, "12345");
    talk.time_ms = 602;
    test_talk_message(&talk, RESPONSE, 3, 0, "once is enough");
    talk.time_ms = 5000;
    test_talk_message(&talk, RESPONSE, 1, 0, "nothing was due");
    test_talk_expect(&talk,
                     "stall response stream 3 by connection 100-600 credit waiting 10 1:65535\n"
                     "stall response stream 5 by connection 200-600 credit waiting 10 1:65535\n"
                     "!stall response stream 1\n!finding\n");
    test_talk_release(&talk);
}

/* The connection opens for moments, which others use up: one wait for who gets nothing. */
static void credit_that_others_take_at_once_ends_no_stall(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_pair(&talk);
    test_talk_data(&talk, RESPONSE, 3, 0,
                   sl_span("\0\0\0\0\x14"
                           "12345",
                           10));
    test_talk_window_update(&talk, REQUEST, 1, WINDOW);
    send_large(&talk, 1, WINDOW - 10);
    for (unsigned i = 1; i <= 3; i++) {
        talk.time_ms = 100 + 100 * i;
        test_talk_window_update(&talk, REQUEST, 0, 1000);
        send_large(&talk, 1, 1000);
    }
    talk.time_ms = 600;
    test_talk_window_update(&talk, REQUEST, 0, WINDOW);
    test_talk_data(&talk, RESPONSE, 3, 0, sl_span("123456789012345", 15));
    test_talk_expect(&talk, "stall response stream 1 by connection 100-200 credit waiting 1000 "
                            "1:65525 3:10\n"
                            "stall response stream 3 by connection 100-600 credit waiting 15 "
                            "announced 1:65535 3:10\n");
    test_talk_release(&talk);
}

/* The stream's own window comes first; what is left of the wait is the connection's. */
static void both_windows_are_told_one_after_the_other(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_pair(&talk);
    send_large(&talk, 1, WINDOW);
    talk.time_ms = 300;
    test_talk_window_update(&talk, REQUEST, 1, 100);
    talk.time_ms = 400;
    test_talk_window_update(&talk, REQUEST, 0, 100);
    test_talk_message(&talk, RESPONSE, 1, 0, "x");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk,
                     "stall response stream 1 by stream 100-300 credit waiting 6\n"
                     "stall response stream 1 by connection 300-400 credit waiting 6 1:65535\n"
                     "end stream 1 trailers OK from trailers messages 1/2 stalled 200/100\n");
    test_talk_release(&talk);
}

static void who_sends_without_credit_has_not_waited(void **state)
{
    (void)state;
    struct test_talk talk;
    begin_small(&talk);
    send_part(&talk, RESPONSE);
    talk.time_ms = 350;
    send_rest(&talk, RESPONSE);
    test_talk_window_update(&talk, REQUEST, 1, 100);
    test_talk_message(&talk, RESPONSE, 1, 0, "12345");
    test_talk_expect(&talk, "finding FLOW-01 server stream 1: the server sent 15 bytes of DATA on "
                            "stream 1 when the stream window was 0\n!stall\n");
    test_talk_release(&talk);
}

static void nothing_is_told_where_credit_may_be_missing(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_request(&talk, 1, "ask");
    test_talk_window_update(&talk, REQUEST, 1, 10);
    test_talk_lose_last(&talk, 2, true);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    talk.time_ms = 100;
    send_part(&talk, RESPONSE);
    talk.time_ms = 500;
    test_talk_rst(&talk, RESPONSE, 1, 0);
    test_talk_expect(&talk, "end stream 1 reset_by_server INTERNAL from rst_stream messages 1/0\n"
                            "!stall\n!finding\n");
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_progress_waits_from_the_last_credit_to_the_next),
        cmocka_unit_test(between_messages_only_data_right_behind_the_credit_shows_a_stall),
        cmocka_unit_test(what_came_at_once_was_waiting),
        cmocka_unit_test(a_window_below_zero_opens_by_settings),
        cmocka_unit_test(a_stream_may_begin_without_credit),
        cmocka_unit_test(a_client_can_be_the_one_that_waits),
        cmocka_unit_test(a_stall_may_last_to_the_end),
        cmocka_unit_test(an_unread_stream_starves_its_siblings),
        cmocka_unit_test(credit_that_others_take_at_once_ends_no_stall),
        cmocka_unit_test(both_windows_are_told_one_after_the_other),
        cmocka_unit_test(who_sends_without_credit_has_not_waited),
        cmocka_unit_test(nothing_is_told_where_credit_may_be_missing),
    };
    return cmocka_run_group_tests_name("wire/observer_stalls", tests, NULL, NULL);
}
