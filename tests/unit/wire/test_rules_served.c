/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer does with the other's breach, and what only looks like one. */
#include <stdio.h>

#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM
#define OK_END   "grpc-status: 0\n"
#define SINGLE                                                                            \
    ":method: POST\n:scheme: http\n:path: /pkg.Svc/Single\n:authority: a\nte: trailers\n" \
    "content-type: application/grpc\n"
#define SERVED "server stream 1: the server served a call "

/* --- a server that serves what it must refuse --- */

static void a_server_that_serves_what_is_malformed_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *status, *text;
    } rows[] = {
        {TEST_REQUEST_FIELDS, OK_END, "!finding"},
        {TEST_REQUEST_FIELDS "X-Who: a\n", OK_END,
         "finding CALL-13 " SERVED "with a field that no request may have\n"},
        {TEST_REQUEST_FIELDS "X-Who: a\n", "grpc-status: 13\n", "!finding CALL-13 server"},
        {":method: POST\n" TEST_REQUEST_FIELDS, OK_END,
         "finding CALL-24 " SERVED "whose pseudo-header fields are malformed\n"},
        {":method: GET\n:scheme: http\n:path: /a.B/C\n:authority: a\nte: trailers\n"
         "content-type: application/grpc\n",
         OK_END, "finding CALL-08 (S) " SERVED "that is not a POST\n"},
        {":method: POST\n:scheme: http\n:path: /a.B/C\n:authority: a\nte: gzip\n"
         "content-type: application/grpc\n",
         OK_END, "finding CALL-11 " SERVED "with a te that is not trailers\n"},
        {TEST_REQUEST_FIELDS "content-length: 9\n", OK_END,
         "finding CALL-14 " SERVED "whose content-length is not what came\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        char fields[200];
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, END, rows[i].fields);
        (void)snprintf(fields, sizeof(fields), "%s%s", TEST_RESPONSE_FIELDS, rows[i].status);
        test_talk_headers(&talk, RESPONSE, 1, END, fields);
        test_talk_judge(&talk, rows[i].text);
    }
}

static void what_a_server_has_shown_to_have_read_it_may_not_serve(void **state)
{
    (void)state;
    for (int is_proven = 0; is_proven < 2; is_proven++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS "content-length: 9\n");
        test_talk_message(&talk, REQUEST, 1, END, "x");
        if (is_proven) {
            test_talk_ping(&talk, REQUEST, false, 7);
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS OK_END);
        test_talk_judge(&talk, is_proven ? "finding CALL-14 " SERVED
                                           "whose content-length is not what came\n"
                                         : "!finding CALL-14 server");
    }
}

static void what_is_wrong_in_trailers_may_come_behind_the_answer(void **state)
{
    (void)state;
    for (int is_proven = 0; is_proven < 2; is_proven++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
        test_talk_message(&talk, REQUEST, 1, 0, "x");
        test_talk_headers(&talk, REQUEST, 1, END, "X-Who: a\n");
        if (is_proven) {
            test_talk_ping(&talk, REQUEST, false, 7);
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS OK_END);
        test_talk_judge(&talk, is_proven ? "finding CALL-13 " SERVED
                                           "with a field that no request may have\n"
                                         : "!finding CALL-13 server");
    }
}

static void a_server_reads_the_message_of_a_method_of_one(void **state)
{
    (void)state;
    static const char marked[] = "\1\0\0\0\1x";
    for (int is_single = 0; is_single < 2; is_single++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, is_single ? SINGLE : TEST_REQUEST_FIELDS);
        test_talk_data(&talk, REQUEST, 1, END, sl_span(marked, sizeof(marked) - 1));
        test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
        test_talk_judge(&talk, is_single
                                   ? "finding FRM-05 " SERVED
                                     "with a message that is marked as compressed, by no encoding\n"
                                   : "!finding FRM-05 server");
    }
}

/* --- what only looks like a breach --- */

static void a_call_that_is_ended_and_cancelled_lacks_no_message(void **state)
{
    (void)state;
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, SINGLE);
        test_talk_data(&talk, REQUEST, 1, END, sl_span("", 0));
        if (is_cancelled) {
            test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
        }
        test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 13\n");
        test_talk_judge(
            &talk, is_cancelled ? "!finding CALL-18"
                                : "finding CALL-18 (S) client stream 1: the client ended a request "
                                  "of one message with 0 of them\n");
    }
}

static void the_answer_to_a_malformed_ping_is_no_invention(void **state)
{
    (void)state;
    const struct sl_h2_frame_header ping = {.length = 8, .type = SL_H2_PING, .stream = 1};
    static const uint8_t opaque[8] = {0};
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, TEST_REQUEST_FIELDS);
    test_talk_frame(&talk, REQUEST, &ping, opaque);
    test_talk_ping(&talk, RESPONSE, true, 0);
    test_talk_judge(&talk, "!finding CONN-02");
}

static void a_capture_shows_the_servers_first_frame_where_it_shows_the_handshake(void **state)
{
    (void)state;
    for (int is_seen = 0; is_seen < 2; is_seen++) {
        struct test_talk talk;
        test_talk_init(&talk, true);
        talk.is_capture = true;
        talk.config.is_begin_seen = is_seen;
        test_talk_raw(&talk, REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
        test_talk_ping(&talk, RESPONSE, false, 1);
        test_talk_judge(
            &talk, is_seen ? "finding CONN-01 server stream 0: the server's first frame is PING, "
                             "not SETTINGS\n"
                           : "!finding");
    }
}

static void a_capture_of_the_client_alone_does_not_tell_what_the_server_takes(void **state)
{
    (void)state;
    static const char long_frame[20000] = {0};
    for (int is_heard = 0; is_heard < 2; is_heard++) {
        struct test_talk talk;
        test_talk_init(&talk, true);
        talk.is_capture = true;
        test_talk_raw(&talk, REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
        if (is_heard) {
            test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, 100);
        }
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS "x-who-bin: AQ\n");
        test_talk_data(&talk, REQUEST, 1, 0, sl_span(long_frame, sizeof(long_frame)));
        test_talk_expect(&talk,
                         is_heard ? "finding FRM-19 client stream 1: the client sent DATA of 20000 "
                                    "bytes, longer than the other side allows\n"
                                  : "!finding");
        test_talk_release(&talk); /* too long to be read in every split */
    }
}

/* --- FLOW-20 --- */

static void an_initial_window_past_the_end_is_found(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
        test_talk_window_update(&talk, REQUEST, 1, 10);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE,
                           SL_H2_MAX_WINDOW - 10 + i);
        test_talk_judge(
            &talk, i == 1 ? "finding FLOW-20 client stream 1: the client sent "
                            "SETTINGS_INITIAL_WINDOW_SIZE 2147483638, which takes the window of "
                            "stream 1 to 2147483648: more than 2^31-1\n"
                          : "!finding");
    }
}

static void an_encoding_that_a_served_method_refuses_is_meant(void **state)
{
    (void)state;
    static const struct {
        const char *encoding, *expected;
    } rows[] = {
        {"lzma", "finding FRM-08 server stream 3: the encoding \"lzma\" was refused without "
                 "grpc-accept-encoding\n"},
        {"gzip", "!finding FRM-08\n"}, /* which the service may mean itself */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        char fields[300];
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
        test_talk_message(&talk, REQUEST, 1, END, "x");
        test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
        (void)snprintf(fields, sizeof(fields), "%sgrpc-encoding: %s\n", TEST_REQUEST_FIELDS,
                       rows[i].encoding);
        test_talk_headers(&talk, REQUEST, 3, 0, fields);
        test_talk_message(&talk, REQUEST, 3, END, "x");
        test_talk_headers(&talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 12\n");
        test_talk_judge(&talk, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_serves_what_is_malformed_is_found),
        cmocka_unit_test(what_a_server_has_shown_to_have_read_it_may_not_serve),
        cmocka_unit_test(what_is_wrong_in_trailers_may_come_behind_the_answer),
        cmocka_unit_test(a_server_reads_the_message_of_a_method_of_one),
        cmocka_unit_test(a_call_that_is_ended_and_cancelled_lacks_no_message),
        cmocka_unit_test(the_answer_to_a_malformed_ping_is_no_invention),
        cmocka_unit_test(a_capture_shows_the_servers_first_frame_where_it_shows_the_handshake),
        cmocka_unit_test(a_capture_of_the_client_alone_does_not_tell_what_the_server_takes),
        cmocka_unit_test(an_initial_window_past_the_end_is_found),
        cmocka_unit_test(an_encoding_that_a_served_method_refuses_is_meant),
    };
    return cmocka_run_group_tests_name("wire/rules_served", tests, NULL, NULL);
}
