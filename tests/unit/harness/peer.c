/* SPDX-License-Identifier: Apache-2.0 */
#include <utlist.h>

#include "lib/base/alloc.h"
#include "tests/unit/harness/peer_inside.h"

struct peer_write {
    uv_write_t write;
    uint8_t *bytes;
};

static const struct sl_at now = {.time_ns = 1, .has_time = true};

static void reap(struct peer *peer)
{
    if (peer->is_freed && peer->open_handles == 0) {
        sl_free(peer);
    }
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct peer_conn *conn = handle->data;
    struct peer *peer = conn->peer;
    peer_forget_calls(conn);
    DL_DELETE(peer->conns, conn);
    sl_observer_free(conn->observer);
    sl_hpack_encoder_free(conn->encoder);
    sl_buf_release(&conn->out);
    sl_free(conn);
    peer->open_handles--;
    reap(peer);
}

static void close_conn(struct peer_conn *conn)
{
    if (!conn->is_closed) {
        conn->is_closed = true;
        uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct peer_write *done = (struct peer_write *)write;
    struct peer_conn *conn = write->handle->data;
    sl_free(done->bytes);
    sl_free(done);
    if (conn->is_dying && !conn->is_closed) {
        conn->is_closed = true;
        if (conn->peer->script.die == PEER_DIE_RST) {
            uv_tcp_close_reset(&conn->tcp, on_conn_closed);
        } else {
            uv_close((uv_handle_t *)&conn->tcp, on_conn_closed);
        }
    }
    (void)status;
}

void peer_flush(struct peer_conn *conn)
{
    size_t die_after = conn->peer->script.die_after;
    if (conn->out.len == 0 || conn->is_closed || conn->is_dying) {
        return;
    }
    if (die_after > 0 && conn->sent + conn->out.len >= die_after) {
        sl_buf_truncate(&conn->out, die_after - conn->sent);
        conn->is_dying = true;
    }
    conn->sent += conn->out.len;
    size_t len = 0;
    struct peer_write *write = sl_alloc(sizeof *write);
    sl_observer_feed(conn->observer, SL_DIR_RESPONSE, sl_buf_span(&conn->out), &now);
    write->bytes = sl_buf_take(&conn->out, &len);
    uv_buf_t piece = uv_buf_init((char *)write->bytes, (unsigned)len);
    uv_write(&write->write, (uv_stream_t *)&conn->tcp, &piece, 1, on_written);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct peer_conn *conn = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init(conn->read_buffer, sizeof conn->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct peer_conn *conn = stream->data;
    if (count < 0) {
        conn->peer->seen.fins += count == UV_EOF ? 1 : 0;
        close_conn(conn);
        return;
    }
    if (conn->peer->script.is_mute || conn->peer->script.greeting != NULL) {
        return;
    }
    sl_observer_feed(conn->observer, SL_DIR_REQUEST, sl_span(buf->base, (size_t)count), &now);
    peer_answer(conn);
    peer_flush(conn);
    peer_pump(conn);
}

static void greet(struct peer_conn *conn)
{
    const struct peer_script *script = &conn->peer->script;
    struct sl_h2_setting_pair pairs[2];
    size_t count = 0;
    if (script->greeting != NULL) {
        (void)sl_buf_add_str(&conn->out, script->greeting);
    } else if (!script->is_mute) {
        if (script->max_streams > 0) {
            pairs[count++] = (struct sl_h2_setting_pair){SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                                         script->max_streams};
        }
        if (script->window > 0) {
            pairs[count++] =
                (struct sl_h2_setting_pair){SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, script->window};
        }
        if (script->is_ping_first) {
            (void)sl_h2_write_ping(&conn->out, false, 1);
        }
        (void)sl_h2_write_settings(&conn->out, pairs, count);
        for (unsigned i = 0; i < script->pings; i++) {
            (void)sl_h2_write_ping(&conn->out, false, i);
        }
    }
    peer_flush(conn);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = listener->data;
    (void)status;
    struct peer_conn *conn = sl_alloc(sizeof *conn);
    struct sl_observer_config config = sl_observer_defaults();
    config.handler = &peer_observer;
    config.owner = conn;
    conn->peer = peer;
    conn->observer = sl_observer_new(&config);
    conn->encoder = sl_hpack_encoder_new(4096);
    sl_buf_init(&conn->out, OUTPUT_MAX);
    uv_tcp_init(peer->loop, &conn->tcp);
    conn->tcp.data = conn;
    peer->open_handles++;
    peer->seen.connections++;
    DL_APPEND(peer->conns, conn);
    uv_accept(listener, (uv_stream_t *)&conn->tcp);
    uv_tcp_nodelay(&conn->tcp, 1);
    if (peer->script.pings == 0) {
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    }
    greet(conn);
}

struct peer *peer_new(uv_loop_t *loop, const struct peer_script *script)
{
    return peer_new_at(loop, script, 0);
}

struct peer *peer_new_at(uv_loop_t *loop, const struct peer_script *script, uint16_t port)
{
    struct peer *peer = sl_alloc(sizeof *peer);
    struct sockaddr_in address;
    int len = sizeof address;
    peer->loop = loop;
    peer->script = *script;
    peer->open_handles = 1;
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_bind(&peer->listener, (const struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&peer->listener, 128, on_connection);
    uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &len);
    peer->port = ntohs(address.sin_port);
    return peer;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    peer->open_handles--;
    reap(peer);
}

void peer_free(struct peer *peer)
{
    struct peer_conn *conn = NULL;
    peer->is_freed = true;
    DL_FOREACH (peer->conns, conn) {
        close_conn(conn);
    }
    uv_close((uv_handle_t *)&peer->listener, on_listener_closed);
}

uint16_t peer_port(const struct peer *peer)
{
    return peer->port;
}

const struct peer_seen *peer_seen(const struct peer *peer)
{
    return &peer->seen;
}

void peer_ping(struct peer *peer)
{
    struct peer_conn *conn = NULL;
    DL_FOREACH (peer->conns, conn) {
        (void)sl_h2_write_ping(&conn->out, false, 99);
        peer_flush(conn);
    }
}
