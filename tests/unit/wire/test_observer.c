/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void a_unary_call_is_told_from_begin_to_end(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    test_talk_request(&talk, 1, "ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 1, 0, "answer");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk,
                     "frame > SETTINGS stream 0 flags 0x00 length 0\n"
                     "begin 1 stream 1 grpc\n"
                     "headers request stream 1 :method=POST :scheme=http :path=/pkg.Svc/Method "
                     ":authority=a te=trailers content-type=application/grpc\n"
                     "prefix request stream 1 flag 0 length 3\n"
                     "message request stream 1 #1 flag 0 'ask'\n"
                     "frame > DATA stream 1 flags 0x01 length 8 messages 1 of call\n"
                     "headers response stream 1 :status=200 content-type=application/grpc\n"
                     "prefix response stream 1 flag 0 length 6\n"
                     "message response stream 1 #1 flag 0 'answer'\n"
                     "frame < DATA stream 1 flags 0x00 length 11 messages 1 of call\n"
                     "headers trailers stream 1 grpc-status=0\n"
                     "end stream 1 trailers OK from trailers messages 1/1\n"
                     "!finding\n!skipped\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void interleaved_streams_keep_their_messages_apart(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_headers(&talk, REQUEST, 3, 0, TEST_REQUEST_FIELDS);
    test_talk_data(&talk, REQUEST, 1, 0, sl_span("\0\0\0\0\4on", 7));
    test_talk_data(&talk, REQUEST, 3, END, sl_span("\0\0\0\0\3two", 8));
    test_talk_data(&talk, REQUEST, 1, 0, sl_span("e!\0", 3));
    test_talk_data(&talk, REQUEST, 1, END, sl_span("\0\0\0\2ab", 6));
    test_talk_headers(&talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 5\n");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 12\ngrpc-message: no\n");
    test_talk_expect(&talk, "begin 1 stream 1 grpc\n"
                            "begin 2 stream 3 grpc\n"
                            "message request stream 3 #1 flag 0 'two'\n"
                            "message request stream 1 #1 flag 0 'one!'\n"
                            "message request stream 1 #2 flag 0 'ab'\n"
                            "end stream 3 trailers NOT_FOUND from trailers_only messages 1/0\n"
                            "end stream 1 trailers UNIMPLEMENTED from trailers messages 2/0\n"
                            "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

/* A header block in HEADERS with padding and priority, and two CONTINUATIONs. */
static void a_block_in_pieces_is_one_block(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    static const uint8_t headers[] = {2, 0, 0, 0, 0, 15, 0x83, 0x86, 0, 0};
    struct sl_h2_frame_header header = {.length = sizeof headers,
                                        .type = SL_H2_HEADERS,
                                        .flags = END | SL_H2_FLAG_PADDED | SL_H2_FLAG_PRIORITY,
                                        .stream = 1};
    test_talk_frame(&talk, REQUEST, &header, headers);
    header = (struct sl_h2_frame_header){.length = 2, .type = SL_H2_CONTINUATION, .stream = 1};
    test_talk_frame(&talk, REQUEST, &header, "\x44\x03");
    header = (struct sl_h2_frame_header){
        .length = 3, .type = SL_H2_CONTINUATION, .flags = SL_H2_FLAG_END_HEADERS, .stream = 1};
    test_talk_frame(&talk, REQUEST, &header, "/ab");
    test_talk_expect(&talk, "frame > HEADERS stream 1 flags 0x29 length 10\n"
                            "frame > CONTINUATION stream 1 flags 0x00 length 2\n"
                            "begin 1 stream 1 other\n"
                            "headers request stream 1 :method=POST :scheme=http :path=/ab\n"
                            "frame > CONTINUATION stream 1 flags 0x04 length 3 of call\n"
                            "end stream 1 open messages 0/0\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_frame_inside_a_block_loses_the_block(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    struct sl_h2_frame_header header = {.length = 1, .type = SL_H2_HEADERS, .stream = 1};
    test_talk_frame(&talk, REQUEST, &header, "\x83");
    test_talk_ping(&talk, REQUEST, false, 1);
    header = (struct sl_h2_frame_header){
        .length = 1, .type = SL_H2_CONTINUATION, .flags = SL_H2_FLAG_END_HEADERS, .stream = 1};
    test_talk_frame(&talk, REQUEST, &header, "\x86");
    test_talk_request(&talk, 3, "next");
    test_talk_expect(&talk, "frame > HEADERS stream 1 flags 0x00 length 1\n"
                            "frame > PING stream 0 flags 0x00 length 8 malformed\n"
                            "frame > CONTINUATION stream 1 flags 0x04 length 1 malformed\n"
                            "begin 1 stream 3 grpc\n"
                            "message request stream 3 #1 flag 0 'next'\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void padding_is_no_part_of_a_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_data(&talk, REQUEST, 1, SL_H2_FLAG_PADDED, sl_span("\3\0\0\0\0\2a\0\0\0", 10));
    test_talk_data(&talk, REQUEST, 1, SL_H2_FLAG_PADDED, sl_span("\0b", 2));
    test_talk_data(&talk, REQUEST, 1, SL_H2_FLAG_PADDED, sl_span("\0", 1));
    test_talk_data(&talk, REQUEST, 1, SL_H2_FLAG_PADDED, sl_span("", 0));
    test_talk_data(&talk, REQUEST, 1, SL_H2_FLAG_PADDED, sl_span("\5bad", 4));
    test_talk_message(&talk, REQUEST, 1, END, "c");
    test_talk_expect(&talk, "message request stream 1 #1 flag 0 'ab'\n"
                            "frame > DATA stream 1 flags 0x08 length 1 of call\n"
                            "frame > DATA stream 1 flags 0x08 length 0 of call malformed\n"
                            "frame > DATA stream 1 flags 0x08 length 4 of call malformed\n"
                            "message request stream 1 #2 flag 0 'c'\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void informational_responses_come_before_the_real_one(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_request(&talk, 1, "x");
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 103\nlink: y\n");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "headers informational stream 1 :status=103 link=y\n"
                            "headers response stream 1 :status=200 content-type=application/grpc\n"
                            "end stream 1 trailers OK from trailers messages 1/0\n!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

struct protocol_case {
    const char *fields;
    const char *line;
};

static void the_content_type_says_what_a_request_is(void **state)
{
    (void)state;
    static const struct protocol_case cases[] = {
        {"content-type: application/grpc+proto\n", "begin 1 stream 1 grpc\n"},
        {"content-type: application/grpc;x=y\n", "begin 1 stream 1 grpc\n"},
        {"content-type: application/grpcfoo\n", "begin 1 stream 1 other\n"},
        {"content-type: application/grpc-web+proto\n", "begin 1 stream 1 grpc-web\n"},
        {"content-type: application/grpc-web-text\n", "begin 1 stream 1 grpc-web-text\n"},
        {"content-type: application/connect+json\n", "begin 1 stream 1 connect\n"},
        {"content-type: application/json\nconnect-protocol-version: 1\n",
         "begin 1 stream 1 connect\n"},
        {"content-type: text/html\n", "begin 1 stream 1 other\n"},
        {"accept: a\n", "begin 1 stream 1 other\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        struct sl_buf fields;
        sl_buf_init(&fields, 256);
        (void)sl_buf_addf(&fields, ":method: POST\n:path: /a/b\n%s", cases[i].fields);
        test_talk_headers(&talk, REQUEST, 1, END, sl_buf_str(&fields));
        test_talk_expect(&talk, cases[i].line);
        sl_buf_release(&fields);
        test_talk_release(&talk);
    }
}

static void other_requests_hold_no_messages(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0,
                      ":method: POST\n:scheme: http\n:path: /\ncontent-type: text/plain\n");
    test_talk_data(&talk, REQUEST, 1, END, sl_span("\0\0\0\0\1x", 6));
    test_talk_request(&talk, 3, "x");
    /* An error page of a proxy, in answer to a gRPC call. */
    test_talk_headers(&talk, RESPONSE, 3, 0, ":status: 503\ncontent-type: text/html\n");
    test_talk_data(&talk, RESPONSE, 3, END, sl_span("\0\0\0\0\1x", 6));
    test_talk_expect(&talk, "begin 1 stream 1 other\n"
                            "begin 1 stream 3 grpc\n"
                            "end stream 3 trailers UNAVAILABLE from http_status messages 1/0\n"
                            "!message request stream 1\n!message response\n!finding\n");
    test_talk_release(&talk);
}

static void a_message_cut_by_the_end_is_told_incomplete(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_data(&talk, REQUEST, 1, END, sl_span("\0\0\0\0\5ab", 7));
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_data(&talk, RESPONSE, 1, 0, sl_span("\0\0\0", 3));
    test_talk_rst(&talk, RESPONSE, 1, SL_H2_INTERNAL_ERROR);
    test_talk_expect(&talk, "message request stream 1 #1 flag 0 'ab' incomplete\n"
                            "message response stream 1 #1 flag 0 '' incomplete\n"
                            "end stream 1 reset_by_server INTERNAL from rst_stream messages 0/0\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void frames_after_the_end_have_no_call(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    test_talk_message(&talk, REQUEST, 1, 0, "late");
    test_talk_headers(&talk, REQUEST, 1, END, "x: y\n");
    test_talk_request(&talk, 3, "next");
    test_talk_expect(&talk, "end stream 1 trailers OK from trailers_only messages 0/0\n"
                            "frame > DATA stream 1 flags 0x00 length 9\n"
                            "begin 2 stream 3 grpc\n"
                            "!message request stream 1\n!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_server_that_answers_in_http1_is_skipped(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    talk.has_frames = true;
    test_talk_raw(&talk, REQUEST, "GET / HTTP/1.1\r\n\r\n", 18);
    test_talk_raw(&talk, RESPONSE, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    test_talk_expect(&talk, "skipped > 18\nskipped < 7\nskipped < 21\n!frame\n");
    test_talk_release(&talk);
}

static void the_oldest_stream_is_given_up_when_there_are_too_many(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.streams_max = 2;
    for (uint32_t i = 0; i < 4; i++) {
        test_talk_headers(&talk, REQUEST, 1 + 2 * i, END, TEST_REQUEST_FIELDS);
    }
    test_talk_expect(&talk, "begin 2 stream 3 grpc\n"
                            "end stream 1 open messages 0/0 gap\n"
                            "begin 3 stream 5 grpc\n"
                            "end stream 3 open messages 0/0 gap\n"
                            "begin 4 stream 7 grpc\n"
                            "end stream 5 open messages 0/0\n"
                            "end stream 7 open messages 0/0\n");
    test_talk_release(&talk);
}

static void kept_bytes_of_unfinished_messages_are_bounded_together(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.keep_total_max = 5;
    for (uint32_t i = 0; i < 2; i++) {
        test_talk_headers(&talk, REQUEST, 1 + 2 * i, 0, TEST_REQUEST_FIELDS);
        test_talk_data(&talk, REQUEST, 1 + 2 * i, 0, sl_span("\0\0\0\0\4abc", 8));
    }
    test_talk_data(&talk, REQUEST, 3, 0, sl_span("d", 1));
    test_talk_data(&talk, REQUEST, 1, 0, sl_span("d", 1));
    test_talk_message(&talk, REQUEST, 1, 0, "whole in one piece");
    test_talk_expect(&talk, "message request stream 3 #1 flag 0 'ab' cut\n"
                            "message request stream 1 #1 flag 0 'abcd'\n"
                            "message request stream 1 #2 flag 0 'whole in one piece'\n");
    test_talk_release(&talk);
}

static void a_block_past_the_limit_is_lost_and_the_call_goes_on(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.block_max = 20;
    test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS);
    test_talk_message(&talk, REQUEST, 1, END, "x");
    test_talk_headers(&talk, RESPONSE, 1, END, ":status: 200\n");
    test_talk_expect(&talk, "headers request stream 1\n"
                            "message request stream 1 #1 flag 0 'x'\n"
                            "end stream 1 trailers messages 1/0 lost_headers\n!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_is_told_from_begin_to_end),
        cmocka_unit_test(interleaved_streams_keep_their_messages_apart),
        cmocka_unit_test(a_block_in_pieces_is_one_block),
        cmocka_unit_test(a_frame_inside_a_block_loses_the_block),
        cmocka_unit_test(padding_is_no_part_of_a_message),
        cmocka_unit_test(informational_responses_come_before_the_real_one),
        cmocka_unit_test(the_content_type_says_what_a_request_is),
        cmocka_unit_test(other_requests_hold_no_messages),
        cmocka_unit_test(a_message_cut_by_the_end_is_told_incomplete),
        cmocka_unit_test(frames_after_the_end_have_no_call),
        cmocka_unit_test(a_server_that_answers_in_http1_is_skipped),
        cmocka_unit_test(the_oldest_stream_is_given_up_when_there_are_too_many),
        cmocka_unit_test(kept_bytes_of_unfinished_messages_are_bounded_together),
        cmocka_unit_test(a_block_past_the_limit_is_lost_and_the_call_goes_on),
    };
    return cmocka_run_group_tests_name("wire/observer", tests, NULL, NULL);
}
