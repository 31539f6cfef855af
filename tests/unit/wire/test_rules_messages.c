/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a response's messages: bytes that break them, and near misses. */
#include <stdio.h>

#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM
#define GZIP     "grpc-encoding: gzip\n"

/* An answer whose DATA is given byte by byte. */
struct body {
    const char *request, *head; /* fields beside the usual ones */
    const char *bytes;
    size_t len;
    const char *trailers;
    const char *expected;
};

static void judge_body(const struct body *row)
{
    struct test_talk talk;
    char fields[300];
    test_talk_init(&talk, false);
    (void)snprintf(fields, sizeof(fields), "%s%s", TEST_REQUEST_FIELDS, row->request);
    test_talk_headers(&talk, REQUEST, 1, 0, fields);
    test_talk_message(&talk, REQUEST, 1, END, "x");
    (void)snprintf(fields, sizeof(fields), "%s%s", TEST_RESPONSE_FIELDS, row->head);
    test_talk_headers(&talk, RESPONSE, 1, 0, fields);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span(row->bytes, row->len));
    test_talk_headers(&talk, RESPONSE, 1, END, row->trailers);
    test_talk_judge(&talk, row->expected);
}

#define BYTES(text) text, sizeof(text) - 1
#define OK_END      "grpc-status: 0\n"
#define ABORTED     "grpc-status: 10\n"

static void messages_that_are_framed_wrongly_are_found(void **state)
{
    (void)state;
    static const struct body rows[] = {
        {"", "", BYTES("\0\0\0\0\3xy"), OK_END,
         "finding FRM-17 server stream 1: the response is OK, and of its last message, of 3 bytes "
         "by its prefix, 2 came\n"},
        {"", "", BYTES("\0\2\0\0\0xy"), OK_END,
         "finding FRM-17 server stream 1: the response is OK, and of its last message, of 33554432 "
         "bytes by its prefix, 2 came\n"},
        {"", "", BYTES("\0\0\0\0\2xy\0\0"), OK_END,
         "finding FRM-17 server stream 1: the response is OK, and bytes behind its last message "
         "are no message\n"},
        {"", "", BYTES("\2\0\0\0\2xy"), OK_END,
         "finding FRM-17 server stream 1: a message of the response begins with the flag 2, "
         "neither 0 nor 1\n"},
        {"", "", BYTES("\1\0\0\0\2xy"), OK_END,
         "finding FRM-17 server stream 1: a message of the response is marked as compressed, and "
         "grpc-encoding is not there\n"},
        {"", "grpc-encoding: identity\n", BYTES("\1\0\0\0\2xy"), OK_END,
         "finding FRM-17 server stream 1: a message of the response is marked as compressed, and "
         "grpc-encoding is identity\n"},
        {"", "", BYTES("\0\0\0\0\2xy\0\0\0\0\0"), OK_END, "!finding\n"},
        {"", "", BYTES("\0\0\0\0\3xy"), ABORTED, "!finding\n"}, /* given up within a message */
        {"", GZIP, BYTES("\0\0\0\0\2xy"), OK_END, "!finding\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        judge_body(&rows[i]);
    }
}

static void an_encoding_that_nobody_offered_is_found(void **state)
{
    (void)state;
    static const struct body rows[] = {
        {"", GZIP, BYTES("\1\0\0\0\2xy"), OK_END,
         "finding FRM-09 server stream 1: the response is compressed with \"gzip\", which the "
         "client does not offer\n"},
        {"grpc-accept-encoding: identity,xgzip, gzip2\n", GZIP, BYTES("\1\0\0\0\2xy"), OK_END,
         "finding FRM-09 server stream 1: the response is compressed with \"gzip\", which the "
         "client does not offer\n"},
        {"grpc-accept-encoding: identity, gzip\n", GZIP, BYTES("\1\0\0\0\2xy\0\0\0\0\0"), OK_END,
         "!finding\n"},
        {"grpc-accept-encoding: deflate,gzip,identity\n", GZIP, BYTES("\1\0\0\0\2xy"), OK_END,
         "!finding\n"},
        {GZIP, GZIP, BYTES("\1\0\0\0\2xy"), OK_END, "!finding\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        judge_body(&rows[i]);
    }
}

static void a_message_cut_by_the_capture_is_let_pass(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 1, 0, "lost in part");
    test_talk_lose_last(&talk, 4, true);
    test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

/* ---- CALL-23 ---- */

static void single(const char *method, int messages, const char *trailers, const char *expected)
{
    struct test_talk talk;
    char fields[300];
    test_talk_init(&talk, false);
    (void)snprintf(fields, sizeof(fields),
                   ":method: POST\n:scheme: http\n:path: /pkg.Svc/%s\n:authority: a\nte: "
                   "trailers\ncontent-type: application/grpc\n",
                   method);
    test_talk_headers(&talk, REQUEST, 1, 0, fields);
    test_talk_message(&talk, REQUEST, 1, END, "x");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    for (int i = 0; i < messages; i++) {
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
    }
    test_talk_headers(&talk, RESPONSE, 1, END, trailers);
    test_talk_judge(&talk, expected);
}

static void a_single_answer_is_one_message(void **state)
{
    (void)state;
    single("Single", 0, OK_END,
           "finding CALL-23 server stream 1: a response of one message is OK with 0 of them\n");
    single("Single", 2, OK_END,
           "finding CALL-23 server stream 1: a response of one message is OK with 2 of them\n");
    single("Single", 1, OK_END, "!finding\n");
    single("Single", 0, ABORTED, "!finding\n");
    single("Method", 2, OK_END, "!finding\n"); /* nobody knows that one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_are_framed_wrongly_are_found),
        cmocka_unit_test(an_encoding_that_nobody_offered_is_found),
        cmocka_unit_test(a_message_cut_by_the_capture_is_let_pass),
        cmocka_unit_test(a_single_answer_is_one_message),
    };
    return cmocka_run_group_tests_name("wire/rules_messages", tests, NULL, NULL);
}
