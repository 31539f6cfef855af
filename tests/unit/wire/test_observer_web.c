/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC-Web and Connect over HTTP/2. */
#include "lib/wire/observer.h"
#include "lib/wire/web_text.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

#define WEB_REQUEST(type) \
    ":method: POST\n:scheme: http\n:path: /pkg.Svc/Method\ncontent-type: " type "\n"
#define WEB_RESPONSE(type) ":status: 200\ncontent-type: " type "\n"
#define CONNECT_GET                                                                 \
    ":method: GET\n:scheme: http\n:path: /pkg.Svc/Method?connect=v1&encoding=proto" \
    "&base64=1&message=CgNhYmM\n"

static void data(struct test_talk *talk, enum sl_dir dir, uint8_t flags, const char *bytes,
                 size_t len)
{
    test_talk_data(talk, dir, 1, flags, sl_span(bytes, len));
}
#define DATA(talk, dir, flags, text) data(talk, dir, flags, text, sizeof(text) - 1)

static void the_trailers_of_grpc_web_lie_in_the_body(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, WEB_REQUEST("application/grpc-web+proto"));
    DATA(&talk, REQUEST, END, "\0\0\0\0\3ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/grpc-web+proto"));
    DATA(&talk, RESPONSE, 0, "\0\0\0\0\3one\0\0\0\0\3two\x80\0\0\0\x20grpc-status:5\r\n");
    DATA(&talk, RESPONSE, END, "Grpc-Message: no\n");
    test_talk_expect(&talk, "begin 1 stream 1 grpc-web\n"
                            "message request stream 1 #1 flag 0 'ask'\n"
                            "message response stream 1 #1 flag 0 'one'\n"
                            "message response stream 1 #2 flag 0 'two'\n"
                            "end stream 1 trailers NOT_FOUND from grpc_web_trailers messages 1/2\n"
                            "!finding\n!skipped\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void the_status_is_known_where_no_message_is_kept(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.config.keep_message_max = 0;
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/grpc-web"));
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/grpc-web"));
    DATA(&talk, RESPONSE, END, "\0\0\0\0\3one\x80\0\0\0\x0fgrpc-status:8\r\n");
    test_talk_expect(
        &talk, "message response stream 1 #1 flag 0 '' cut\n"
               "end stream 1 trailers RESOURCE_EXHAUSTED from grpc_web_trailers messages 0/1\n");
    test_talk_release(&talk);
}

static void text_mode_is_base64_padded_anywhere(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, WEB_REQUEST("application/grpc-web-text"));
    DATA(&talk, REQUEST, END, "AAAAAANhc2s=");
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/grpc-web-text+proto"));
    /* "\0", "\0\0\0\3on", "e", and the trailers */
    DATA(&talk, RESPONSE, 0, "AA==AAAAA29uZQ==");
    DATA(&talk, RESPONSE, END, "gAAAAA9ncnBjLXN0YXR1czowDQo=");
    test_talk_expect(&talk, "begin 1 stream 1 grpc-web-text\n"
                            "message request stream 1 #1 flag 0 'ask'\n"
                            "message response stream 1 #1 flag 0 'one'\n"
                            "end stream 1 trailers OK from grpc_web_trailers messages 1/1\n"
                            "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void text_mode_may_leave_out_the_last_padding(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, WEB_REQUEST("application/grpc-web-text"));
    DATA(&talk, REQUEST, END, "AAAAAANhc2s");
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/grpc-web-text"));
    DATA(&talk, RESPONSE, END, "AAAAAANvbmU=gAAAAA9ncnBjLXN0YXR1czowDQo");
    test_talk_expect(&talk, "message request stream 1 #1 flag 0 'ask'\n"
                            "message response stream 1 #1 flag 0 'one'\n"
                            "end stream 1 trailers OK from grpc_web_trailers messages 1/1\n"
                            "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_single_digit_at_the_end_is_no_base64(void **state)
{
    (void)state;
    struct sl_web_text text = {0};
    struct sl_span digits = sl_span_str("AAAAAANhc");
    uint8_t out[SL_WEB_TEXT_OUT_MAX];
    assert_int_equal(sl_web_text_decode(&text, &digits, out), 6);
    assert_int_equal(sl_web_text_end(&text, out), 0);
    assert_true(text.is_malformed);
}

static void trailers_only_of_grpc_web_are_header_fields(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/grpc-web"));
    test_talk_headers(&talk, RESPONSE, 1, END,
                      WEB_RESPONSE("application/grpc-web") "grpc-status: 12\n");
    test_talk_expect(&talk,
                     "end stream 1 trailers UNIMPLEMENTED from trailers_only messages 0/0\n");
    test_talk_release(&talk);
}

static void a_web_response_without_trailers_is_unknown(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/grpc-web"));
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/grpc-web"));
    DATA(&talk, RESPONSE, END, "\0\0\0\0\3one");
    test_talk_expect(&talk, "end stream 1 trailers UNKNOWN from http_status messages 0/1\n");
    test_talk_release(&talk);
}

static void a_connect_stream_ends_with_its_end_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0, WEB_REQUEST("application/connect+proto"));
    DATA(&talk, REQUEST, END, "\0\0\0\0\3ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/connect+proto"));
    DATA(&talk, RESPONSE, END,
         "\0\0\0\0\3one\2\0\0\0\x3a{\"error\":{\"code\":\"canceled\"},"
         "\"metadata\":{\"k\":[\"v\",\"w\"]}}");
    test_talk_expect(&talk, "begin 1 stream 1 connect\n"
                            "message request stream 1 #1 flag 0 'ask'\n"
                            "message response stream 1 #1 flag 0 'one'\n"
                            "end stream 1 trailers CANCELLED from connect_end_stream messages 1/1\n"
                            "!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void an_end_message_without_error_is_ok(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/connect+json"));
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/connect+json"));
    DATA(&talk, RESPONSE, END, "\2\0\0\0\2{}");
    test_talk_expect(&talk, "end stream 1 trailers OK from connect_end_stream messages 0/0\n");
    test_talk_release(&talk);
}

static void the_body_of_unary_connect_is_one_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, 0,
                      WEB_REQUEST("application/json") "connect-protocol-version: 1\n");
    DATA(&talk, REQUEST, 0, "{\"a\":");
    DATA(&talk, REQUEST, END, "1}");
    test_talk_headers(&talk, RESPONSE, 1, 0,
                      WEB_RESPONSE("application/json") "content-encoding: gzip\n");
    DATA(&talk, RESPONSE, 0, "{}");
    DATA(&talk, RESPONSE, END, "");
    test_talk_expect(&talk, "begin 1 stream 1 connect\n"
                            "message request stream 1 #1 flag 0 '{\"a\":1}'\n"
                            "message response stream 1 #1 flag 1 '{}'\n"
                            "end stream 1 trailers OK from http_status messages 1/1\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void an_empty_unary_response_is_an_empty_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/proto"));
    test_talk_headers(&talk, RESPONSE, 1, END, WEB_RESPONSE("application/proto"));
    test_talk_expect(&talk, "message request stream 1 #1 flag 0 ''\n"
                            "message response stream 1 #1 flag 0 ''\n"
                            "end stream 1 trailers OK from http_status messages 1/1\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_unary_connect_error_is_no_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/proto"));
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 400\ncontent-type: application/json\n");
    DATA(&talk, RESPONSE, END, "{\"code\":\"failed_precondition\",\"message\":\"no\"}");
    test_talk_expect(&talk,
                     "end stream 1 trailers FAILED_PRECONDITION from connect_error messages 1/0\n"
                     "!message response\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void without_a_json_error_the_http_status_tells(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/proto"));
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 404\ncontent-type: text/plain\n");
    DATA(&talk, RESPONSE, END, "404 page not found");
    test_talk_expect(&talk, "end stream 1 trailers UNIMPLEMENTED from http_status messages 1/0\n"
                            "!message response\n");
    test_talk_release(&talk);
}

static void a_connect_get_has_its_message_in_the_query(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, CONNECT_GET);
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/proto"));
    DATA(&talk, RESPONSE, END, "answer");
    test_talk_expect(&talk, "begin 1 stream 1 connect\n"
                            "message request stream 1 #1 flag 0 '\n"
                            "message response stream 1 #1 flag 0 'answer'\n"
                            "end stream 1 trailers OK from http_status messages 1/1\n");
    test_talk_release(&talk);
}

static void plain_json_over_http_is_no_call(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/json"));
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/json"));
    DATA(&talk, RESPONSE, END, "{}");
    test_talk_expect(&talk, "begin 1 stream 1 other\n!message\n");
    test_talk_release(&talk);
}

static void a_hole_in_a_unary_body_leaves_it_incomplete(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END, WEB_REQUEST("application/proto"));
    test_talk_headers(&talk, RESPONSE, 1, 0, WEB_RESPONSE("application/proto"));
    DATA(&talk, RESPONSE, 0, "a long answer");
    test_talk_lose_last(&talk, 3, true);
    DATA(&talk, RESPONSE, END, "!");
    test_talk_expect(&talk, "message response stream 1 #1 flag 0 'a long ans' incomplete cut\n"
                            "end stream 1 trailers OK from http_status messages 1/0 gap\n");
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trailers_of_grpc_web_lie_in_the_body),
        cmocka_unit_test(the_status_is_known_where_no_message_is_kept),
        cmocka_unit_test(text_mode_is_base64_padded_anywhere),
        cmocka_unit_test(text_mode_may_leave_out_the_last_padding),
        cmocka_unit_test(a_single_digit_at_the_end_is_no_base64),
        cmocka_unit_test(trailers_only_of_grpc_web_are_header_fields),
        cmocka_unit_test(a_web_response_without_trailers_is_unknown),
        cmocka_unit_test(a_connect_stream_ends_with_its_end_message),
        cmocka_unit_test(an_end_message_without_error_is_ok),
        cmocka_unit_test(the_body_of_unary_connect_is_one_message),
        cmocka_unit_test(an_empty_unary_response_is_an_empty_message),
        cmocka_unit_test(a_unary_connect_error_is_no_message),
        cmocka_unit_test(without_a_json_error_the_http_status_tells),
        cmocka_unit_test(a_connect_get_has_its_message_in_the_query),
        cmocka_unit_test(plain_json_over_http_is_no_call),
        cmocka_unit_test(a_hole_in_a_unary_body_leaves_it_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
