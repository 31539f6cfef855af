/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of frames, credit, the connection and HPACK: bytes that break them, and near misses. */
#include <stdio.h>

#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void frame(struct test_talk *talk, enum sl_dir dir, uint8_t type, uint8_t flags,
                  uint32_t stream, struct sl_span payload)
{
    const struct sl_h2_frame_header header = {
        .length = (uint32_t)payload.len, .type = type, .flags = flags, .stream = stream};
    test_talk_frame(talk, dir, &header, payload.data == NULL ? "" : (const char *)payload.data);
}

/* Of NULL: no finding. */
static void judge_text(struct test_talk *talk, const char *finding, const char *text)
{
    char line[240];
    (void)snprintf(line, sizeof line, "finding %s %s\n", finding, text == NULL ? "" : text);
    test_talk_judge(talk, text == NULL ? "!finding\n" : line);
}

/* --- FRM-18 to FRM-20 --- */

static void frames_against_the_grammar_are_found(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, flags;
        uint32_t stream;
        const char *payload;
        size_t len;
        const char *text;
    } rows[] = {
        {SL_H2_PING, 0, 0, "1234", 4, "sent PING of 4 bytes"},
        {SL_H2_PING, 0, 1, "12345678", 8, "sent PING on a stream, not on the connection"},
        {SL_H2_RST_STREAM, 0, 1, "12345", 5, "sent RST_STREAM of 5 bytes"},
        {SL_H2_WINDOW_UPDATE, 0, 0, "\0\0\0\1\0", 5, "sent WINDOW_UPDATE of 5 bytes"},
        {SL_H2_PRIORITY, 0, 1, "1234", 4, "sent PRIORITY of 4 bytes"},
        {SL_H2_SETTINGS, 0, 0, "12345", 5, "sent SETTINGS of 5 bytes"},
        {SL_H2_SETTINGS, 0, 1, "", 0, "sent SETTINGS on a stream, not on the connection"},
        {SL_H2_GOAWAY, 0, 0, "1234567", 7, "sent GOAWAY of 7 bytes"},
        {SL_H2_DATA, 0, 0, "", 0, "sent DATA on the connection, not on a stream"},
        {SL_H2_DATA, SL_H2_FLAG_PADDED, 1, "", 0,
         "sent DATA of 0 bytes on stream 1 with more padding than that"},
        {SL_H2_DATA, SL_H2_FLAG_PADDED, 1, "\2x", 2,
         "sent DATA of 2 bytes on stream 1 with more padding than that"},
        {SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, 1, "", 0,
         "sent CONTINUATION on stream 1 without HEADERS before it"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int j = 0; j < 2; j++) {
            struct test_talk talk;
            char line[200];
            enum sl_dir dir = j == 0 ? RESPONSE : REQUEST;
            test_talk_begin(&talk);
            frame(&talk, dir, rows[i].type, rows[i].flags, rows[i].stream,
                  sl_span(rows[i].payload, rows[i].len));
            const char *who = j == 0 ? "server" : "client";
            uint32_t stream = rows[i].stream;
            (void)snprintf(line, sizeof line, "finding FRM-18 %s stream %u: the %s %s\n", who,
                           stream, who, rows[i].text);
            test_talk_judge(&talk, line);
        }
    }
}

static void frames_of_idle_streams_are_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_rst(&talk, RESPONSE, 9, SL_H2_CANCEL);
    test_talk_data(&talk, RESPONSE, 2, 0, sl_span("", 0));
    test_talk_window_update(&talk, REQUEST, 11, 1);
    test_talk_judge(
        &talk, "finding FRM-18 server stream 9: the server sent RST_STREAM on stream 9, which "
               "nobody had begun\n"
               "finding FRM-18 server stream 2: the server sent DATA on stream 2, which nobody "
               "had begun\n"
               "finding FRM-18 client stream 11: the client sent WINDOW_UPDATE on stream 11, "
               "which nobody had begun\n");
    test_talk_begin(&talk);
    const struct sl_h2_frame_header priority = {.length = 5, .type = SL_H2_PRIORITY, .stream = 9};
    test_talk_frame(&talk, REQUEST, &priority, "\0\0\0\0\1");
    test_talk_frame(&talk, RESPONSE, &priority, "\0\0\0\0\1");
    test_talk_rst(&talk, RESPONSE, 9, SL_H2_REFUSED_STREAM); /* the client has named it */
    test_talk_judge(&talk, "!finding\n");
}

static void in_a_capture_the_request_may_come_behind_its_answer(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    talk.is_capture = true;
    test_talk_rst(&talk, RESPONSE, 3, SL_H2_CANCEL);
    test_talk_request(&talk, 3, "x");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
    test_talk_begin(&talk);
    talk.is_capture = true;
    test_talk_rst(&talk, RESPONSE, 5, SL_H2_CANCEL);
    test_talk_request(&talk, 3, "x");
    test_talk_expect(&talk, "finding FRM-18 server stream 5: the server sent RST_STREAM on stream "
                            "5, which nobody had begun\n");
    test_talk_release(&talk);
}

static void push_is_judged_once_it_is_forbidden(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_ENABLE_PUSH, 0);
        if (i == 0) {
            test_talk_settings_ack(&talk, RESPONSE);
        }
        frame(&talk, RESPONSE, SL_H2_PUSH_PROMISE, SL_H2_FLAG_END_HEADERS, 1,
              sl_span("\0\0\0\2\202", 5));
        test_talk_judge(
            &talk, i == 0 ? "finding FRM-18 server stream 1: the server sent PUSH_PROMISE, which "
                            "the client's SETTINGS forbid\n"
                          : "!finding\n");
    }
}

static void a_frame_beyond_the_limit_is_found(void **state)
{
    (void)state;
    static const uint8_t bytes[20001];
    for (int i = 0; i < 4; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        if (i > 0) {
            test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_MAX_FRAME_SIZE, 20000);
            test_talk_settings_ack(&talk, RESPONSE);
        }
        if (i == 3) {
            test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_MAX_FRAME_SIZE, 16384);
            test_talk_settings_ack(&talk, RESPONSE);
        }
        size_t len = i == 0 ? 16385 : i == 2 ? 20001 : 20000;
        frame(&talk, RESPONSE, 0xff, 0, 0, sl_span(bytes, len));
        char line[160];
        (void)snprintf(line, sizeof line,
                       "finding FRM-19 server stream 0: the server sent an unknown frame of %zu "
                       "bytes, longer than the other side allows\n",
                       len);
        test_talk_expect(&talk, i == 1 ? "!finding\n" : line);
        test_talk_release(&talk);
    }
}

static void a_frame_within_a_block_is_found(void **state)
{
    (void)state;
    struct test_talk talk;
    for (int i = 0; i < 4; i++) {
        test_talk_begin(&talk);
        frame(&talk, RESPONSE, SL_H2_HEADERS, 0, 1, sl_span("\210", 1)); /* :status 200 */
        if (i == 0) {
            test_talk_ping(&talk, RESPONSE, false, 0);
        } else if (i == 1) {
            frame(&talk, RESPONSE, SL_H2_DATA, 0, 1, sl_span(NULL, 0));
        } else {
            frame(&talk, RESPONSE, SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, i == 2 ? 3 : 1,
                  sl_span(NULL, 0));
        }
        static const char *const lines[] = {
            "finding FRM-20 server stream 0: the server sent PING on stream 0 within the header "
            "block of stream 1\n",
            "finding FRM-20 server stream 1: the server sent DATA on stream 1 within the header "
            "block of stream 1\n",
            "finding FRM-20 server stream 3: the server sent CONTINUATION on stream 3 within the "
            "header block of stream 1\n",
            "!finding\n"};
        test_talk_judge(&talk, lines[i]);
    }
}

static void behind_a_gap_the_grammar_is_not_judged(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    talk.is_capture = true;
    test_talk_ping(&talk, RESPONSE, false, 7);
    test_talk_lose_last(&talk, 17, true);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    frame(&talk, RESPONSE, SL_H2_PING, 0, 0, sl_span("1234", 4));
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_rst(&talk, RESPONSE, 9, 0);
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

/* --- FLOW-22, FLOW-24 --- */

static void credit_of_nothing_or_too_much_is_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_window_update(&talk, RESPONSE, 0, 0);
    test_talk_window_update(&talk, REQUEST, 1, SL_H2_MAX_WINDOW - 65535);
    test_talk_window_update(&talk, REQUEST, 1, 1);
    test_talk_judge(&talk,
                    "finding FLOW-22 server stream 0: the server sent a WINDOW_UPDATE of 0\n"
                    "finding FLOW-22 client stream 1: the client sent a WINDOW_UPDATE of 1 for a "
                    "window of 2147483647: more than 2^31-1 together\n");
    test_talk_begin(&talk);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    test_talk_window_update(&talk, REQUEST, 1, SL_H2_MAX_WINDOW);
    test_talk_judge(&talk, "!finding\n"); /* they come in order */
}

static void frames_behind_a_reset_that_had_come_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
        test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
        test_talk_ping(&talk, REQUEST, false, 7);
        if (i != 1) {
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        if (i == 3) {
            test_talk_window_update(&talk, REQUEST, 1, 1);
        }
        if (i < 2) {
            test_talk_data(&talk, RESPONSE, 1, 0, sl_span("", 0));
        } else {
            test_talk_rst(&talk, RESPONSE, 1, SL_H2_STREAM_CLOSED);
        }
        if (i == 1) {
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        test_talk_judge(
            &talk, i == 0   ? "finding FLOW-24 server stream 1: the server sent DATA on stream 1 "
                              "after it had received the client's RST_STREAM\n"
                   : i == 2 ? "finding FLOW-24 (I) server stream 1: the server sent RST_STREAM on "
                              "stream 1 after it had received the client's RST_STREAM\n"
                   : i == 3 ? "finding CONN-07 (I) client stream 1: the client sent WINDOW_UPDATE "
                              "on stream 1 after its own RST_STREAM\n!finding FLOW-24\n"
                            : "!finding\n");
    }
}

static void data_behind_its_own_reset_is_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_rst(&talk, RESPONSE, 1, SL_H2_CANCEL);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span("", 0));
    test_talk_judge(&talk,
                    "finding CALL-20 server stream 1: the server sent DATA on stream 1 after its "
                    "RST_STREAM\n");
}

/* --- CONN --- */

static void a_server_begins_with_settings(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    test_talk_raw(&talk, REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    test_talk_ping(&talk, REQUEST, false, 1);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_judge(
        &talk, "finding CONN-01 client stream 0: the client's first frame is PING, not SETTINGS\n"
               "finding CONN-01 server stream 0: the server's first frame is SETTINGS with the "
               "ACK flag, not SETTINGS\n");
}

static void settings_out_of_range_are_found(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        uint32_t value;
        const char *text;
    } rows[] = {
        {SL_H2_SETTINGS_ENABLE_PUSH, 1, "ENABLE_PUSH 1"},
        {SL_H2_SETTINGS_ENABLE_PUSH, 0, NULL},
        {SL_H2_SETTINGS_MAX_FRAME_SIZE, 16383, "MAX_FRAME_SIZE 16383"},
        {SL_H2_SETTINGS_MAX_FRAME_SIZE, 16777215, NULL},
        {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 2147483648u, "INITIAL_WINDOW_SIZE 2147483648"},
        {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, SL_H2_MAX_WINDOW, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        test_talk_settings(&talk, RESPONSE, rows[i].id, rows[i].value);
        judge_text(&talk, "CONN-17 server stream 0: the server sent SETTINGS with", rows[i].text);
    }
}

static void the_last_stream_of_goaway_is_judged(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_request(&talk, 3, "x");
    test_talk_headers(&talk, RESPONSE, 3, 0, TEST_RESPONSE_FIELDS);
    test_talk_goaway(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
    test_talk_goaway(&talk, RESPONSE, 3, SL_H2_NO_ERROR);
    test_talk_judge(
        &talk, "finding CONN-11 server stream 0: the server's GOAWAY names last stream 1, and it "
               "has answered on stream 3\n"
               "finding CONN-09 server stream 0: the server's GOAWAY names last stream 3 after "
               "one that named 1\n");
    test_talk_begin(&talk);
    test_talk_request(&talk, 3, "x");
    test_talk_goaway(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
    test_talk_headers(&talk, RESPONSE, 3, 0, TEST_RESPONSE_FIELDS);
    test_talk_judge(
        &talk, "finding CONN-11 server stream 3: the server answers on stream 3 after its GOAWAY "
               "of last stream 1\n");
    test_talk_begin(&talk);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_goaway(&talk, RESPONSE, SL_H2_MAX_WINDOW, SL_H2_NO_ERROR);
    test_talk_goaway(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
    test_talk_request(&talk, 3, "x");
    test_talk_rst(&talk, RESPONSE, 3, SL_H2_REFUSED_STREAM);
    test_talk_judge(&talk, "!finding\n");
}

/* --- META-12 --- */

static void the_table_size_is_kept(void **state)
{
    (void)state;
    static const struct {
        const char *block; /* a response's head: :status 200 and maybe more */
        size_t len;
        const char *what;
    } rows[] = {
        {"\210", 1,
         "does not begin with a size update to the lower SETTINGS_HEADER_TABLE_SIZE that "
         "was acknowledged"},
        {"\x20\210\276", 3,
         "cannot be decoded: it names what its table does not hold, or breaks "
         "HPACK otherwise"},
        {"\x20\x25\210", 3, "has a size update above the other side's SETTINGS_HEADER_TABLE_SIZE"},
        {"\x20\210", 2, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_HEADER_TABLE_SIZE, 0);
        test_talk_settings_ack(&talk, RESPONSE);
        frame(&talk, RESPONSE, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, 1,
              sl_span(rows[i].block, rows[i].len));
        judge_text(&talk, "META-12 server stream 1: the server's header block of stream 1",
                   rows[i].what);
    }
    struct test_talk talk; /* the SETTINGS are not acknowledged yet */
    test_talk_begin(&talk);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_HEADER_TABLE_SIZE, 0);
    frame(&talk, RESPONSE, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, 1, sl_span("\210", 1));
    test_talk_judge(&talk, "!finding\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_against_the_grammar_are_found),
        cmocka_unit_test(frames_of_idle_streams_are_found),
        cmocka_unit_test(in_a_capture_the_request_may_come_behind_its_answer),
        cmocka_unit_test(push_is_judged_once_it_is_forbidden),
        cmocka_unit_test(a_frame_beyond_the_limit_is_found),
        cmocka_unit_test(a_frame_within_a_block_is_found),
        cmocka_unit_test(behind_a_gap_the_grammar_is_not_judged),
        cmocka_unit_test(credit_of_nothing_or_too_much_is_found),
        cmocka_unit_test(frames_behind_a_reset_that_had_come_are_found),
        cmocka_unit_test(data_behind_its_own_reset_is_found),
        cmocka_unit_test(a_server_begins_with_settings),
        cmocka_unit_test(settings_out_of_range_are_found),
        cmocka_unit_test(the_last_stream_of_goaway_is_judged),
        cmocka_unit_test(the_table_size_is_kept),
    };
    return cmocka_run_group_tests_name("wire/rules_wire", tests, NULL, NULL);
}
