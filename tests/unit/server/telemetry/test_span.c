/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/span.h"

#include <jansson.h>

#include "reference-server/services/methods.h"
#include "reference-server/telemetry/peer.h"
#include "tests/support/cmocka_all.h"

enum {
    ROOM = 64,
};

static struct srv_call_record record_of(const char *path)
{
    struct srv_call_record call = {.method = srv_method_find(sl_span_str(path)),
                                   .started_ns = 100,
                                   .ended_ns = 350,
                                   .messages_in = 1,
                                   .messages_out = UINT64_MAX,
                                   .bytes_in = 7};
    memset(call.trace.trace_id, 0xa1, SRV_TRACE_ID);
    memset(call.trace.span_id, 0xb2, SRV_SPAN_ID);
    call.trace.is_sampled = true;
    return call;
}

/* The document of spans, yours. */
static json_t *document_of(const struct srv_span *spans, size_t count, uint64_t wall_offset_ns)
{
    struct sl_buf out;
    sl_buf_init(&out, (count + 1) * SRV_SPAN_JSON_MAX);
    srv_span_request(spans, count, wall_offset_ns, "0123", &out);
    assert_false(out.is_full);
    json_t *document = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    sl_buf_release(&out);
    return document;
}

/* The spans of a document, borrowed. */
static json_t *spans_of(json_t *document)
{
    json_t *scope = NULL;
    assert_int_equal(json_unpack(document, "{s:[{s:[o]}]}", "resourceSpans", "scopeSpans", &scope),
                     0);
    return json_object_get(scope, "spans");
}

static const char *text_of(json_t *span, const char *key)
{
    return json_string_value(json_object_get(span, key));
}

/* The value of an attribute in its one form; NULL when it is not there. */
static json_t *attribute(json_t *span, const char *key)
{
    size_t i = 0;
    json_t *one = NULL;
    json_array_foreach (json_object_get(span, "attributes"), i, one) {
        json_t *value = json_object_get(one, "value");
        if (strcmp(text_of(one, "key"), key) == 0) {
            assert_int_equal(json_object_size(value), 1);
            return json_object_iter_value(json_object_iter(value));
        }
    }
    return NULL;
}

static void assert_attribute(json_t *span, const char *key, const char *value)
{
    json_t *found = attribute(span, key);
    assert_non_null(found);
    assert_string_equal(json_string_value(found), value);
}

static void a_call_is_a_server_span(void **state)
{
    (void)state;
    struct srv_connection_record connection = {.number = 4, .peer = "[::1]:443"};
    struct srv_call_record call = record_of("/chat.v1.ChatService/SendMessage");
    struct srv_span span;
    call.connection = &connection;
    call.stream = 9;
    memset(call.trace.parent_id, 0xc3, SRV_SPAN_ID);
    srv_span_of(&call, &span);
    json_t *document = document_of(&span, 1, UINT64_C(1700000000000000000));
    json_t *json = json_array_get(spans_of(document), 0);
    assert_string_equal(text_of(json, "traceId"), "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
    assert_string_equal(text_of(json, "spanId"), "b2b2b2b2b2b2b2b2");
    assert_string_equal(text_of(json, "parentSpanId"), "c3c3c3c3c3c3c3c3");
    assert_string_equal(text_of(json, "name"), "chat.v1.ChatService/SendMessage");
    assert_string_equal(text_of(json, "startTimeUnixNano"), "1700000000000000100");
    assert_string_equal(text_of(json, "endTimeUnixNano"), "1700000000000000350");
    assert_int_equal(json_integer_value(json_object_get(json, "kind")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "flags")), 0x301);
    assert_int_equal(json_object_size(json_object_get(json, "status")), 0);
    assert_attribute(json, "rpc.system", "grpc");
    assert_attribute(json, "rpc.service", "chat.v1.ChatService");
    assert_attribute(json, "rpc.method", "SendMessage");
    assert_attribute(json, "rpc.grpc.status_code", "0");
    assert_attribute(json, "client.address", "::1");
    assert_attribute(json, "client.port", "443");
    assert_attribute(json, "network.type", "ipv6");
    assert_attribute(json, "sluice.messages.sent", "18446744073709551615");
    assert_attribute(json, "sluice.connection", "4");
    assert_null(attribute(json, "error.type"));
    assert_null(attribute(json, "rpc.grpc.request.metadata.x-request-id"));
    json_decref(document);
}

static void a_root_of_a_trace_has_no_parent_and_an_unknown_method_no_name(void **state)
{
    (void)state;
    struct srv_call_record call = record_of("/what/ever");
    struct srv_span span;
    srv_span_of(&call, &span);
    json_t *document = document_of(&span, 1, 0);
    json_t *json = json_array_get(spans_of(document), 0);
    assert_null(json_object_get(json, "parentSpanId"));
    assert_int_equal(json_integer_value(json_object_get(json, "flags")), 0x101);
    assert_string_equal(text_of(json, "name"), "_OTHER");
    assert_attribute(json, "rpc.method", "_OTHER");
    assert_null(attribute(json, "client.address"));
    json_decref(document);
}

static void only_what_the_server_is_guilty_of_is_an_error(void **state)
{
    (void)state;
    static const enum sl_grpc_status faults[] = {SL_GRPC_UNKNOWN,       SL_GRPC_DEADLINE_EXCEEDED,
                                                 SL_GRPC_UNIMPLEMENTED, SL_GRPC_INTERNAL,
                                                 SL_GRPC_UNAVAILABLE,   SL_GRPC_DATA_LOSS};
    for (int status = SL_GRPC_OK; status <= SL_GRPC_UNAUTHENTICATED; status++) {
        bool is_fault = false;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
            is_fault = is_fault || (int)faults[i] == status;
        }
        struct srv_call_record call = record_of("/grpc.health.v1.Health/Check");
        struct srv_span span;
        call.status = (enum sl_grpc_status)status;
        srv_span_of(&call, &span);
        json_t *document = document_of(&span, 1, 0);
        json_t *json = json_array_get(spans_of(document), 0);
        json_t *code = json_object_get(json_object_get(json, "status"), "code");
        assert_int_equal(json_integer_value(code), is_fault ? 2 : 0);
        assert_int_equal(attribute(json, "error.type") != NULL, is_fault);
        json_decref(document);
    }
}

static void the_longest_spans_fit(void **state)
{
    (void)state;
    static struct srv_span spans[ROOM];
    for (size_t i = 0; i < ROOM; i++) {
        struct srv_call_record call =
            record_of("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
        struct srv_connection_record connection = {.number = UINT64_MAX};
        memset(connection.peer, '\x01', SRV_PEER_MAX - 1);
        memcpy(connection.peer + SRV_PEER_MAX - 7, ":65535", 7);
        memset(call.request_id, i % 2 == 0 ? '\x01' : '\xff', SRV_SHOWN_ID_MAX);
        memset(call.trace.parent_id, 0xff, SRV_SPAN_ID);
        call.connection = &connection;
        call.stream = UINT32_MAX;
        call.status = SL_GRPC_DEADLINE_EXCEEDED;
        call.messages_in = call.bytes_in = call.bytes_out = UINT64_MAX;
        srv_span_of(&call, &spans[i]);
    }
    json_t *document = document_of(spans, ROOM, UINT64_C(1) << 63);
    assert_int_equal(json_array_size(spans_of(document)), ROOM);
    json_decref(document);
}

static void peers_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *core, *shown, *host;
        unsigned port;
    } cases[] = {
        {"ipv4:10.0.0.1:80", "10.0.0.1:80", "10.0.0.1", 80},
        {"ipv6:%5B::1%5D:8080", "[::1]:8080", "::1", 8080},
        {"unix:/a", "unix:/a", NULL, 0},
        {"", "", NULL, 0},
        {"ipv4:10.0.0.1:65536", "10.0.0.1:65536", NULL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char shown[SRV_PEER_MAX];
        struct sl_span host;
        uint16_t port = 0;
        srv_peer_from_core(sl_span_str(cases[i].core), shown);
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(srv_peer_split(sl_span_str(shown), &host, &port), cases[i].host != NULL);
        assert_int_equal(port, cases[i].port);
        assert_true(cases[i].host == NULL || sl_span_is(host, cases[i].host));
    }
    char shown[SRV_PEER_MAX];
    char name[2 * SRV_PEER_MAX];
    memset(name, 'x', sizeof(name));
    srv_peer_from_core(sl_span(name, sizeof(name)), shown);
    assert_int_equal(strlen(shown), SRV_PEER_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_a_server_span),
        cmocka_unit_test(a_root_of_a_trace_has_no_parent_and_an_unknown_method_no_name),
        cmocka_unit_test(only_what_the_server_is_guilty_of_is_an_error),
        cmocka_unit_test(the_longest_spans_fit),
        cmocka_unit_test(peers_have_one_form),
    };
    return cmocka_run_group_tests_name("server/span", tests, NULL, NULL);
}
