/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/span.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/json_out.h"
#include "reference-server/services/methods.h"
#include "reference-server/telemetry/peer.h"
#include "reference-server/telemetry/trace_context.h"

enum {
    NUMBER_BYTES = 24,
    KIND_SERVER = 2,  /* Span.SpanKind */
    STATUS_ERROR = 2, /* Status.StatusCode */
    FLAG_SAMPLED = 0x001,
    FLAG_KNOWS_IS_REMOTE = 0x100, /* SpanFlags: the parent is known to be, or not to be, remote */
    FLAG_IS_REMOTE = 0x200,
};

/* What unknown methods are called, however many names clients find (semantic conventions, "rpc.method"). */
#define OTHER "_OTHER"

void srv_span_of(const struct srv_call_record *call, struct srv_span *ret_span)
{
    struct sl_span peer = srv_peer_of(call);
    *ret_span = (struct srv_span){
        .path = call->method->path,
        .trace = call->trace,
        .started_ns = call->started_ns,
        .ended_ns = call->ended_ns,
        .messages_in = call->messages_in,
        .messages_out = call->messages_out,
        .bytes_in = call->bytes_in,
        .bytes_out = call->bytes_out,
        .connection = call->connection == NULL ? 0 : call->connection->number,
        .stream = call->stream,
        .status = call->status,
    };
    memcpy(ret_span->peer, peer.data, peer.len); /* both end within SRV_PEER_MAX */
    memcpy(ret_span->request_id, call->request_id, sizeof(ret_span->request_id));
}

static void key_decimal(struct sl_json_out *out, const char *key, uint64_t value)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    sl_json_out_key_str(out, key, text);
}

static void begin_attribute(struct sl_json_out *out, const char *key)
{
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "key", key);
    sl_json_out_key(out, "value");
    sl_json_out_begin_object(out);
}

static void end_attribute(struct sl_json_out *out)
{
    sl_json_out_end_object(out);
    sl_json_out_end_object(out);
}

static void add_span(struct sl_json_out *out, const char *key, struct sl_span value)
{
    begin_attribute(out, key);
    sl_json_out_key(out, "stringValue");
    sl_json_out_span(out, value);
    end_attribute(out);
}

static void add_str(struct sl_json_out *out, const char *key, const char *value)
{
    add_span(out, key, sl_span_str(value));
}

static void add_number(struct sl_json_out *out, const char *key, uint64_t value)
{
    begin_attribute(out, key);
    key_decimal(out, "intValue", value);
    end_attribute(out);
}

static void add_method(struct sl_json_out *out, const char *path)
{
    const char *slash = path == NULL ? NULL : strchr(path + 1, '/');
    add_str(out, "rpc.system", "grpc");
    if (slash == NULL) {
        add_str(out, "rpc.method", OTHER);
        return;
    }
    add_span(out, "rpc.service", sl_span(path + 1, (size_t)(slash - path) - 1));
    add_str(out, "rpc.method", slash + 1);
}

static void add_peer(struct sl_json_out *out, const char *peer)
{
    struct sl_span host;
    uint16_t port = 0;
    if (!srv_peer_split(sl_span_str(peer), &host, &port)) {
        return;
    }
    bool is_v6 = memchr(host.data, ':', host.len) != NULL;
    add_span(out, "client.address", host);
    add_number(out, "client.port", port);
    add_span(out, "network.peer.address", host);
    add_number(out, "network.peer.port", port);
    add_str(out, "network.transport", "tcp");
    add_str(out, "network.type", is_v6 ? "ipv6" : "ipv4");
}

static void add_request_id(struct sl_json_out *out, const char *request_id)
{
    if (request_id[0] == '\0') {
        return;
    }
    begin_attribute(out, "rpc.grpc.request.metadata.x-request-id");
    sl_json_out_key(out, "arrayValue");
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "values");
    sl_json_out_begin_array(out);
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "stringValue", request_id);
    sl_json_out_end_object(out);
    sl_json_out_end_array(out);
    sl_json_out_end_object(out);
    end_attribute(out);
}

static void add_attributes(struct sl_json_out *out, const struct srv_span *span)
{
    add_method(out, span->path);
    add_number(out, "rpc.grpc.status_code", (uint64_t)span->status);
    if (srv_is_server_fault(span->status)) {
        const char *name = sl_grpc_status_name((uint32_t)span->status);
        add_str(out, "error.type", name == NULL ? OTHER : name);
    }
    add_peer(out, span->peer);
    add_request_id(out, span->request_id);
    add_number(out, "sluice.messages.received", span->messages_in);
    add_number(out, "sluice.messages.sent", span->messages_out);
    add_number(out, "sluice.bytes.received", span->bytes_in);
    add_number(out, "sluice.bytes.sent", span->bytes_out);
    if (span->connection != 0) {
        add_number(out, "sluice.connection", span->connection);
        add_number(out, "sluice.stream", span->stream);
    }
}

static void add_ids(struct sl_json_out *out, const struct srv_trace *trace)
{
    static const uint8_t none[SRV_SPAN_ID];
    char trace_id[SRV_TRACE_HEX];
    char span_id[SRV_SPAN_HEX];
    uint64_t flags = FLAG_KNOWS_IS_REMOTE | (trace->is_sampled ? FLAG_SAMPLED : 0);
    sl_json_out_key_str(out, "traceId", srv_trace_id_text(trace, trace_id));
    sl_json_out_key_str(out, "spanId", srv_span_id_text(trace->span_id, span_id));
    if (memcmp(trace->parent_id, none, sizeof(none)) != 0) {
        sl_json_out_key_str(out, "parentSpanId", srv_span_id_text(trace->parent_id, span_id));
        flags |= FLAG_IS_REMOTE;
    }
    sl_json_out_key_u64(out, "flags", flags);
}

static void write_span(struct sl_json_out *out, const struct srv_span *span,
                       uint64_t wall_offset_ns)
{
    sl_json_out_begin_object(out);
    add_ids(out, &span->trace);
    sl_json_out_key_str(out, "name", span->path == NULL ? OTHER : span->path + 1);
    sl_json_out_key_u64(out, "kind", KIND_SERVER);
    key_decimal(out, "startTimeUnixNano", span->started_ns + wall_offset_ns);
    key_decimal(out, "endTimeUnixNano", span->ended_ns + wall_offset_ns);
    sl_json_out_key(out, "attributes");
    sl_json_out_begin_array(out);
    add_attributes(out, span);
    sl_json_out_end_array(out);
    sl_json_out_key(out, "status");
    sl_json_out_begin_object(out);
    if (srv_is_server_fault(span->status)) {
        sl_json_out_key_u64(out, "code", STATUS_ERROR);
    }
    sl_json_out_end_object(out);
    sl_json_out_end_object(out);
}

static void write_resource(struct sl_json_out *out, const char *instance)
{
    sl_json_out_key(out, "resource");
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "attributes");
    sl_json_out_begin_array(out);
    add_str(out, "service.name", "sluice-server");
    add_str(out, "service.version", SL_VERSION);
    add_str(out, "service.instance.id", instance);
    sl_json_out_end_array(out);
    sl_json_out_end_object(out);
}

void srv_span_request(const struct srv_span *spans, size_t count, uint64_t wall_offset_ns,
                      const char *instance, struct sl_buf *out_bytes)
{
    struct sl_json_out out;
    sl_json_out_init(&out, out_bytes);
    sl_json_out_begin_object(&out);
    sl_json_out_key(&out, "resourceSpans");
    sl_json_out_begin_array(&out);
    sl_json_out_begin_object(&out);
    write_resource(&out, instance);
    sl_json_out_key(&out, "scopeSpans");
    sl_json_out_begin_array(&out);
    sl_json_out_begin_object(&out);
    sl_json_out_key(&out, "scope");
    sl_json_out_begin_object(&out);
    sl_json_out_key_str(&out, "name", "sluice-server");
    sl_json_out_key_str(&out, "version", SL_VERSION);
    sl_json_out_end_object(&out);
    sl_json_out_key(&out, "spans");
    sl_json_out_begin_array(&out);
    for (size_t i = 0; i < count; i++) {
        write_span(&out, &spans[i], wall_offset_ns);
    }
    sl_json_out_end_array(&out);
    sl_json_out_end_object(&out);
    sl_json_out_end_array(&out);
    sl_json_out_end_object(&out);
    sl_json_out_end_array(&out);
    sl_json_out_end_object(&out);
}
