/* SPDX-License-Identifier: Apache-2.0 */
/* What call records say, field by field, for scripted conversations. */
#include "tests/unit/inspector/record_world.h"

#define CHAT_REQUEST                                                                         \
    ":method: POST\n:scheme: http\n:path: /chat.v1.ChatService/SendMessage\n:authority: a\n" \
    "te: trailers\ncontent-type: application/grpc\n"

static const uint8_t end_both = SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM;

/* One call whose response ends with these trailers. */
static json_t *call_with(const char *request, const char *message, const char *trailers)
{
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS, request);
    test_talk_message(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_STREAM, message);
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, end_both, trailers);
    json_t *all = records(&talk, ins_view_calls_new, 100);
    assert_int_equal(json_array_size(all), 1);
    json_t *call = json_incref(json_array_get(all, 0));
    json_decref(all);
    test_talk_release(&talk);
    return call;
}

static void a_unary_call_has_every_field(void **state)
{
    (void)state;
    json_t *call = call_with(CHAT_REQUEST, "\x0a\x01m\x12\x01r", "grpc-status: 0\n");
    expect(call, "type", "\"call\"");
    expect(call, "id", "1");
    expect(call, "connection", "1");
    expect(call, "stream", "1");
    expect(call, "client", "\"10.0.0.1:40000\"");
    expect(call, "server", "\"10.0.0.2:443\"");
    expect(call, "protocol", "\"grpc\"");
    expect(call, "method", "\"/chat.v1.ChatService/SendMessage\"");
    expect(call, "method_source", "\"literal\"");
    expect(call, "kind", "\"unary\"");
    expect(call, "authority", "\"a\"");
    expect(call, "http_status", "200");
    expect(call, "request.metadata", "{\"te\":\"trailers\",\"content-type\":\"application/grpc\"}");
    expect(call, "request.message_count", "1");
    expect(call, "request.partial_messages", "0");
    expect(call, "request.bytes", "6");
    expect(call, "request.trailers", "absent");
    expect(call, "request.messages",
           "[{\"index\":1,\"at_ms\":1000,\"bytes\":6,\"compressed\":false,"
           "\"message_type\":\"chat.v1.ChatMessage\",\"json\":{\"messageId\":\"m\","
           "\"roomId\":\"r\"},\"complete\":true}]");
    expect(call, "response.trailers", "{\"grpc-status\":\"0\"}");
    expect(call, "status", "{\"code\":0,\"name\":\"OK\",\"message\":\"\",\"details\":[]}");
    expect(call, "status_source", "\"trailers\"");
    expect(call, "aborted", "absent");
    expect(call, "duration_ms", "3000");
    expect(call, "complete", "true");
    expect(call, "problems", "[]");
    expect(call, "findings",
           "[{\"type\":\"finding\",\"rule\":\"CALL-23\",\"level\":\"M\",\"side\":\"server\","
           "\"by\":\"10.0.0.2:443\",\"connection\":1,\"stream\":1,\"packet\":11,\"time\":\"1970-01-"
           "01T00:00:10.000000000Z\","
           "\"clause\":\"PROTOCOL-HTTP2 Responses; gRPC status codes\","
           "\"text\":\"a response of one message is OK with 0 of them\","
           "\"frames\":[{\"side\":\"server\",\"frame\":\"HEADERS\",\"number\":4,\"packet\":11}]}]");
    json_decref(call);
}

static void without_a_schema_the_content_is_a_guess(void **state)
{
    (void)state;
    json_t *call = call_with(TEST_REQUEST_FIELDS, "\x0a\x01m", "grpc-status: 0\n");
    expect(call, "kind", "null");
    expect(call, "request.messages.0.message_type", "null");
    expect(call, "request.messages.0.json", "absent");
    expect(call, "request.messages.0.guess", "true");
    expect(call, "request.messages.0.raw", "[{\"field\":1,\"type\":\"string\",\"value\":\"m\"}]");
    json_decref(call);
}

static void unknown_fields_stand_beside_the_json(void **state)
{
    (void)state;
    json_t *call = call_with(CHAT_REQUEST, "\x0a\x01m\x7a\x01z", "grpc-status: 0\n");
    expect(call, "request.messages.0.json", "{\"messageId\":\"m\"}");
    expect(call, "request.messages.0.unknown",
           "[{\"field\":15,\"type\":\"string\",\"value\":\"z\"}]");
    json_decref(call);
}

static void what_does_not_parse_is_a_problem(void **state)
{
    (void)state;
    json_t *call = call_with(CHAT_REQUEST, "\x0a\x40m", "grpc-status: 0\n");
    expect(call, "request.messages.0.problems.0.code", "\"message_malformed\"");
    expect(call, "problems.0.code", "\"message_malformed\"");
    expect(call, "complete", "true");
    json_decref(call);
}

static void metadata_keeps_repeats_and_decodes_binary(void **state)
{
    (void)state;
    json_t *call =
        call_with(CHAT_REQUEST "x: 1\ny: 2\nx: 3\na-bin: AAE\nb-bin: AAE=,Ag\nc-bin: ?\n",
                  "\x0a\x01m", "grpc-status: 0\n");
    expect(call, "request.metadata.x", "[\"1\",\"3\"]");
    expect(call, "request.metadata.y", "\"2\"");
    expect(call, "request.metadata.a-bin", "\"AAE=\"");
    expect(call, "request.metadata.b-bin", "[\"AAE=\",\"Ag==\"]");
    expect(call, "request.metadata.c-bin", "\"?\"");
    json_decref(call);
}

static void status_message_and_details_are_decoded(void **state)
{
    (void)state;
    /* code 5; details: a StringValue "hi", and one of a type that nobody knows with bytes 01 02 */
    json_t *call = call_with(
        CHAT_REQUEST, "\x0a\x01m",
        "grpc-status: 5\ngrpc-message: not%20%C3%A4\n"
        "grpc-status-details-bin: "
        "CAUaNwovdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucHJvdG9idWYuU3RyaW5nVmFsdWUSBAoCaGkaBwoBeBIC"
        "AQI\n");
    expect(call, "status.code", "5");
    expect(call, "status.name", "\"NOT_FOUND\"");
    expect(call, "status.message", "\"not \\u00e4\"");
    expect(call, "status.details",
           "[{\"@type\":\"type.googleapis.com/google.protobuf.StringValue\",\"value\":\"hi\"},"
           "{\"@type\":\"x\",\"value\":\"AQI=\"}]");
    expect(call, "problems", "[]");
    json_decref(call);
}

static void details_that_contradict_the_status_are_a_problem(void **state)
{
    (void)state;
    json_t *call =
        call_with(CHAT_REQUEST, "\x0a\x01m", "grpc-status: 5\ngrpc-status-details-bin: CAY\n");
    expect(call, "problems.0.code", "\"status_details_differ\"");
    json_decref(call);
    call = call_with(CHAT_REQUEST, "\x0a\x01m", "grpc-status: 5\ngrpc-status-details-bin: CAUa\n");
    expect(call, "problems.0.code", "\"status_details_malformed\"");
    json_decref(call);
    call = call_with(CHAT_REQUEST, "\x0a\x01m", "grpc-status: 77\n");
    expect(call, "status.code", "77");
    expect(call, "status.name", "null");
    json_decref(call);
}

static void a_single_block_is_trailers(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, end_both, CHAT_REQUEST);
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, end_both,
                      ":status: 200\ncontent-type: application/grpc\ngrpc-status: 12\n");
    json_t *all = records(&talk, ins_view_calls_new, 100);
    const json_t *call = json_array_get(all, 0);
    expect(call, "response.metadata", "{}");
    expect(call, "response.trailers",
           "{\"content-type\":\"application/grpc\",\"grpc-status\":\"12\"}");
    expect(call, "status_source", "\"trailers_only\"");
    expect(call, "http_status", "200");
    json_decref(all);
    test_talk_release(&talk);
}

static void ends_without_a_status_are_derived(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t client_reset, server_reset; /* error + 1 */
        bool is_closed;
        const char *status, *source, *aborted;
    } cases[] = {
        {"client cancels", SL_H2_CANCEL + 1, 0, false, "\"CANCELLED\"", "\"rst_stream\"",
         "{\"by\":\"client\",\"how\":\"rst_stream\",\"error\":\"CANCEL\"}"},
        {"client has an error of its own", 0x1234567 + 1, 0, false, "\"CANCELLED\"",
         "\"rst_stream\"", "{\"by\":\"client\",\"how\":\"rst_stream\",\"error\":\"0x01234567\"}"},
        {"server refuses", 0, SL_H2_REFUSED_STREAM + 1, false, "\"UNAVAILABLE\"", "\"rst_stream\"",
         "{\"by\":\"server\",\"how\":\"rst_stream\",\"error\":\"REFUSED_STREAM\"}"},
        {"connection is reset", 0, 0, true, "\"UNAVAILABLE\"", "\"connection_closed\"",
         "{\"by\":\"server\",\"how\":\"connection_closed\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, SL_DIR_REQUEST, 1, end_both, CHAT_REQUEST);
        if (cases[i].client_reset > 0) {
            test_talk_rst(&talk, SL_DIR_REQUEST, 1, cases[i].client_reset - 1);
        }
        if (cases[i].server_reset > 0) {
            test_talk_rst(&talk, SL_DIR_RESPONSE, 1, cases[i].server_reset - 1);
        }
        if (cases[i].is_closed) {
            test_talk_close(&talk, SL_DIR_RESPONSE, true);
        }
        json_t *all = records(&talk, ins_view_calls_new, 100);
        expect(json_array_get(all, 0), "status.name", cases[i].status);
        expect(json_array_get(all, 0), "status_source", cases[i].source);
        expect(json_array_get(all, 0), "aborted", cases[i].aborted);
        expect(json_array_get(all, 0), "complete", "true");
        json_decref(all);
        test_talk_release(&talk);
    }
}

static void missing_bytes_make_a_record_incomplete(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS, CHAT_REQUEST);
    test_talk_message(&talk, SL_DIR_REQUEST, 1, 0, "\x0a\x01m");
    test_talk_lose_last(&talk, 4, false);
    test_talk_message(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_STREAM, "\x0a\x01n");
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, end_both, "grpc-status: 0\n");
    json_t *all = records(&talk, ins_view_calls_new, 100);
    expect(json_array_get(all, 0), "complete", "false");
    expect(json_array_get(all, 0), "problems.0.code", "\"bytes_missing\"");
    expect(json_array_get(all, 0), "status.name", "\"OK\"");
    json_decref(all);
    test_talk_release(&talk);
}

static void only_the_first_messages_are_shown_and_all_are_counted(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS, CHAT_REQUEST);
    for (int i = 0; i < 5; i++) {
        test_talk_message(&talk, SL_DIR_REQUEST, 1, 0, "\x0a\x01m");
    }
    json_t *all = records(&talk, ins_view_calls_new, 2);
    const json_t *call = json_array_get(all, 0);
    assert_int_equal(json_array_size(at(call, "request.messages")), 2);
    expect(call, "request.message_count", "5");
    json_decref(all);
    all = records(&talk, ins_view_messages_new, 2);
    assert_int_equal(json_array_size(all), 5);
    expect(json_array_get(all, 4), "index", "5");
    expect(json_array_get(all, 4), "direction", "\"request\"");
    expect(json_array_get(all, 4), "encoding", "\"identity\"");
    expect(json_array_get(all, 4), "call", "1");
    json_decref(all);
    test_talk_release(&talk);
}

static void frames_show_what_they_completed(void **state)
{
    (void)state;
    struct test_talk talk;
    const struct sl_h2_frame_header odd = {.type = 0x0b, .flags = 0x40, .stream = 1};
    test_talk_init(&talk, false);
    test_talk_headers(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_HEADERS, CHAT_REQUEST);
    test_talk_message(&talk, SL_DIR_REQUEST, 1, SL_H2_FLAG_END_STREAM, "\x0a\x01m");
    test_talk_frame(&talk, SL_DIR_REQUEST, &odd, "");
    test_talk_rst(&talk, SL_DIR_RESPONSE, 1, SL_H2_CANCEL);
    json_t *all = records(&talk, ins_view_frames_new, 2);
    size_t count = json_array_size(all);
    const json_t *headers = json_array_get(all, count - 4);
    const json_t *data = json_array_get(all, count - 3);
    expect(headers, "frame", "\"HEADERS\"");
    expect(headers, "headers.0", "[\":method\",\"POST\"]");
    expect(headers, "flags", "[\"END_HEADERS\"]");
    expect(headers, "messages", "[]");
    expect(data, "frame", "\"DATA\"");
    expect(data, "messages.0.json", "{\"messageId\":\"m\"}");
    expect(data, "length", "8");
    expect(json_array_get(all, count - 2), "frame", "\"UNKNOWN_0x0b\"");
    expect(json_array_get(all, count - 2), "flags", "[\"0x40\"]");
    expect(json_array_get(all, count - 1), "error", "\"CANCEL\"");
    expect(json_array_get(all, count - 1), "direction", "\"response\"");
    json_decref(all);
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_has_every_field),
        cmocka_unit_test(without_a_schema_the_content_is_a_guess),
        cmocka_unit_test(unknown_fields_stand_beside_the_json),
        cmocka_unit_test(what_does_not_parse_is_a_problem),
        cmocka_unit_test(metadata_keeps_repeats_and_decodes_binary),
        cmocka_unit_test(status_message_and_details_are_decoded),
        cmocka_unit_test(details_that_contradict_the_status_are_a_problem),
        cmocka_unit_test(a_single_block_is_trailers),
        cmocka_unit_test(ends_without_a_status_are_derived),
        cmocka_unit_test(missing_bytes_make_a_record_incomplete),
        cmocka_unit_test(only_the_first_messages_are_shown_and_all_are_counted),
        cmocka_unit_test(frames_show_what_they_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
