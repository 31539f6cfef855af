/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <utlist.h>

#include "harness/transport/h2.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"

enum {
    HPACK_TABLE_MAX = 4096, /* of our encoder, whatever more the server allows */
    MESSAGE_TEXT_MAX = 64 * 1024,
    ANSWERS_MAX = 1024 * 1024, /* bytes of acknowledgements that a server may leave unread */
};

/* --- the ends of streams --- */

/* The text of a status: grpc-message, or what ended the call instead. */
static const char *result_text(const struct sl_call *call, struct sl_buf *text)
{
    const struct sl_header *field = sl_headers_find(&call->response.trailers, "grpc-message");
    const char *error = NULL;
    if (call->response.has_trailers && field != NULL) {
        (void)sl_grpc_message_decode(field->value, text);
        return sl_buf_str(text);
    }
    if (call->status_source == SL_FROM_RST_STREAM) {
        error = sl_h2_error_name(call->reset_error);
        (void)sl_buf_addf(text, "RST_STREAM %s", error == NULL ? "of unknown code" : error);
    } else if (call->status_source == SL_FROM_HTTP_STATUS) {
        (void)sl_buf_addf(text, "no grpc-status; HTTP status %u", call->http_status);
    } else if (call->status_source == SL_FROM_GOAWAY) {
        (void)sl_buf_add_str(text, "not processed, says the server's GOAWAY");
    } else if (call->status_source == SL_FROM_CONNECTION_CLOSED) {
        (void)sl_buf_add_str(text, "the connection was closed");
    }
    return sl_buf_str(text);
}

static void on_call_end(void *owner, struct sl_call *call)
{
    struct h2_conn *conn = owner;
    struct h2_stream *stream = call->user;
    if (stream == NULL || conn->base.is_freed) {
        return;
    }
    bool is_early = call->end == SL_CALL_TRAILERS && !stream->is_end_sent;
    if (is_early && har_conn_is_live(&conn->base)) {
        /* The server has answered before the request was complete: nothing more will be sent. */
        har_h2_stream_reset(conn, stream, SL_H2_NO_ERROR);
    } else {
        har_h2_stream_forget(conn, stream);
    }
    struct sl_buf text;
    sl_buf_init(&text, MESSAGE_TEXT_MAX);
    struct har_stream_result result = {
        .code = call->has_status ? call->code : SL_GRPC_UNKNOWN,
        .source = call->has_status ? call->status_source : SL_FROM_NONE,
        .message = result_text(call, &text),
        .trailers = call->response.has_trailers ? &call->response.trailers : NULL,
        .reset_error = call->reset_error,
    };
    har_stream_deliver_end(&stream->base, &result);
    sl_buf_release(&text);
}

/* Ends a stream by this side's own decision. */
static void end_here(struct h2_conn *conn, struct h2_stream *stream, uint32_t error,
                     enum sl_grpc_status code, const char *text)
{
    struct har_stream_result result = {.code = code, .source = SL_FROM_NONE, .message = text};
    har_h2_stream_reset(conn, stream, error);
    har_stream_deliver_end(&stream->base, &result);
}

/* --- calls --- */

static void on_call_begin(void *owner, struct sl_call *call)
{
    struct h2_conn *conn = owner;
    struct h2_stream *stream = NULL;
    HASH_FIND(hh, conn->by_id, &call->stream, sizeof call->stream, stream);
    if (stream != NULL && stream->call == NULL) {
        call->user = stream;
        stream->call = call;
    }
}

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct h2_conn *conn = owner;
    struct h2_stream *stream = call->user;
    (void)at;
    if (stream != NULL && !conn->base.is_freed && block == SL_BLOCK_RESPONSE &&
        stream->base.handler->headers != NULL) {
        stream->base.handler->headers(stream->base.owner, &stream->base, headers);
    }
}

static void on_prefix(void *owner, struct sl_call *call, enum sl_dir dir, uint8_t flag,
                      uint32_t length)
{
    struct h2_conn *conn = owner;
    struct h2_stream *stream = call->user;
    (void)flag;
    if (stream == NULL || conn->base.is_freed || dir != SL_DIR_RESPONSE) {
        return;
    }
    if (length > HAR_MESSAGE_MAX) {
        char text[96];
        snprintf(text, sizeof text, "a message of %u bytes is more than the harness takes", length);
        end_here(conn, stream, SL_H2_CANCEL, SL_GRPC_RESOURCE_EXHAUSTED, text);
        return;
    }
    har_h2_credit_prefix(stream, length);
    if (stream->credit.mode == H2_CREDIT_HELD && stream->base.handler->prefix != NULL) {
        stream->base.handler->prefix(stream->base.owner, &stream->base, length);
    }
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct h2_conn *conn = owner;
    struct h2_stream *stream = call->user;
    if (stream == NULL || conn->base.is_freed || dir != SL_DIR_RESPONSE || !message->is_complete) {
        return;
    }
    har_h2_credit_message(stream, message->length);
    if (stream->base.handler->message != NULL) {
        stream->base.handler->message(stream->base.owner, &stream->base, message->payload,
                                      at->time_ns);
    }
}

/* --- frames --- */

/* The change of a stream's send window; too large is the server's error (RFC 9113 6.9.1). */
static bool widen(struct h2_conn *conn, struct h2_stream *stream, int64_t change)
{
    if (stream->send_window + change > SL_H2_MAX_WINDOW) {
        return false;
    }
    stream->send_window += change;
    if (stream->send_window > 0 && (stream->out.len > 0 || stream->is_half_closed)) {
        har_h2_mark_ready(conn, stream);
    }
    return true;
}

static void apply_initial_window(struct h2_conn *conn, uint32_t value)
{
    if (value > SL_H2_MAX_WINDOW) {
        har_h2_fail(conn, SL_H2_FLOW_CONTROL_ERROR, "SETTINGS: INITIAL_WINDOW_SIZE above 2^31-1");
        return;
    }
    int64_t change = (int64_t)value - conn->initial_window;
    struct h2_stream *stream = NULL;
    struct h2_stream *next = NULL;
    conn->initial_window = value;
    HASH_ITER (hh, conn->by_id, stream, next) {
        if (!widen(conn, stream, change)) {
            har_h2_fail(conn, SL_H2_FLOW_CONTROL_ERROR, "SETTINGS: a window passes 2^31-1");
            return;
        }
    }
}

static void apply_setting(struct h2_conn *conn, uint16_t id, uint32_t value)
{
    if (id == SL_H2_SETTINGS_HEADER_TABLE_SIZE) {
        sl_hpack_encoder_set_table_size(conn->encoder,
                                        value < HPACK_TABLE_MAX ? value : HPACK_TABLE_MAX);
        conn->table_due = value < conn->table_due ? value : conn->table_due;
    } else if (id == SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS) {
        conn->max_streams = value;
    } else if (id == SL_H2_SETTINGS_INITIAL_WINDOW_SIZE) {
        apply_initial_window(conn, value);
    } else if (id == SL_H2_SETTINGS_MAX_FRAME_SIZE) {
        if (value < SL_H2_DEFAULT_MAX_FRAME || value > SL_H2_MAX_FRAME_LIMIT) {
            har_h2_fail(conn, SL_H2_PROTOCOL_ERROR, "SETTINGS: MAX_FRAME_SIZE out of range");
        } else {
            conn->max_frame = value;
        }
    }
}

/* An answer of so many bytes was queued. A server may ask for them faster than it reads them, without end. */
static void note_answer(struct h2_conn *conn, size_t bytes)
{
    size_t queued = har_link_queued(conn->base.link);
    conn->answers = (conn->answers + bytes < queued ? conn->answers + bytes : queued);
    if (conn->answers > ANSWERS_MAX) {
        har_h2_fail(conn, SL_H2_ENHANCE_YOUR_CALM,
                    "the server does not read: a megabyte of our answers to its PINGs and SETTINGS "
                    "waits for it");
    }
    har_h2_wake(conn);
}

static void on_settings(struct h2_conn *conn, const struct sl_frame_event *event)
{
    if ((event->header.flags & SL_H2_FLAG_ACK) != 0) {
        har_h2_credit_settings_acked(conn);
        return;
    }
    struct sl_span payload = event->payload;
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        apply_setting(conn, pair.id, pair.value);
    }
    conn->has_settings = true;
    if ((conn->base.config.suppress & HAR_SUPPRESS_SETTINGS_ACK) == 0) {
        (void)sl_h2_write_settings_ack(har_h2_out(conn));
        note_answer(conn, SL_H2_FRAME_HEADER_SIZE);
    }
    har_h2_wake(conn);
}

static void on_window_update(struct h2_conn *conn, const struct sl_frame_event *event)
{
    struct sl_rd rd;
    sl_rd_init(&rd, event->payload);
    uint32_t increment = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
    struct h2_stream *stream = event->call == NULL ? NULL : event->call->user;
    if (event->header.stream == 0) {
        /* What har_conn_send_raw has spent stands in the observer's ledger only. */
        int64_t left = sl_observer_window(har_conn_observer(&conn->base), SL_DIR_REQUEST, 0);
        conn->send_window += increment;
        conn->send_window = conn->send_window < left ? conn->send_window : left;
        if (increment == 0 || left > SL_H2_MAX_WINDOW) {
            har_h2_fail(conn, increment == 0 ? SL_H2_PROTOCOL_ERROR : SL_H2_FLOW_CONTROL_ERROR,
                        "WINDOW_UPDATE of the connection: 0, or past 2^31-1");
        }
        har_h2_wake(conn);
    } else if (stream != NULL && (increment == 0 || !widen(conn, stream, increment))) {
        end_here(conn, stream, increment == 0 ? SL_H2_PROTOCOL_ERROR : SL_H2_FLOW_CONTROL_ERROR,
                 SL_GRPC_INTERNAL, "WINDOW_UPDATE of the stream: 0, or past 2^31-1");
    }
}

static void on_data(struct h2_conn *conn, const struct sl_frame_event *event)
{
    /* Padding counts: RFC 9113 6.9.1. */
    conn->recv_window -= event->header.length;
    har_h2_credit_connection(conn);
    struct h2_stream *stream = event->call == NULL ? NULL : event->call->user;
    if (stream != NULL && (event->header.flags & SL_H2_FLAG_END_STREAM) == 0) {
        har_h2_credit_data(conn, stream, event->header.length, event->call->response.data_bytes);
    }
}

static void on_goaway(struct h2_conn *conn)
{
    conn->base.has_goaway = true;
    while (conn->waiting != NULL && har_conn_is_live(&conn->base)) {
        struct h2_stream *stream = conn->waiting;
        har_h2_stream_forget(conn, stream);
        har_stream_deliver_unavailable(&stream->base, SL_FROM_GOAWAY,
                                       "the server takes no new streams: it sent GOAWAY");
    }
}

static void on_ping(struct h2_conn *conn, const struct sl_frame_event *event)
{
    bool is_silent = (conn->base.config.suppress & HAR_SUPPRESS_PING_ACK) != 0;
    if ((event->header.flags & SL_H2_FLAG_ACK) == 0 && !is_silent) {
        struct sl_rd rd;
        sl_rd_init(&rd, event->payload);
        (void)sl_h2_write_ping(har_h2_out(conn), true, sl_rd_be64(&rd));
        note_answer(conn, SL_H2_FRAME_HEADER_SIZE + event->payload.len);
    }
}

static void on_header_block(struct h2_conn *conn, const struct sl_frame_event *event)
{
    /* RFC 7541 3: after a block that cannot be decoded none can. */
    if (event->call != NULL && event->call->user != NULL && event->call->has_lost_headers) {
        har_h2_fail(conn, SL_H2_COMPRESSION_ERROR, "a header block cannot be decoded");
    }
}

static void on_response_frame(struct h2_conn *conn, const struct sl_frame_event *event)
{
    if (event->is_malformed && event->header.type != SL_H2_WINDOW_UPDATE &&
        event->header.type != SL_H2_PRIORITY) {
        const char *name = sl_h2_type_name(event->header.type);
        char text[96];
        snprintf(text, sizeof text, "a malformed %s frame", name == NULL ? "unknown" : name);
        har_h2_fail(conn, SL_H2_PROTOCOL_ERROR, text);
        return;
    }
    switch (event->header.type) {
    case SL_H2_DATA:
        on_data(conn, event);
        break;
    case SL_H2_HEADERS:
    case SL_H2_CONTINUATION:
        on_header_block(conn, event);
        break;
    case SL_H2_SETTINGS:
        on_settings(conn, event);
        break;
    case SL_H2_PUSH_PROMISE:
        har_h2_fail(conn, SL_H2_PROTOCOL_ERROR, "PUSH_PROMISE, which this client forbids");
        break;
    case SL_H2_PING:
        on_ping(conn, event);
        break;
    case SL_H2_GOAWAY:
        on_goaway(conn);
        break;
    case SL_H2_WINDOW_UPDATE:
        on_window_update(conn, event);
        break;
    default:
        break;
    }
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct h2_conn *conn = owner;
    if (conn->base.is_freed) {
        return;
    }
    if (event->dir == SL_DIR_REQUEST) {
        if (event->header.type == SL_H2_SETTINGS && (event->header.flags & SL_H2_FLAG_ACK) == 0) {
            har_h2_credit_settings_sent(conn, event->payload);
        }
        har_h2_raw_seen(conn, &event->header);
    } else if (har_conn_is_live(&conn->base) && !conn->is_failing) {
        on_response_frame(conn, event);
    }
    har_conn_deliver_frame(&conn->base, event);
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    struct h2_conn *conn = owner;
    har_conn_deliver_finding(&conn->base, finding);
}

static void on_skipped(void *owner, enum sl_dir dir, uint64_t count, const struct sl_at *at)
{
    struct h2_conn *conn = owner;
    (void)count;
    (void)at;
    if (dir == SL_DIR_RESPONSE) {
        har_h2_fail(conn, SL_H2_PROTOCOL_ERROR, "the server's bytes are not HTTP/2 frames");
    }
}

const struct sl_observer_handler har_h2_observer = {
    .call_begin = on_call_begin,
    .headers = on_headers,
    .prefix = on_prefix,
    .message = on_message,
    .call_end = on_call_end,
    .frame = on_frame,
    .is_single_answer = har_conn_is_single_answer,
    .finding = on_finding,
    .skipped = on_skipped,
};

void har_h2_check_first(struct h2_conn *conn, struct sl_span bytes)
{
    if (conn->first_len == H2_FIRST_FRAME) {
        return;
    }
    struct sl_span missing = sl_span_first(bytes, H2_FIRST_FRAME - conn->first_len);
    memcpy(conn->first + conn->first_len, missing.data, missing.len);
    conn->first_len += missing.len;
    struct sl_h2_frame_header header;
    if (sl_h2_frame_header_read(sl_span(conn->first, conn->first_len), &header) != SL_OK) {
        return;
    }
    if (header.type != SL_H2_SETTINGS || (header.flags & SL_H2_FLAG_ACK) != 0 ||
        header.stream != 0 || header.length > SL_H2_DEFAULT_MAX_FRAME) {
        har_h2_fail(conn, SL_H2_PROTOCOL_ERROR,
                    "not HTTP/2: the server's first frame is not SETTINGS");
    }
}
