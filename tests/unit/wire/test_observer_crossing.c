/* SPDX-License-Identifier: Apache-2.0 */
/* What one side had sent before it knew that the other had ended the call (is_crossing_counted). */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

/* One message each way, then the client resets stream 1. */
static void cancelled(struct test_talk *talk, bool is_counted)
{
    test_talk_init(talk, false);
    talk->config.is_crossing_counted = is_counted;
    test_talk_request(talk, 1, "ask");
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(talk, RESPONSE, 1, 0, "one");
    test_talk_rst(talk, REQUEST, 1, SL_H2_CANCEL);
}

static void messages_that_cross_a_reset_are_counted(void **state)
{
    (void)state;
    struct test_talk talk;
    cancelled(&talk, true);
    test_talk_message(&talk, RESPONSE, 1, 0, "two");
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span("\0\0\0\0\5thr", 8));
    test_talk_expect(&talk, "message response stream 1 #2 flag 0 'two'\n"
                            "end stream 1 reset_by_client CANCELLED from rst_stream messages 1/2\n"
                            "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void without_the_setting_a_reset_ends_the_call_at_once(void **state)
{
    (void)state;
    struct test_talk talk;
    cancelled(&talk, false);
    test_talk_message(&talk, RESPONSE, 1, 0, "two");
    test_talk_expect(&talk, "end stream 1 reset_by_client CANCELLED from rst_stream messages 1/1\n"
                            "!message response stream 1 #2\n!finding\n");
    test_talk_release(&talk);
}

static void a_status_that_crosses_a_reset_is_the_status_on_the_wire(void **state)
{
    (void)state;
    struct test_talk talk;
    cancelled(&talk, true);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 8\n");
    test_talk_expect(&talk,
                     "end stream 1 reset_by_client RESOURCE_EXHAUSTED from trailers messages 1/1\n"
                     "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_server_that_shows_it_knows_ends_the_waiting(void **state)
{
    (void)state;
    struct test_talk talk;
    cancelled(&talk, true);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_message(&talk, RESPONSE, 1, 0, "two");
    test_talk_ping(&talk, RESPONSE, true, 7);
    test_talk_request(&talk, 3, "next");
    test_talk_expect(&talk, "message response stream 1 #2 flag 0 'two'\n"
                            "end stream 1 reset_by_client CANCELLED from rst_stream messages 1/2\n"
                            "begin 2 stream 3 grpc\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void messages_of_a_client_that_was_answered_early_are_counted(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.is_crossing_counted = true;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 12\n");
    test_talk_message(&talk, REQUEST, 1, 0, "late");
    test_talk_rst(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_request(&talk, 3, "next");
    test_talk_expect(&talk, "message request stream 1 #1 flag 0 'late'\n"
                            "end stream 1 trailers UNIMPLEMENTED from trailers_only messages 1/0\n"
                            "begin 2 stream 3 grpc\n!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

/* The C core resets its streams when it reads the server's FIN; its user sees UNAVAILABLE. */
static void a_reset_in_reply_to_the_servers_end_is_no_cancel(void **state)
{
    (void)state;
    for (int is_half_closed = 0; is_half_closed < 2; is_half_closed++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        talk.config.is_crossing_counted = true;
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
        test_talk_message(&talk, REQUEST, 1, is_half_closed ? END : 0, "ask");
        test_talk_close(&talk, RESPONSE, false);
        test_talk_rst(&talk, REQUEST, 1, SL_H2_REFUSED_STREAM);
        test_talk_expect(&talk, "end stream 1 closed_by_server UNAVAILABLE from "
                                "connection_closed messages 1/0\n");
        test_talk_every_split(&talk);
        test_talk_release(&talk);
    }
}

static void messages_that_cross_the_servers_end_are_counted(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.is_crossing_counted = true;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_close(&talk, RESPONSE, false);
    test_talk_message(&talk, REQUEST, 1, 0, "late");
    test_talk_request(&talk, 3, "later");
    test_talk_expect(&talk, "end stream 1 closed_by_server UNAVAILABLE from "
                            "connection_closed messages 1/0\n"
                            "end stream 3 closed_by_server UNAVAILABLE from "
                            "connection_closed messages 1/0\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void ended_calls_that_wait_are_bounded(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 1 << 20);
    struct sl_observer_config config = sl_observer_defaults();
    struct test_transcript transcript = {.text = &text};
    config.handler = &test_transcript_handler;
    config.owner = &transcript;
    config.is_crossing_counted = true;
    struct sl_observer *observer = sl_observer_new(&config);
    struct sl_at at = {0};
    sl_observer_feed(observer, REQUEST, sl_span(SL_H2_PREFACE, SL_H2_PREFACE_SIZE), &at);
    for (uint32_t stream = 1; stream < 2 * 300; stream += 2) {
        struct sl_buf bytes;
        sl_buf_init(&bytes, 256);
        /* :method POST of the static table, then a reset. */
        (void)sl_h2_write_frame(&bytes, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, stream,
                                sl_span("\x83", 1));
        (void)sl_h2_write_rst_stream(&bytes, stream, SL_H2_CANCEL);
        sl_observer_feed(observer, REQUEST, sl_buf_span(&bytes), &at);
        sl_buf_release(&bytes);
    }
    const char *all = sl_buf_str(&text);
    assert_non_null(strstr(all, "end stream 1 "));
    assert_null(strstr(all, "end stream 599 "));
    sl_observer_finish(observer);
    assert_non_null(strstr(sl_buf_str(&text), "end stream 599 "));
    sl_observer_free(observer);
    sl_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_cross_a_reset_are_counted),
        cmocka_unit_test(without_the_setting_a_reset_ends_the_call_at_once),
        cmocka_unit_test(a_status_that_crosses_a_reset_is_the_status_on_the_wire),
        cmocka_unit_test(a_server_that_shows_it_knows_ends_the_waiting),
        cmocka_unit_test(messages_of_a_client_that_was_answered_early_are_counted),
        cmocka_unit_test(a_reset_in_reply_to_the_servers_end_is_no_cancel),
        cmocka_unit_test(messages_that_cross_the_servers_end_are_counted),
        cmocka_unit_test(ended_calls_that_wait_are_bounded),
    };
    return cmocka_run_group_tests_name("wire/observer_crossing", tests, NULL, NULL);
}
