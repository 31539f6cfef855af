/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/h2.h"
#include "lib/base/alloc.h"

enum {
    HPACK_TABLE = 4096, /* until the server says otherwise, RFC 9113 6.5.2 */
};

struct sl_buf *har_h2_out(struct h2_conn *conn)
{
    return har_link_out(conn->base.link);
}

void har_h2_wake(struct h2_conn *conn)
{
    har_link_wake(conn->base.link);
}

void har_h2_fail(struct h2_conn *conn, uint32_t error, const char *text)
{
    if (conn->is_failing || !har_conn_is_live(&conn->base)) {
        return;
    }
    conn->is_failing = true;
    conn->failure_error = error;
    sl_error_set(&conn->failure, SL_MALFORMED, "%s", text);
    har_h2_wake(conn);
}

static void on_connected(struct har_conn *base)
{
    struct h2_conn *conn = h2_conn_of(base);
    const struct har_conn_config *config = &base->config;
    struct sl_h2_setting_pair settings[] = {
        {SL_H2_SETTINGS_ENABLE_PUSH, 0},
        {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, config->stream_window},
    };
    if ((config->suppress & HAR_SUPPRESS_PREFACE) != 0) {
        return;
    }
    (void)sl_buf_add(har_h2_out(conn), SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    (void)sl_h2_write_settings(har_h2_out(conn), settings, sizeof settings / sizeof settings[0]);
    har_h2_credit_connection(conn);
    if (config->keepalive_time_ns > 0) {
        conn->keepalive = har_h2_keepalive_new(conn);
    }
    har_h2_wake(conn);
}

static void on_received(struct har_conn *base, struct sl_span bytes, uint64_t now_ns)
{
    struct h2_conn *conn = h2_conn_of(base);
    (void)now_ns;
    har_h2_keepalive_seen(conn->keepalive);
    har_h2_check_first(conn, bytes);
}

/* Ends every stream and the connection, with a last word to the server. */
static void end_failing(struct h2_conn *conn)
{
    struct har_conn *base = &conn->base;
    (void)sl_h2_write_goaway(har_h2_out(conn), 0, conn->failure_error,
                             sl_span_str(conn->failure.text));
    har_link_finish(base->link);
    if (!base->is_freed) {
        base->ops->link_closed(base, HAR_CONN_ERROR, conn->failure.text);
    }
}

static void on_turn(struct har_conn *base)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (!har_conn_is_live(base)) {
        return;
    }
    if (conn->is_failing) {
        end_failing(conn);
        return;
    }
    har_h2_send(conn);
}

static void on_drained(struct har_conn *base)
{
    struct h2_conn *conn = h2_conn_of(base);
    har_h2_drain(conn);
    if (har_conn_is_live(base) && conn->ready != NULL && conn->send_window > 0) {
        har_h2_wake(conn);
    }
}

/* Ends one stream a round, as each end() may free any of them. */
static void end_streams(struct har_conn *base, const char *text)
{
    for (;;) {
        struct har_stream *stream = base->streams;
        while (stream != NULL && stream->is_ended) {
            stream = stream->next;
        }
        if (stream == NULL || base->is_freed) {
            return;
        }
        har_h2_stream_forget(h2_conn_of(base), h2_stream_of(stream));
        har_stream_deliver_unavailable(stream, SL_FROM_CONNECTION_CLOSED, text);
    }
}

static void on_link_closed(struct har_conn *base, enum har_conn_end how, const char *text)
{
    struct h2_conn *conn = h2_conn_of(base);
    har_h2_keepalive_free(conn->keepalive);
    conn->keepalive = NULL;
    if (har_conn_is_live(base)) {
        end_streams(base, text);
        har_conn_deliver_ended(base, how, text);
    }
}

static void forget_streams(struct h2_conn *conn)
{
    for (struct har_stream *stream = conn->base.streams; stream != NULL; stream = stream->next) {
        har_h2_stream_forget(conn, h2_stream_of(stream));
    }
}

static void on_close(struct har_conn *base, enum har_close how)
{
    struct h2_conn *conn = h2_conn_of(base);
    har_h2_keepalive_free(conn->keepalive);
    conn->keepalive = NULL;
    if (har_link_is_up(base->link) && how != HAR_CLOSE_RST) {
        har_h2_send(conn);
        if (how == HAR_CLOSE_GOAWAY) {
            (void)sl_h2_write_goaway(har_h2_out(conn), 0, SL_H2_NO_ERROR, sl_span(NULL, 0));
        }
    }
    forget_streams(conn);
}

static void on_detach(struct har_conn *base)
{
    struct h2_conn *conn = h2_conn_of(base);
    har_h2_keepalive_free(conn->keepalive);
    conn->keepalive = NULL;
    forget_streams(conn);
}

static bool release(struct har_conn *base)
{
    struct h2_conn *conn = h2_conn_of(base);
    sl_hpack_encoder_free(conn->encoder);
    har_h2_unseen_clear(conn);
    sl_buf_release(&conn->block);
    return true;
}

/* --- the face --- */

static enum sl_status written(struct h2_conn *conn, enum sl_status status)
{
    har_h2_wake(conn);
    return status;
}

static enum sl_status send_raw(struct har_conn *base, struct sl_span bytes)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (!har_link_is_up(base->link)) {
        return SL_STATE;
    }
    /* Behind what is queued: also the requests and messages that wait for the turn. */
    har_h2_send(conn);
    return written(conn, sl_buf_add_span(har_h2_out(conn), bytes));
}

static enum sl_status ping(struct har_conn *base, uint64_t opaque)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (!har_link_is_up(base->link)) {
        return SL_STATE;
    }
    return written(conn, sl_h2_write_ping(har_h2_out(conn), false, opaque));
}

static enum sl_status settings(struct har_conn *base, const struct sl_h2_setting_pair *pairs,
                               size_t count)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (!har_link_is_up(base->link)) {
        return SL_STATE;
    }
    return written(conn, sl_h2_write_settings(har_h2_out(conn), pairs, count));
}

static enum sl_status window_update(struct har_conn *base, uint32_t stream_id, uint32_t increment)
{
    struct h2_conn *conn = h2_conn_of(base);
    if (!har_link_is_up(base->link)) {
        return SL_STATE;
    }
    if (stream_id == 0) {
        conn->recv_window += increment;
    } else {
        struct h2_stream *stream = NULL;
        HASH_FIND(hh, conn->by_id, &stream_id, sizeof stream_id, stream);
        if (stream != NULL) {
            stream->credit.window += increment;
        }
    }
    return written(conn, sl_h2_write_window_update(har_h2_out(conn), stream_id, increment));
}

static uint32_t stream_limit_met(const struct har_conn *base)
{
    const struct h2_conn *conn = (const struct h2_conn *)base;
    return conn->waiting != NULL && conn->open_count >= conn->max_streams ? conn->max_streams : 0;
}

static uint32_t *next_id(struct har_conn *base)
{
    return &h2_conn_of(base)->next_id;
}

static const struct har_conn_ops ops = {
    .observer = &har_h2_observer,
    .connected = on_connected,
    .received = on_received,
    .turn = on_turn,
    .drained = on_drained,
    .link_closed = on_link_closed,
    .close = on_close,
    .detach = on_detach,
    .release = release,
    .send_raw = send_raw,
    .send_frames = har_h2_send_frames,
    .send_room = har_h2_raw_room,
    .table_update = har_h2_table_update,
    .ping = ping,
    .settings = settings,
    .window_update = window_update,
    .stream_limit_met = stream_limit_met,
    .next_id = next_id,
    .stream_new = har_h2_stream_new,
};

struct har_conn *har_h2_conn_new(void)
{
    struct h2_conn *conn = sl_alloc(sizeof *conn);
    conn->base.ops = &ops;
    conn->encoder = sl_hpack_encoder_new(HPACK_TABLE);
    sl_buf_init(&conn->block, SL_HPACK_LIST_MAX * 2);
    conn->table = conn->table_due = HPACK_TABLE;
    conn->next_id = 1;
    conn->max_frame = SL_H2_DEFAULT_MAX_FRAME;
    conn->initial_window = SL_H2_DEFAULT_WINDOW;
    conn->max_streams = UINT32_MAX;
    conn->send_window = SL_H2_DEFAULT_WINDOW;
    conn->recv_window = SL_H2_DEFAULT_WINDOW;
    conn->stream_window = SL_H2_DEFAULT_WINDOW;
    return &conn->base;
}
