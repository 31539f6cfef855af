/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/names.h"

#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/wire/h2_frame.h"

const char *ins_frame_type_name(uint8_t type, char out[INS_NAME_MAX])
{
    const char *known = sl_h2_type_name(type);
    if (known != NULL) {
        return known;
    }
    (void)snprintf(out, INS_NAME_MAX, "UNKNOWN_0x%02x", (unsigned)type);
    return out;
}

const char *ins_h2_error_text(uint32_t code, char out[INS_NAME_MAX])
{
    const char *name = sl_h2_error_name(code);
    if (name != NULL) {
        return name;
    }
    (void)snprintf(out, INS_NAME_MAX, "0x%08x", (unsigned)code);
    return out;
}

const char *ins_dir_name(enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? "request" : "response";
}

const char *ins_kind_name(const struct sl_method *method)
{
    if (method == NULL) {
        return NULL;
    }
    if (method->is_client_streaming) {
        return method->is_server_streaming ? "bidi_streaming" : "client_streaming";
    }
    return method->is_server_streaming ? "server_streaming" : "unary";
}

struct sl_span ins_call_method(const struct ins_call *call)
{
    const struct sl_header *path = sl_headers_find(&call->call->request.headers, ":path");
    if (path == NULL || path->value.len == 0) {
        return sl_span(NULL, 0);
    }
    const uint8_t *query = call->call->protocol == SL_PROTOCOL_CONNECT
                               ? memchr(path->value.data, '?', path->value.len)
                               : NULL;
    return query == NULL ? path->value
                         : sl_span_first(path->value, (size_t)(query - path->value.data));
}

const char *ins_call_method_source(const struct ins_call *call)
{
    const struct sl_header *path = sl_headers_find(&call->call->request.headers, ":path");
    if (path == NULL || path->value.len == 0) {
        return "none";
    }
    switch ((enum sl_field_from)path->from) {
    case SL_FIELD_TABLE:
        return "table";
    case SL_FIELD_SHAPE:
        return "shape";
    case SL_FIELD_ORDER:
        return "order";
    case SL_FIELD_LITERAL:
    case SL_FIELD_STATIC:
        break;
    }
    return "literal";
}

static uint64_t since(const struct sl_at *start, const struct sl_at *at)
{
    return at->time_ns > start->time_ns ? at->time_ns - start->time_ns : 0;
}

bool ins_call_duration(const struct sl_call *call, uint64_t *ret_ns)
{
    if (call->end == SL_CALL_OPEN || !call->start.has_time || !call->end_at.has_time) {
        return false;
    }
    *ret_ns = since(&call->start, &call->end_at);
    return true;
}

const struct sl_message_type *ins_call_type(const struct ins_call *call, enum sl_dir dir)
{
    if (call->method == NULL) {
        return NULL;
    }
    return dir == SL_DIR_REQUEST ? call->method->input : call->method->output;
}

void ins_write_time(struct sl_json_out *out, const struct sl_at *at)
{
    char text[SL_RFC3339_MAX];
    sl_json_out_str(out, at->has_time ? sl_clock_rfc3339(at->time_ns, text) : NULL);
}

void ins_write_since(struct sl_json_out *out, const struct sl_at *start, const struct sl_at *at)
{
    if (start->has_time && at->has_time) {
        sl_json_out_ms(out, since(start, at));
    } else {
        sl_json_out_null(out);
    }
}

void ins_write_stream(struct sl_json_out *out, const struct sl_call *call)
{
    if (call->is_http1) {
        sl_json_out_null(out);
    } else {
        sl_json_out_u64(out, call->stream);
    }
}

void ins_write_span_or_null(struct sl_json_out *out, struct sl_span text)
{
    if (text.data == NULL) {
        sl_json_out_null(out);
    } else {
        sl_json_out_span(out, text);
    }
}
