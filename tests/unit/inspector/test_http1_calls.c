/* SPDX-License-Identifier: Apache-2.0 */
/* Calls over HTTP/1.1: from packets to records. */
#include "tests/unit/inspector/record_world.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE

#define POST(type) \
    "POST /chat.v1.ChatService/SendMessage HTTP/1.1\r\nHost: a\r\nContent-Type: " type "\r\n"
#define WEB      POST("application/grpc-web+proto")
#define OK       "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\n"
#define MESSAGE  "\0\0\0\0\3\x0a\1m"
#define TRAILERS "\x80\0\0\0\x0fgrpc-status:5\r\n"

static void raw(struct test_talk *talk, enum sl_dir dir, const char *bytes, size_t len)
{
    test_talk_raw(talk, dir, bytes, len);
}
#define RAW(talk, dir, text) raw(talk, dir, text, sizeof(text) - 1)

static json_t *calls_of(struct test_talk *talk, size_t count)
{
    json_t *all = records(talk, ins_view_calls_new, 100);
    assert_int_equal(json_array_size(all), count);
    test_talk_release(talk);
    return all;
}

static void expect_nth(const json_t *all, size_t index, const char *path, const char *text)
{
    expect(json_array_get(all, index), path, text);
}

static void a_connection_carries_one_call_after_the_other(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, WEB "Content-Length: 8\r\n\r\n" MESSAGE);
    RAW(&talk, RESPONSE,
        OK "Transfer-Encoding: chunked\r\n\r\n8\r\n" MESSAGE "\r\n14\r\n" TRAILERS);
    RAW(&talk, RESPONSE, "\r\n0\r\n\r\n");
    RAW(&talk, REQUEST,
        POST("application/json") "Connect-Protocol-Version: 1\r\n"
                                 "Content-Length: 16\r\n\r\n{ \"room_id\": 1 }");
    RAW(&talk, RESPONSE,
        "HTTP/1.1 429 Too Many\r\nContent-Type: application/json\r\n"
        "Content-Length: 44\r\n\r\n{\"code\":\"resource_exhausted\",\"message\":\"no\"}");
    json_t *all = calls_of(&talk, 2);
    expect_nth(all, 0, "id", "1");
    expect_nth(all, 0, "stream", "null");
    expect_nth(all, 0, "protocol", "\"grpc-web\"");
    expect_nth(all, 0, "method", "\"/chat.v1.ChatService/SendMessage\"");
    expect_nth(all, 0, "kind", "\"unary\"");
    expect_nth(all, 0, "authority", "\"a\"");
    expect_nth(all, 0, "http_status", "200");
    expect_nth(all, 0, "request.messages.0.bytes", "3");
    expect_nth(all, 0, "response.message_count", "1");
    expect_nth(all, 0, "response.trailers.grpc-status", "\"5\"");
    expect_nth(all, 0, "status.name", "\"NOT_FOUND\"");
    expect_nth(all, 0, "status_source", "\"grpc_web_trailers\"");
    expect_nth(all, 0, "complete", "true");
    expect_nth(all, 0, "problems", "[]");
    expect_nth(all, 1, "protocol", "\"connect\"");
    expect_nth(all, 1, "request.messages.0.codec", "\"json\"");
    expect_nth(all, 1, "request.messages.0.json", "{\"room_id\":1}");
    expect_nth(all, 1, "response.message_count", "0");
    expect_nth(all, 1, "status.name", "\"RESOURCE_EXHAUSTED\"");
    expect_nth(all, 1, "status_source", "\"connect_error\"");
    json_decref(all);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST,
        WEB "\r\n"
            "OPTIONS /x HTTP/1.1\r\n\r\n" WEB "Expect: 100-continue\r\n\r\n");
    RAW(&talk, RESPONSE,
        OK "grpc-status: 3\r\nContent-Length: 0\r\n\r\n"
           "HTTP/1.1 204 \r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK
           "grpc-status: 4\r\nContent-Length: 0\r\n\r\n");
    json_t *all = calls_of(&talk, 2);
    expect_nth(all, 0, "status.code", "3");
    expect_nth(all, 0, "status_source", "\"trailers_only\"");
    expect_nth(all, 1, "status.code", "4");
    expect_nth(all, 1, "id", "2");
    json_decref(all);
}

static void a_client_that_closes_has_cancelled(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, WEB "Content-Length: 8\r\n\r\n" MESSAGE);
    RAW(&talk, RESPONSE, OK "Transfer-Encoding: chunked\r\n\r\n8\r\n\0\0\0\0\6\x0a\1m");
    test_talk_close(&talk, REQUEST, true);
    json_t *all = calls_of(&talk, 1);
    expect_nth(all, 0, "status.name", "\"CANCELLED\"");
    expect_nth(all, 0, "status_source", "\"connection_closed\"");
    expect_nth(all, 0, "response.partial_messages", "1");
    expect_nth(all, 0, "response.messages.0.complete", "false");
    expect_nth(all, 0, "response.messages.0.truncated", "true");
    json_decref(all);
}

static void a_response_that_ends_with_its_connection_is_whole(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, WEB "\r\n");
    RAW(&talk, RESPONSE, OK "\r\n" MESSAGE TRAILERS);
    test_talk_close(&talk, RESPONSE, false);
    json_t *all = calls_of(&talk, 1);
    expect_nth(all, 0, "status.name", "\"NOT_FOUND\"");
    expect_nth(all, 0, "complete", "true");
    json_decref(all);
}

static void a_hole_costs_one_call(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, WEB "\r\n");
    RAW(&talk, RESPONSE,
        OK "Transfer-Encoding: chunked\r\n\r\n8\r\n" MESSAGE "\r\n14\r\n" TRAILERS);
    RAW(&talk, RESPONSE, "\r\n0\r\n\r\n");
    test_talk_lose_last(&talk, 7, true);
    RAW(&talk, REQUEST, WEB "\r\n");
    RAW(&talk, RESPONSE, OK "Content-Length: 20\r\n\r\n" TRAILERS);
    json_t *all = calls_of(&talk, 2);
    expect_nth(all, 0, "id", "1");
    expect_nth(all, 0, "complete", "false");
    expect_nth(all, 1, "id", "2");
    expect_nth(all, 1, "status.name", "\"NOT_FOUND\"");
    expect_nth(all, 1, "complete", "true");
    json_decref(all);
}

static void a_service_below_a_prefix_has_its_schema(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST,
        "POST /api/v2/chat.v1.ChatService/SendMessage HTTP/1.1\r\n"
        "Content-Type: application/grpc-web\r\n\r\n");
    RAW(&talk, RESPONSE, OK "Content-Length: 20\r\n\r\n" TRAILERS);
    json_t *all = calls_of(&talk, 1);
    expect_nth(all, 0, "method", "\"/api/v2/chat.v1.ChatService/SendMessage\"");
    expect_nth(all, 0, "kind", "\"unary\"");
    json_decref(all);
}

static void plain_http_makes_no_call(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    RAW(&talk, RESPONSE, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    json_t *all = records(&talk, ins_view_summary_new, 0);
    expect_nth(all, 0, "calls", "0");
    expect_nth(all, 0, "connections", "0");
    expect_nth(all, 0, "connections_other", "1");
    expect_nth(all, 0, "other_http", "1");
    json_decref(all);
    test_talk_release(&talk);
}

static void lengths_that_contradict_are_told_in_the_record(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, true);
    RAW(&talk, REQUEST, WEB "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    RAW(&talk, RESPONSE, OK "Content-Length: 20\r\n\r\n" TRAILERS);
    json_t *all = calls_of(&talk, 1);
    expect_nth(all, 0, "problems.0.code", "\"body_malformed\"");
    expect_nth(all, 0, "status.name", "\"NOT_FOUND\"");
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_carries_one_call_after_the_other),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_client_that_closes_has_cancelled),
        cmocka_unit_test(a_response_that_ends_with_its_connection_is_whole),
        cmocka_unit_test(a_hole_costs_one_call),
        cmocka_unit_test(a_service_below_a_prefix_has_its_schema),
        cmocka_unit_test(plain_http_makes_no_call),
        cmocka_unit_test(lengths_that_contradict_are_told_in_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
