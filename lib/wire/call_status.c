/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/call_status.h"

#include "lib/wire/content.h"
#include "lib/wire/end_message.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/h2_frame.h"

enum {
    DEADLINE_ROUNDING_SHIFT = 6,  /* clients round grpc-timeout up */
    DEADLINE_QUEUE_NS = 10000000, /* and count from before they send HEADERS */
    DEADLINE_SLACK_SHIFT = 4,     /* the most that both may make together */
    CONNECT_TIMEOUT_DIGITS = 10,
    NS_PER_MS = 1000000,
};

static void set_status(struct sl_call *call, uint32_t code, enum sl_status_source source)
{
    call->has_status = true;
    call->code = code;
    call->status_source = source;
}

/* Connect: at most ten decimal digits of milliseconds. */
static uint64_t read_milliseconds(struct sl_span text)
{
    uint64_t ms = 0;
    if (text.len == 0 || text.len > CONNECT_TIMEOUT_DIGITS) {
        return UINT64_MAX;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return UINT64_MAX;
        }
        ms = ms * 10 + (uint64_t)(text.data[i] - '0');
    }
    return ms * NS_PER_MS;
}

void sl_call_status_timeout(struct sl_call *call)
{
    const struct sl_headers *headers = &call->request.headers;
    const struct sl_header *timeout = sl_headers_find(headers, "grpc-timeout");
    if (timeout != NULL && sl_grpc_timeout_read(timeout->value, &call->timeout_ns) != SL_OK) {
        call->timeout_ns = UINT64_MAX;
    }
    const struct sl_header *ms = sl_headers_find(headers, "connect-timeout-ms");
    if (timeout == NULL && ms != NULL) {
        call->timeout_ns = read_milliseconds(ms->value);
    }
}

static bool is_connect_stream(const struct sl_call *call)
{
    return sl_content_framing(SL_PROTOCOL_CONNECT, &call->request.headers) == SL_FRAMING_CONNECT ||
           sl_content_framing(SL_PROTOCOL_CONNECT, &call->response.headers) == SL_FRAMING_CONNECT;
}

/* The end-stream message, or the body of a unary error. */
static bool status_from_connect(struct sl_call *call)
{
    if (!call->has_end_message && !call->has_connect_error) {
        return false;
    }
    set_status(call, call->has_connect_error ? call->connect_code : (uint32_t)SL_GRPC_OK,
               call->has_end_message ? SL_FROM_CONNECT_END_STREAM : SL_FROM_CONNECT_ERROR);
    return true;
}

/* grpc-status as it is on the wire, wherever the server put it. */
static bool status_from_wire(struct sl_call *call)
{
    const struct sl_call_side *side = &call->response;
    const struct sl_header *field = NULL;
    if (call->protocol == SL_PROTOCOL_CONNECT) {
        return status_from_connect(call);
    }
    if (side->has_trailers) {
        field = sl_headers_find(&side->trailers, "grpc-status");
    }
    bool is_last = field != NULL;
    if (field == NULL && side->has_headers) {
        field = sl_headers_find(&side->headers, "grpc-status");
    }
    if (field == NULL) {
        return false;
    }
    uint32_t code = SL_GRPC_UNKNOWN;
    enum sl_status read = sl_grpc_status_read(field->value, &code);
    (void)read; /* a malformed one gives what a lenient client sees */
    call->is_status_inferred = sl_header_is_inferred(field);
    enum sl_status_source last =
        call->has_end_message ? SL_FROM_GRPC_WEB_TRAILERS : SL_FROM_TRAILERS;
    set_status(call, code, is_last && side->has_headers ? last : SL_FROM_TRAILERS_ONLY);
    return true;
}

/* The server ended its response without a grpc-status. */
static void status_from_http(struct sl_call *call)
{
    bool is_hidden = sl_call_lacks_fields(call) || (call->is_midway && call->http_status == 0);
    if (!is_hidden && call->protocol == SL_PROTOCOL_CONNECT) {
        bool is_success = call->http_status == 200 && !is_connect_stream(call);
        set_status(call, is_success ? SL_GRPC_OK : sl_grpc_status_from_http(call->http_status),
                   SL_FROM_HTTP_STATUS);
    } else if (!is_hidden) {
        set_status(call, sl_grpc_status_from_http(call->http_status), SL_FROM_HTTP_STATUS);
    }
}

/* A client that resets at its deadline reports DEADLINE_EXCEEDED. */
static bool is_past_deadline(const struct sl_call *call)
{
    if (call->timeout_ns == UINT64_MAX || !call->start.has_time || !call->end_at.has_time ||
        call->end_at.time_ns < call->start.time_ns) {
        return false;
    }
    uint64_t slack = (call->timeout_ns >> DEADLINE_ROUNDING_SHIFT) + DEADLINE_QUEUE_NS;
    uint64_t slack_max = call->timeout_ns >> DEADLINE_SLACK_SHIFT;
    slack = slack < slack_max ? slack : slack_max;
    return call->end_at.time_ns - call->start.time_ns >= call->timeout_ns - slack;
}

/* Servers cancel the stream at the deadline; the C core and grpc-go report DEADLINE_EXCEEDED then. */
static uint32_t status_from_reset(const struct sl_call *call)
{
    if (call->reset_error == SL_H2_CANCEL && is_past_deadline(call)) {
        return SL_GRPC_DEADLINE_EXCEEDED;
    }
    return sl_grpc_status_from_h2(call->reset_error);
}

/* True when the response, with its status, may have been before the observer's first byte. */
static bool is_answer_before(const struct sl_call *call)
{
    const struct sl_call_side *side = &call->response;
    return call->is_midway && !side->has_headers && !side->has_trailers && side->data_bytes == 0;
}

/* True when a deadline may have been in what was lost of the request's headers. */
static bool is_timeout_hidden(const struct sl_call *call)
{
    return call->timeout_ns == UINT64_MAX &&
           (sl_call_lacks_fields(call) || !call->request.has_headers);
}

/* RST_STREAM, unless what is missing may have told the status before, or why the client reset. */
static void status_from_rst(struct sl_call *call)
{
    bool is_by_client = call->end == SL_CALL_RESET_BY_CLIENT;
    bool is_cancel = is_by_client || call->reset_error == SL_H2_CANCEL;
    if (call->may_have_answered || is_answer_before(call) ||
        (is_cancel && is_timeout_hidden(call))) {
        return;
    }
    uint32_t code = status_from_reset(call);
    if (is_by_client) {
        code = is_past_deadline(call) ? SL_GRPC_DEADLINE_EXCEEDED : SL_GRPC_CANCELLED;
    }
    set_status(call, code, SL_FROM_RST_STREAM);
}

/* PROTOCOL-HTTP2 "Errors", as gRPC clients derive what the wire does not say. */
void sl_call_status_derive(struct sl_call *call)
{
    if (call->end == SL_CALL_OPEN || status_from_wire(call)) {
        return;
    }
    switch (call->end) {
    case SL_CALL_TRAILERS:
        status_from_http(call);
        break;
    case SL_CALL_RESET_BY_CLIENT:
    case SL_CALL_RESET_BY_SERVER:
        status_from_rst(call);
        break;
    case SL_CALL_GOAWAY:
        set_status(call, SL_GRPC_UNAVAILABLE, SL_FROM_GOAWAY);
        break;
    case SL_CALL_CLOSED_BY_CLIENT:
        if (call->is_http1) {
            /* The one way that HTTP/1.1 has to cancel. */
            set_status(call, is_past_deadline(call) ? SL_GRPC_DEADLINE_EXCEEDED : SL_GRPC_CANCELLED,
                       SL_FROM_CONNECTION_CLOSED);
            break;
        }
        /* fall through */
    case SL_CALL_CLOSED_BY_SERVER:
        if (!call->may_have_ended && !is_answer_before(call)) {
            set_status(call, SL_GRPC_UNAVAILABLE, SL_FROM_CONNECTION_CLOSED);
        }
        break;
    case SL_CALL_OPEN:
        break;
    }
}
