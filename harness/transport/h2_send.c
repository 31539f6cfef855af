/* SPDX-License-Identifier: Apache-2.0 */
#include <utlist.h>

#include "harness/transport/h2.h"
#include "lib/base/rd.h"

enum {
    /* DATA is added while less than this waits for the socket: enough for large writes, little enough
     * that control frames do not wait long. */
    OUTPUT_ENOUGH = 256 * 1024,
    COMPACT_AT = 64 * 1024,
};

void har_h2_mark_ready(struct h2_conn *conn, struct h2_stream *stream)
{
    if (stream->is_open && !stream->is_ready && !stream->is_end_sent) {
        stream->is_ready = true;
        DL_APPEND2(conn->ready, stream, send_prev, send_next);
    }
    har_h2_wake(conn);
}

static void unready(struct h2_conn *conn, struct h2_stream *stream)
{
    stream->is_ready = false;
    DL_DELETE2(conn->ready, stream, send_prev, send_next);
}

static size_t pending(const struct h2_stream *stream)
{
    return stream->out.len - stream->out_at;
}

/* Counts the messages whose last byte is among the next len bytes of out. */
static void count_sent(struct h2_stream *stream, size_t len)
{
    size_t at = stream->out_at;
    while (len > 0) {
        if (stream->unsent == 0) {
            struct sl_rd rd;
            sl_rd_init(&rd, sl_span_from(sl_buf_span(&stream->out), at));
            (void)sl_rd_u8(&rd);
            stream->unsent = SL_MESSAGE_PREFIX_SIZE + (size_t)sl_rd_be32(&rd);
        }
        size_t step = len < stream->unsent ? len : stream->unsent;
        at += step;
        len -= step;
        stream->unsent -= step;
        stream->queued -= stream->unsent == 0 ? 1 : 0;
    }
}

static void consume(struct h2_stream *stream, size_t len)
{
    count_sent(stream, len);
    stream->out_at += len;
    if (pending(stream) == 0) {
        sl_buf_clear(&stream->out);
        stream->out_at = 0;
        if (stream->out.capacity > COMPACT_AT) {
            sl_buf_release(&stream->out);
        }
    } else if (stream->out_at >= COMPACT_AT && stream->out_at >= pending(stream)) {
        sl_buf_consume(&stream->out, stream->out_at);
        stream->out_at = 0;
    }
}

/* What one DATA frame of the stream may carry now. */
static size_t allowance(const struct h2_conn *conn, const struct h2_stream *stream)
{
    int64_t window =
        conn->send_window < stream->send_window ? conn->send_window : stream->send_window;
    size_t allowed = window > 0 ? (size_t)window : 0;
    size_t wanted = pending(stream);
    uint32_t own_max = conn->base.config.data_max;
    uint32_t max = own_max > 0 && own_max < conn->max_frame ? own_max : conn->max_frame;
    wanted = wanted < max ? wanted : max;
    return wanted < allowed ? wanted : allowed;
}

/* One DATA frame of the stream, and its place in the list of ready ones. */
static void send_data(struct h2_conn *conn, struct h2_stream *stream)
{
    size_t len = allowance(conn, stream);
    bool is_last = stream->is_half_closed && len == pending(stream);
    unready(conn, stream);
    if (len > 0 || is_last) {
        struct sl_span piece =
            sl_span_first(sl_span_from(sl_buf_span(&stream->out), stream->out_at), len);
        (void)sl_h2_write_frame(har_h2_out(conn), SL_H2_DATA, is_last ? SL_H2_FLAG_END_STREAM : 0,
                                stream->base.id, piece);
        conn->send_window -= (int64_t)len;
        stream->send_window -= (int64_t)len;
        stream->is_end_sent = is_last;
        consume(stream, len);
        if (len > 0 && pending(stream) == 0 && !stream->is_draining) {
            stream->is_draining = true;
            DL_APPEND2(conn->draining, stream, drain_prev, drain_next);
        }
    }
    bool waits_for_stream = pending(stream) > 0 && stream->send_window <= 0;
    if (pending(stream) > 0 && !waits_for_stream) {
        stream->is_ready = true;
        DL_APPEND2(conn->ready, stream, send_prev, send_next);
    }
}

/* True when the ready stream needs no window: only END_STREAM is left. */
static bool is_only_end(const struct h2_stream *stream)
{
    return stream->is_half_closed && pending(stream) == 0;
}

static void send_ready(struct h2_conn *conn)
{
    while (conn->ready != NULL && har_link_queued(conn->base.link) < OUTPUT_ENOUGH) {
        struct h2_stream *stream = conn->ready;
        if (conn->send_window <= 0) {
            /* Only what no window holds back; the rest waits for the connection's. */
            while (stream != NULL && !is_only_end(stream)) {
                stream = stream->send_next;
            }
            if (stream == NULL) {
                return;
            }
        }
        send_data(conn, stream);
    }
}

static void open_stream(struct h2_conn *conn, struct h2_stream *stream)
{
    DL_DELETE2(conn->waiting, stream, send_prev, send_next);
    stream->is_waiting = false;
    stream->base.id = conn->next_id;
    conn->next_id += 2;
    if (!har_h2_write_request(conn, stream)) {
        stream->base.id = 0;
        conn->next_id -= 2;
        har_stream_end_late(&stream->base, "the request's metadata passes the limit of a block");
        return;
    }
    sl_headers_release(&stream->metadata);
    stream->is_open = true;
    conn->open_count++;
    HASH_ADD(hh, conn->by_id, base.id, sizeof stream->base.id, stream);
    stream->send_window = conn->initial_window;
    har_h2_credit_opened(conn, stream);
    if (pending(stream) > 0 || stream->is_half_closed) {
        har_h2_mark_ready(conn, stream);
    }
}

void har_h2_send(struct h2_conn *conn)
{
    /* RFC 9113 5.1.2; like every gRPC client, the first request waits for the server's SETTINGS. */
    while (conn->has_settings && !conn->base.has_goaway && conn->waiting != NULL &&
           conn->open_count < conn->max_streams && conn->next_id <= SL_H2_MAX_WINDOW) {
        open_stream(conn, conn->waiting);
    }
    send_ready(conn);
}

void har_h2_drain(struct h2_conn *conn)
{
    while (conn->draining != NULL) {
        struct h2_stream *stream = conn->draining;
        stream->is_draining = false;
        DL_DELETE2(conn->draining, stream, drain_prev, drain_next);
        if (pending(stream) == 0 && stream->base.handler->drained != NULL) {
            stream->base.handler->drained(stream->base.owner, &stream->base);
        }
        if (!har_conn_is_live(&conn->base)) {
            return;
        }
    }
}
