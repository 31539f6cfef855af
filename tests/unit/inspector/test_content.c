/* SPDX-License-Identifier: Apache-2.0 */
/* What records show of messages that are not protobuf, not whole or too large. */
#include "tests/unit/inspector/record_world.h"

#include "inspector/view/head.h"
#include "lib/base/alloc.h"
#include "lib/schema/proto_rd.h"

#define REQUEST(type)                                                                        \
    ":method: POST\n:scheme: http\n:path: /chat.v1.ChatService/SendMessage\n:authority: a\n" \
    "te: trailers\ncontent-type: " type "\n"

/* The call record of one request message of this content-type; is_ended: with END_STREAM. */
static json_t *call_of(const char *request, struct sl_span content, bool is_ended)
{
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS, request);
    test_talk_data(&talk, SL_DIR_REQUEST, 1, is_ended ? SL_H2_FLAG_END_STREAM : 0, content);
    json_t *all = records(&talk, ins_view_calls_new, 100);
    assert_int_equal(json_array_size(all), 1);
    json_t *call = json_incref(json_array_get(all, 0));
    json_decref(all);
    test_talk_release(&talk);
    return call;
}
#define CALL_OF(type, content) call_of(REQUEST(type), sl_span(content, sizeof(content) - 1), true)

static void json_is_shown_as_it_came(void **state)
{
    (void)state;
    json_t *call = CALL_OF("application/grpc+json", "\0\0\0\0\x10{ \"room_id\":\n1 }");
    expect(call, "request.messages.0.codec", "\"json\"");
    expect(call, "request.messages.0.json", "{\"room_id\":1}");
    expect(call, "request.messages.0.complete", "true");
    expect(call, "request.messages.0.truncated", "absent");
    expect(call, "request.messages.0.problems", "absent");
    json_decref(call);
}

static void what_should_be_json_and_is_not_is_text(void **state)
{
    (void)state;
    json_t *call = CALL_OF("application/grpc+json;charset=utf-8", "\0\0\0\0\5{\"a\":");
    expect(call, "request.messages.0.codec", "\"json\"");
    expect(call, "request.messages.0.json", "absent");
    expect(call, "request.messages.0.text", "\"{\\\"a\\\":\"");
    expect(call, "request.messages.0.problems.0.code", "\"message_not_json\"");
    expect(call, "problems.0.code", "\"message_not_json\"");
    json_decref(call);
    call = CALL_OF("application/grpc+json", "\0\0\0\0\x09{\"a\":");
    expect(call, "request.messages.0.text", "\"{\\\"a\\\":\"");
    expect(call, "request.messages.0.truncated", "true");
    expect(call, "request.messages.0.complete", "false");
    expect(call, "request.messages.0.problems", "absent");
    json_decref(call);
}

static void other_codecs_are_bytes(void **state)
{
    (void)state;
    json_t *call = CALL_OF("application/grpc+thrift", "\0\0\0\0\3\x80\1\0");
    expect(call, "request.messages.0.codec", "\"thrift\"");
    expect(call, "request.messages.0.data", "\"gAEA\"");
    expect(call, "request.messages.0.raw", "absent");
    json_decref(call);
}

static void the_head_of_a_cut_message_is_decoded(void **state)
{
    (void)state;
    /* message_id "m", then the first 3 of 9 bytes of room_id */
    json_t *call = CALL_OF("application/grpc", "\0\0\0\0\x0e\x0a\1m\x12\x09rob");
    expect(call, "request.messages.0.bytes", "8");
    expect(call, "request.messages.0.json", "{\"messageId\":\"m\",\"roomId\":\"rob\"}");
    expect(call, "request.messages.0.truncated", "true");
    expect(call, "request.messages.0.complete", "false");
    expect(call, "request.messages.0.problems", "absent");
    json_decref(call);
}

/* Every head of a message is one: it reads to its end, and begins as the message does. */
static void every_head_is_a_message(void **state)
{
    (void)state;
    static const uint8_t message[] = {
        0x08, 0x96, 0x01,                          /* a varint */
        0x12, 3,    'a',  'b', 'c',                /* a string */
        0x1d, 1,    2,    3,   4,                  /* fixed32 */
        0x23, 0x2a, 1,    'x', 0x24,               /* a group */
        0x32, 4,    0x0a, 2,   'd',  'e',          /* a message */
        0x39, 1,    2,    3,   4,    5,   6, 7, 8, /* fixed64 */
    };
    static const struct {
        size_t len;
        size_t wanted; /* bytes of the message that comes of it */
    } cases[] = {
        {0, 0},   {1, 0},   {2, 0},   {3, 3},   {4, 3},   {5, 5},   {6, 6},
        {8, 8},   {12, 8},  {13, 13}, {14, 13}, {17, 13}, {18, 18}, {19, 18},
        {20, 20}, {22, 22}, {24, 24}, {32, 24}, {33, 33},
    };
    struct sl_buf scratch;
    sl_buf_init(&scratch, 64);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t *copy = sl_alloc(cases[i].len + 1);
        memcpy(copy, message, cases[i].len);
        struct sl_span head = ins_head_as_message(sl_span(copy, cases[i].len), &scratch);
        assert_int_equal(head.len, cases[i].wanted);
        assert_true(sl_proto_rd_count(head) >= 0);
        sl_free(copy);
    }
    sl_buf_release(&scratch);
}

static void a_status_in_header_fields_has_its_message(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      REQUEST("application/grpc-web"));
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS,
                      ":status: 200\ncontent-type: application/grpc-web\ngrpc-status: 5\n"
                      "grpc-message: 100 %25\n");
    test_talk_data(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_STREAM, sl_span("", 0));
    json_t *all = records(&talk, ins_view_calls_new, 100);
    const json_t *call = json_array_get(all, 0);
    expect(call, "status.name", "\"NOT_FOUND\"");
    expect(call, "status.message", "\"100 %\"");
    json_decref(all);
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_shown_as_it_came),
        cmocka_unit_test(what_should_be_json_and_is_not_is_text),
        cmocka_unit_test(other_codecs_are_bytes),
        cmocka_unit_test(the_head_of_a_cut_message_is_decoded),
        cmocka_unit_test(every_head_is_a_message),
        cmocka_unit_test(a_status_in_header_fields_has_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
