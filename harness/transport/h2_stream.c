/* SPDX-License-Identifier: Apache-2.0 */
#include <utlist.h>

#include "harness/transport/h2.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"

static bool is_binary(struct sl_span name)
{
    return name.len > 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

/* Copies one field; the value of a -bin one in base64 without padding (PROTOCOL-HTTP2
 * "Binary-Header"). */
static enum sl_status add_metadata(struct sl_headers *headers, const struct sl_header *field)
{
    if (!is_binary(field->name)) {
        return sl_headers_add(headers, field->name, field->value);
    }
    struct sl_buf encoded;
    sl_buf_init(&encoded, SL_HPACK_LIST_MAX);
    enum sl_status status = sl_base64_encode(field->value, false, &encoded);
    if (status == SL_OK) {
        status = sl_headers_add(headers, field->name, sl_buf_span(&encoded));
    }
    sl_buf_release(&encoded);
    return status;
}

static void free_stream(struct har_stream *base)
{
    struct h2_stream *stream = h2_stream_of(base);
    if (base->conn == NULL) {
        return;
    }
    if (stream->is_open) {
        har_h2_stream_reset(h2_conn_under(stream), stream, SL_H2_CANCEL);
    } else {
        har_h2_stream_forget(h2_conn_under(stream), stream);
    }
}

static bool release(struct har_stream *base)
{
    struct h2_stream *stream = h2_stream_of(base);
    sl_headers_release(&stream->metadata);
    sl_buf_release(&stream->out);
    return true;
}

static enum sl_status queue_message(struct har_stream *base, struct sl_span message)
{
    struct h2_stream *stream = h2_stream_of(base);
    if (stream->is_half_closed) {
        return SL_STATE;
    }
    if (message.len > HAR_STREAM_QUEUE_MAX ||
        stream->out.len + SL_MESSAGE_PREFIX_SIZE + message.len > HAR_STREAM_QUEUE_MAX) {
        return SL_LIMIT;
    }
    enum sl_status status = sl_message_write(&stream->out, 0, message);
    if (status == SL_OK) {
        stream->queued++;
        har_h2_mark_ready(h2_conn_under(stream), stream);
    }
    return status;
}

static size_t queued(const struct har_stream *base)
{
    return ((const struct h2_stream *)base)->queued;
}

static uint64_t data_bytes(const struct har_stream *base)
{
    return ((const struct h2_stream *)base)->credit.received;
}

static void half_close(struct har_stream *base)
{
    struct h2_stream *stream = h2_stream_of(base);
    stream->is_half_closed = true;
    har_h2_mark_ready(h2_conn_under(stream), stream);
}

static void cancel(struct har_stream *base, uint32_t error)
{
    struct h2_stream *stream = h2_stream_of(base);
    if (stream->is_open) {
        if (stream->is_half_closed) {
            har_h2_send(h2_conn_under(stream)); /* the half-close was before the cancel */
        }
        har_h2_stream_reset(h2_conn_under(stream), stream, error);
    } else {
        har_h2_stream_forget(h2_conn_under(stream), stream);
    }
}

static const struct har_stream_ops ops = {
    .free = free_stream,
    .release = release,
    .send = queue_message,
    .queued = queued,
    .data_bytes = data_bytes,
    .half_close = half_close,
    .cancel = cancel,
    .credit_messages = har_h2_credit_messages,
    .credit_bytes = har_h2_credit_bytes,
    .stall = har_h2_stall,
    .resume = har_h2_resume,
};

struct har_stream *har_h2_stream_new(struct har_conn *base, const struct har_stream_config *config)
{
    struct h2_conn *conn = h2_conn_of(base);
    struct h2_stream *stream = sl_alloc(sizeof *stream);
    har_stream_start(&stream->base, &ops, base, config);
    sl_buf_init(&stream->out, HAR_STREAM_QUEUE_MAX);
    stream->credit.mode = config->is_manual ? H2_CREDIT_HELD : H2_CREDIT_AUTO;
    for (size_t i = 0; i < config->metadata_count; i++) {
        if (add_metadata(&stream->metadata, &config->metadata[i]) != SL_OK) {
            har_stream_end_late(&stream->base,
                                "the request's metadata passes the limit of a block");
            return &stream->base;
        }
    }
    if (har_conn_is_live(base) && !base->has_goaway) {
        stream->is_waiting = true;
        DL_APPEND2(conn->waiting, stream, send_prev, send_next);
        har_h2_wake(conn);
    }
    return &stream->base;
}

void har_h2_stream_forget(struct h2_conn *conn, struct h2_stream *stream)
{
    if (stream->is_waiting) {
        stream->is_waiting = false;
        DL_DELETE2(conn->waiting, stream, send_prev, send_next);
    }
    if (stream->is_ready) {
        stream->is_ready = false;
        DL_DELETE2(conn->ready, stream, send_prev, send_next);
    }
    if (stream->is_draining) {
        stream->is_draining = false;
        DL_DELETE2(conn->draining, stream, drain_prev, drain_next);
    }
    if (stream->call != NULL) {
        stream->call->user = NULL;
        stream->call = NULL;
    }
    if (stream->is_open) {
        stream->is_open = false;
        HASH_DEL(conn->by_id, stream);
        conn->open_count--;
        if (conn->waiting != NULL) {
            har_h2_wake(conn);
        }
    }
}

void har_h2_stream_reset(struct h2_conn *conn, struct h2_stream *stream, uint32_t error)
{
    (void)sl_h2_write_rst_stream(har_h2_out(conn), stream->base.id, error);
    har_h2_wake(conn);
    har_h2_stream_forget(conn, stream);
}
