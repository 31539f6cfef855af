/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of clients: their requests, streams and messages: bytes that break them, and near misses. */
#include <stdio.h>

#include "lib/wire/hpack.h"
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

/* "CALL-13 ..." is wanted; "!..." is what must not be there. */
static void judge_row(struct test_talk *talk, const char *text)
{
    char expected[300];
    (void)snprintf(expected, sizeof(expected), "%s%s\n", text[0] == '!' ? "" : "finding ", text);
    test_talk_judge(talk, expected);
}

/* --- fields --- */

struct field {
    const char *name, *value;
};

/* A block of literals, as no encoder would write it; fields end at a NULL name. */
static void send_raw(struct test_talk *talk, uint8_t flags, const struct field *fields)
{
    struct sl_buf block;
    sl_buf_init(&block, 4096);
    for (; fields->name != NULL; fields++) {
        assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_WITHOUT_INDEXING,
                                                sl_span_str(fields->name),
                                                sl_span_str(fields->value)),
                         SL_OK);
    }
    const struct sl_h2_frame_header header = {.length = (uint32_t)block.len,
                                              .type = SL_H2_HEADERS,
                                              .flags = flags | SL_H2_FLAG_END_HEADERS,
                                              .stream = 1};
    test_talk_frame(talk, REQUEST, &header, block.data);
    sl_buf_release(&block);
}

/* clang-format off */
#define METHOD    {":method", "POST"}
#define SCHEME    {":scheme", "http"}
#define PATH      {":path", "/a.B/C"}
#define AUTHORITY {":authority", "a"}
#define TE        {"te", "trailers"}
#define TYPE      {"content-type", "application/grpc"}
#define PSEUDO    METHOD, SCHEME, PATH, AUTHORITY
#define ALL       PSEUDO, TE, TYPE
/* clang-format on */

static void requests_that_are_malformed_are_found(void **state)
{
    (void)state;
    static const struct {
        struct field fields[10];
        const char *text;
    } rows[] = {
        {{ALL}, "!finding"},
        {{ALL, {"X-Who", "a"}},
         "CALL-13 client stream 1: the client's request has a field \"X-Who\" whose name has "
         "capital letters"},
        {{ALL, {"x-who", "A"}}, "!finding"},
        {{ALL, {"connection", "close"}},
         "CALL-13 client stream 1: the client's request has a field \"connection\" that is of an "
         "HTTP/1.1 connection"},
        {{METHOD, SCHEME, {":path", "/a.B/C"}, TE, TYPE, AUTHORITY},
         "CALL-13 client stream 1: the client's request has a field \":authority\" that comes "
         "behind other fields"},
        {{AUTHORITY, {":path", "/a.B/C"}, SCHEME, METHOD, TE, TYPE}, "!finding"},
        {{METHOD, PSEUDO, TE, TYPE},
         "CALL-24 client stream 1: the client's request has a field \":method\" more than once"},
        {{METHOD, {":path", "/a.B/C"}, AUTHORITY, TE, TYPE},
         "CALL-24 client stream 1: the client's request has no :scheme"},
        {{PSEUDO, {":status", "200"}, TE, TYPE},
         "CALL-24 client stream 1: the client's request has a field \":status\" that no request "
         "has"},
        {{METHOD, SCHEME, {":path", ""}, AUTHORITY, TE, TYPE},
         "CALL-24 client stream 1: the client's request has a field \":path\" that is empty"},
        {{{":method", "CONNECT"}, AUTHORITY}, "!finding"},
        {{{":method", "CONNECT"}, {":protocol", "websocket"}, AUTHORITY},
         "CALL-24 client stream 1: the client's request has no :scheme"},
        {{ALL, {"", "nothing"}},
         "META-06 client stream 1: the client's request has a field \"\" without a name"},
        {{ALL, {"x-who", "a\r\nx-evil: 1"}},
         "META-06 client stream 1: the client's request has a field \"x-who\" whose value has CR, "
         "LF or NUL in it"},
        {{PSEUDO, {"te", "trailers, deflate"}, TYPE},
         "CALL-11 client stream 1: the client's request has te: \"trailers, deflate\", where only "
         "trailers may be"},
        {{PSEUDO, TYPE}, "CALL-11 (I) client stream 1: the client's request has no te: trailers"},
        {{METHOD, SCHEME, PATH, TE, TYPE},
         "CALL-12 (S) client stream 1: the client's request has neither :authority nor host"},
        {{METHOD, SCHEME, PATH, TE, TYPE, {"host", "a"}}, "!finding"},
        {{{":method", "GET"}, SCHEME, PATH, AUTHORITY, TE, TYPE},
         "CALL-08 (S) client stream 1: the client's call is a GET, not a POST"},
        {{{":method", "GET"}, SCHEME, {":path", "/?x"}, AUTHORITY}, "!finding"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        send_raw(&talk, 0, rows[i].fields);
        judge_row(&talk, rows[i].text);
    }
}

static void paths_timeouts_and_values_without_their_grammar_are_found(void **state)
{
    (void)state;
#define WITH(path) ":method: POST\n:scheme: http\n:path: " path "\n:authority: a\nte: trailers\n"
#define TYPED      WITH("/a.B/C") "content-type: application/grpc\n"
    static const struct {
        const char *fields, *text;
    } rows[] = {
        {WITH("a.B/C") "content-type: application/grpc\n",
         "CALL-07 client stream 1: the path of the client's call, \"a.B/C\", does not begin with a "
         "slash"},
        {WITH("/C") "content-type: application/grpc\n",
         "CALL-06 (S) client stream 1: the path of the client's call, \"/C\", names no method "
         "behind its service"},
        {WITH("/a.B//C") "content-type: application/grpc\n",
         "CALL-06 (S) client stream 1: the path of the client's call, \"/a.B//C\", has two slashes "
         "together"},
        {WITH("/a.B/C?x=1") "content-type: application/grpc\n",
         "CALL-06 (S) client stream 1: the path of the client's call, \"/a.B/C?x=1\", has a query "
         "or fragment"},
        {WITH("/a.B/") "content-type: application/grpc\n",
         "CALL-06 (S) client stream 1: the path of the client's call, \"/a.B/\", names no method "
         "behind its last slash"},
        {WITH("/proxy/a.B/C") "content-type: application/grpc\n", "!finding"},
        {TYPED "grpc-timeout: 99999999H\n", "!finding"},
        {TYPED "grpc-timeout: 0n\n", "!finding"},
        {TYPED "grpc-timeout: 123456789n\n",
         "TIME-04 (S) client stream 1: grpc-timeout is \"123456789n\", not one to eight digits and "
         "one of H M S m u n"},
        {TYPED "grpc-timeout: 5\n",
         "TIME-04 (S) client stream 1: grpc-timeout is \"5\", not one to eight digits and one of H "
         "M S m u n"},
        {TYPED "grpc-timeout: -1m\n",
         "TIME-04 (S) client stream 1: grpc-timeout is \"-1m\", not one to eight digits and one of "
         "H M S m u n"},
        {TYPED "grpc-timeout: 5x\n",
         "TIME-04 (S) client stream 1: grpc-timeout is \"5x\", not one to eight digits and one of "
         "H M S m u n"},
        {TYPED "grpc-timeout: 1S\ngrpc-timeout: 2S\n",
         "TIME-04 (S) client stream 1: the client's request has grpc-timeout 2 times"},
        {TYPED "x-who: caf\xc3\xa9\n",
         "META-05 (S) client stream 1: the value of \"x-who\" in the client's request has a byte "
         "that is no printable ASCII"},
        {TYPED "x-who-bin: YQ,YWI\n", "!finding"},
        {TYPED "x-who-bin: YQ==\n",
         "META-02 (S) client stream 1: the value of x-who-bin in the client's request is sent with "
         "padding"},
        {TYPED "x-who-bin: a-b_\n",
         "META-02 client stream 1: the value of x-who-bin in the client's request is no base64"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, rows[i].fields);
        judge_row(&talk, rows[i].text);
    }
}

static void a_server_that_serves_a_path_without_slash_is_found(void **state)
{
    (void)state;
    for (int is_refused = 0; is_refused < 2; is_refused++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, END, WITH("a.B/C") "content-type: application/grpc\n");
        test_talk_headers(&talk, RESPONSE, 1, END,
                          is_refused ? TEST_RESPONSE_FIELDS "grpc-status: 12\n"
                                     : TEST_RESPONSE_FIELDS "grpc-status: 0\n");
        judge_row(&talk, is_refused ? "!finding CALL-07 server"
                                    : "CALL-07 server stream 1: the server served a call whose "
                                      "path does not begin with a slash");
    }
}

static void trailers_of_requests_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        uint8_t flags;
        const char *text;
    } rows[] = {
        {"x-end: 1\n", END, "!finding"},
        {"x-end: 1\n", 0,
         "CONN-14 client stream 1: the second header block of the client's request came without "
         "END_STREAM"},
        {":path: /\n", END,
         "CALL-24 client stream 1: the client's request has a field \":path\" that stands in "
         "trailers"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
        test_talk_headers(&talk, REQUEST, 1, rows[i].flags, rows[i].fields);
        judge_row(&talk, rows[i].text);
    }
}

/* --- messages --- */

static void messages_of_requests_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        struct sl_span content;
        const char *text;
    } rows[] = {
        {"", {(const uint8_t *)"\0\0\0\0\1x", 6}, "!finding"},
        {"",
         {(const uint8_t *)"\2\0\0\0\1x", 6},
         "FRM-06 client stream 1: a message of the request begins with the flag 2, neither 0 nor "
         "1"},
        {"",
         {(const uint8_t *)"\1\0\0\0\1x", 6},
         "FRM-05 client stream 1: a message of the request is marked as compressed, and "
         "grpc-encoding is not there"},
        {"grpc-encoding: identity\n",
         {(const uint8_t *)"\1\0\0\0\1x", 6},
         "FRM-05 client stream 1: a message of the request is marked as compressed, and "
         "grpc-encoding is identity"},
        {"grpc-encoding: gzip\n", {(const uint8_t *)"\1\0\0\0\1x", 6}, "!finding"},
        {"",
         {(const uint8_t *)"\0\0\0\0\3x", 6},
         "FRM-14 client stream 1: the client ended its request within a message, of which 1 of 3 "
         "bytes came"},
        {"",
         {(const uint8_t *)"\0\0\0\0\1x\0\0", 8},
         "FRM-14 client stream 1: the client ended its request within the prefix of a message"},
        {"content-length: 6\n", {(const uint8_t *)"\0\0\0\0\1x", 6}, "!finding"},
        {"content-length: 7\n",
         {(const uint8_t *)"\0\0\0\0\1x", 6},
         "CALL-14 client stream 1: content-length of the client's request is \"7\", and 6 bytes "
         "came"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        char fields[300];
        (void)snprintf(fields, sizeof(fields), "%s%s", TEST_REQUEST_FIELDS, rows[i].more);
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, fields);
        test_talk_data(&talk, REQUEST, 1, END, rows[i].content);
        judge_row(&talk, rows[i].text);
    }
}

static void a_request_that_is_reset_within_a_message_is_let_pass(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_data(&talk, REQUEST, 1, 0, sl_span("\0\0\0\0\3x", 6));
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_judge(&talk, "!finding\n");
}

static void bytes_that_were_lost_break_no_rule_of_messages(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.is_capture = true;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS "content-length: 20\n");
    test_talk_data(&talk, REQUEST, 1, 0, sl_span("\0\0\0\0\x0fx", 6));
    test_talk_lose_last(&talk, 15, true);
    test_talk_data(&talk, REQUEST, 1, END, sl_span("23456789abcdef", 14));
    test_talk_judge(&talk, "!finding\n");
}

/* --- streams --- */

static void ids_that_no_client_may_use_are_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 2, END, TEST_REQUEST_FIELDS);
    test_talk_judge(
        &talk, "finding CONN-06 client stream 2: the client began stream 2: a client's ids are "
               "odd\n");
    test_talk_init(&talk, false);
    test_talk_request(&talk, 5, "x");
    test_talk_request(&talk, 3, "x");
    test_talk_judge(
        &talk, "finding CONN-06 client stream 3: the client began stream 3 after stream 5: ids "
               "only go up\n");
    test_talk_init(&talk, false);
    test_talk_request(&talk, 3, "x");
    test_talk_headers(&talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 5\n");
    test_talk_request(&talk, 7, "x");
    test_talk_request(&talk, 3, "x");
    test_talk_judge(&talk,
                    "finding CONN-06 client stream 3: the client sent HEADERS on stream 3 again, "
                    "after its own END_STREAM\n");
}

static void frames_of_a_client_behind_its_end_are_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_window_update(&talk, REQUEST, 1, 100);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_judge(&talk, "!finding\n");
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_message(&talk, REQUEST, 1, 0, "y");
    test_talk_message(&talk, REQUEST, 1, 0, "y");
    test_talk_judge(
        &talk, "finding CONN-07 client stream 1: the client sent DATA on stream 1 after its own "
               "END_STREAM\n");
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_message(&talk, REQUEST, 1, 0, "y");
    test_talk_judge(
        &talk, "finding CONN-07 client stream 1: the client sent DATA on stream 1 after its own "
               "RST_STREAM\n");
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_window_update(&talk, REQUEST, 1, 100);
    test_talk_judge(
        &talk, "finding CONN-07 (I) client stream 1: the client sent WINDOW_UPDATE on stream 1 "
               "after its own RST_STREAM\n");
}

static void more_streams_than_allowed_are_found(void **state)
{
    (void)state;
    for (int is_acked = 0; is_acked < 2; is_acked++) {
        for (int is_ended = 0; is_ended < 2; is_ended++) {
            struct test_talk talk;
            test_talk_init(&talk, false);
            test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
            if (is_acked) {
                test_talk_settings_ack(&talk, REQUEST);
            }
            test_talk_request(&talk, 1, "x");
            if (is_ended) {
                test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 5\n");
            }
            test_talk_request(&talk, 3, "x");
            test_talk_judge(
                &talk, is_acked && !is_ended
                           ? "finding CONN-08 client stream 3: the client began stream 3, with "
                             "which it has 2 open: the server's SETTINGS_MAX_CONCURRENT_STREAMS "
                             "allows 1\n"
                           : "!finding\n");
        }
    }
}

static void in_a_capture_the_end_of_a_stream_may_come_late(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        talk.is_capture = true;
        test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
        test_talk_settings_ack(&talk, REQUEST);
        test_talk_headers(&talk, REQUEST, 1, END, TEST_REQUEST_FIELDS);
        test_talk_headers(&talk, REQUEST, 3, END, TEST_REQUEST_FIELDS);
        if (!is_late) {
            test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 5\n");
        } else {
            talk.time_ms += 1000;
            for (uint64_t i = 0; i < 4; i++) {
                test_talk_ping(&talk, REQUEST, false, i);
            }
            test_talk_ping(&talk, RESPONSE, true, 0);
        }
        test_talk_judge(
            &talk, is_late ? "finding CONN-08 client stream 3: the client began stream 3, with "
                             "which it has 2 open: the server's SETTINGS_MAX_CONCURRENT_STREAMS "
                             "allows 1\n"
                           : "!finding CONN-08\n");
    }
}

static void a_stream_behind_a_goaway_that_had_come_is_found(void **state)
{
    (void)state;
    for (int is_proven = 0; is_proven < 2; is_proven++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_request(&talk, 1, "x");
        test_talk_goaway(&talk, RESPONSE, 0x7fffffff, SL_H2_NO_ERROR);
        test_talk_ping(&talk, RESPONSE, false, 7);
        if (is_proven) {
            test_talk_ping(&talk, REQUEST, true, 7);
        }
        test_talk_request(&talk, 3, "x");
        test_talk_judge(
            &talk, is_proven ? "finding CONN-09 client stream 3: the client began stream 3 after "
                               "it had received the server's GOAWAY\n"
                             : "!finding\n");
    }
}

static void a_connection_that_is_joined_late_breaks_no_rule_of_streams(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    talk.is_capture = true;
    talk.is_midway = true;
    talk.config.is_midway = true;
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 100);
    test_talk_request(&talk, 9, "x");
    test_talk_request(&talk, 7, "x");
    test_talk_message(&talk, REQUEST, 7, 0, "y");
    test_talk_judge(&talk, "!finding\n");
}

/* --- acknowledgements that nothing proves to be late --- */

static void in_a_capture_half_a_minute_is_enough_to_acknowledge(void **state)
{
    (void)state;
    for (int is_long = 0; is_long < 2; is_long++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        talk.is_capture = true;
        test_talk_settings(&talk, RESPONSE, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, 100);
        talk.time_ms += is_long ? 31000 : 29000;
        for (uint32_t i = 0; i < 10; i++) {
            test_talk_window_update(&talk, REQUEST, 0, 1);
        }
        test_talk_judge(
            &talk, is_long ? "finding CONN-01 client stream 0: the client has not acknowledged 1 "
                             "SETTINGS, though it has sent on for 30 s after them\n"
                           : "!finding\n");
    }
}

/* A server may send its SETTINGS before the first packet that was captured. */
static void an_ack_of_what_was_sent_before_the_capture_is_let_pass(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    talk.is_capture = true;
    test_talk_raw(&talk, REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 100);
    test_talk_settings_ack(&talk, REQUEST);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_judge(&talk, "!finding\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_are_malformed_are_found),
        cmocka_unit_test(paths_timeouts_and_values_without_their_grammar_are_found),
        cmocka_unit_test(a_server_that_serves_a_path_without_slash_is_found),
        cmocka_unit_test(trailers_of_requests_are_judged),
        cmocka_unit_test(messages_of_requests_are_judged),
        cmocka_unit_test(a_request_that_is_reset_within_a_message_is_let_pass),
        cmocka_unit_test(bytes_that_were_lost_break_no_rule_of_messages),
        cmocka_unit_test(ids_that_no_client_may_use_are_found),
        cmocka_unit_test(frames_of_a_client_behind_its_end_are_found),
        cmocka_unit_test(more_streams_than_allowed_are_found),
        cmocka_unit_test(in_a_capture_the_end_of_a_stream_may_come_late),
        cmocka_unit_test(a_stream_behind_a_goaway_that_had_come_is_found),
        cmocka_unit_test(a_connection_that_is_joined_late_breaks_no_rule_of_streams),
        cmocka_unit_test(an_ack_of_what_was_sent_before_the_capture_is_let_pass),
        cmocka_unit_test(in_a_capture_half_a_minute_is_enough_to_acknowledge),
    };
    return cmocka_run_group_tests_name("wire/rules_client", tests, NULL, NULL);
}
