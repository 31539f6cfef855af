/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "harness/transport/addresses.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rd.h"

enum {
    DEFAULT_CONNECTION_WINDOW = 16 * 1024 * 1024,
    GOAWAY_FIXED = 8, /* last stream and error, RFC 9113 6.8 */
    PING_PAYLOAD = 8, /* RFC 9113 6.7 */
};

struct har_conn_config har_conn_defaults(void)
{
    return (struct har_conn_config){
        .transport = HAR_TRANSPORT_H2,
        .stream_window = SL_H2_DEFAULT_WINDOW,
        .connection_window = DEFAULT_CONNECTION_WINDOW,
    };
}

/* --- the link's callbacks --- */

static struct sl_at at(uint64_t now_ns)
{
    return (struct sl_at){.time_ns = now_ns, .has_time = true};
}

/* What our side did while the observer was at work on the server's bytes. */
static void feed_held(struct har_conn *conn, const struct sl_at *when)
{
    if (conn->held.len > 0) {
        struct sl_buf held = conn->held;
        sl_buf_init(&conn->held, HAR_CONN_QUEUE_MAX);
        sl_observer_feed(conn->observer, SL_DIR_REQUEST, sl_buf_span(&held), when);
        sl_buf_release(&held);
    }
    if (conn->has_held_close) {
        conn->has_held_close = false;
        sl_observer_close(conn->observer, SL_DIR_REQUEST, conn->is_held_reset, when);
    }
}

void har_conn_feed(struct har_conn *conn, enum sl_dir dir, struct sl_span bytes, uint64_t now_ns)
{
    struct sl_at when = at(now_ns);
    if (conn->flow != NULL) {
        har_capture_flow_bytes(conn->flow, dir == SL_DIR_REQUEST, bytes, now_ns);
    }
    if (conn->is_feeding) {
        (void)sl_buf_add_span(&conn->held, bytes);
        return;
    }
    conn->is_feeding = true;
    sl_observer_feed(conn->observer, dir, bytes, &when);
    feed_held(conn, &when);
    conn->is_feeding = false;
}

static void observe_close(struct har_conn *conn, enum sl_dir dir, bool is_reset, uint64_t now_ns)
{
    struct sl_at when = at(now_ns);
    if (conn->flow != NULL) {
        har_capture_flow_end(conn->flow, dir == SL_DIR_REQUEST, is_reset, now_ns);
    }
    if (conn->is_feeding) {
        conn->has_held_close = dir == SL_DIR_REQUEST;
        conn->is_held_reset = is_reset;
        return;
    }
    conn->is_feeding = true;
    sl_observer_close(conn->observer, dir, is_reset, &when);
    feed_held(conn, &when);
    conn->is_feeding = false;
}

static void format_address(const struct sockaddr_storage *address, char text[HAR_LOCAL_MAX])
{
    char host[HAR_ADDRESS_TEXT_MAX];
    const struct sockaddr_in *in =
        (const struct sockaddr_in *)address; /* the port is where in6 has it */
    (void)har_address_text(address, host);
    if (host[0] != '\0') {
        bool is_ip6 = address->ss_family == AF_INET6;
        (void)snprintf(text, HAR_LOCAL_MAX, is_ip6 ? "[%.54s]:%u" : "%.54s:%u", host,
                       ntohs(in->sin_port));
    }
}

/* Captures know no sockets in the file system: such a connection has made-up ports of this machine there. */
static void begin_capture(struct har_conn *conn, uint64_t now_ns)
{
    static uint16_t made_up;
    const struct sockaddr *client = (const struct sockaddr *)har_link_local(conn->link);
    const struct sockaddr *server = (const struct sockaddr *)har_link_peer(conn->link);
    struct sockaddr_in ends[2] = {
        {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
        {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)},
    };
    if (server->sa_family == AF_UNIX) {
        made_up = made_up < 1024 ? 1024 : (uint16_t)(made_up + 1);
        ends[0].sin_port = htons(made_up);
        client = (const struct sockaddr *)&ends[0];
        server = (const struct sockaddr *)&ends[1];
    }
    conn->flow = har_capture_flow_new(conn->config.capture, client, server, now_ns);
}

static void on_connected(void *owner, uint64_t now_ns)
{
    struct har_conn *conn = owner;
    format_address(har_link_local(conn->link), conn->local);
    if (conn->config.capture != NULL) {
        begin_capture(conn, now_ns);
    }
    conn->ops->connected(conn);
    if (har_conn_is_live(conn) && conn->config.handler->connected != NULL) {
        conn->config.handler->connected(conn->config.owner, conn);
    }
}

static void on_read(void *owner, struct sl_span bytes, uint64_t now_ns)
{
    struct har_conn *conn = owner;
    if (!conn->has_heard) {
        conn->has_heard = true;
        conn->has_hint = conn->config.tls == NULL && har_greeting_tell(bytes, conn->hint);
    }
    har_conn_feed(conn, SL_DIR_RESPONSE, bytes, now_ns);
    if (!conn->is_freed) {
        conn->ops->received(conn, bytes, now_ns);
    }
}

static void on_turn(void *owner)
{
    struct har_conn *conn = owner;
    conn->ops->turn(conn);
}

static void on_sent(void *owner, struct sl_span bytes, uint64_t now_ns)
{
    har_conn_feed(owner, SL_DIR_REQUEST, bytes, now_ns);
}

static void on_drained(void *owner)
{
    struct har_conn *conn = owner;
    if (har_conn_is_live(conn)) {
        conn->ops->drained(conn);
    }
}

static void on_link_closed(void *owner, enum har_conn_end how, const char *text)
{
    struct har_conn *conn = owner;
    uint64_t now_ns = sl_clock_mono_ns();
    bool is_reset = how == HAR_CONN_RST;
    if (how != HAR_CONN_REFUSED) {
        observe_close(conn, SL_DIR_RESPONSE, is_reset, now_ns);
        if (!is_reset && !conn->is_closed) {
            observe_close(conn, SL_DIR_REQUEST, false, now_ns);
        }
    }
    if (!conn->is_freed) {
        conn->ops->link_closed(conn, how, text);
    }
}

static const struct har_link_handler link_handler = {
    .connected = on_connected,
    .read = on_read,
    .turn = on_turn,
    .sent = on_sent,
    .drained = on_drained,
    .closed = on_link_closed,
};

/* --- life --- */

static void on_task(struct har_turn_task *task)
{
    struct har_conn *conn = HAR_TASK_OWNER(task, struct har_conn, task);
    if (conn->is_freed) {
        har_conn_reap(conn);
    } else {
        conn->ops->late(conn);
    }
}

void har_conn_reap(struct har_conn *conn)
{
    if (!conn->is_freed || conn->task.is_queued || !conn->ops->release(conn)) {
        return;
    }
    har_capture_flow_free(conn->flow);
    sl_observer_free(conn->observer);
    har_turn_unref(conn->turn);
    sl_buf_release(&conn->held);
    sl_free(conn->authority);
    sl_free(conn);
}

bool har_conn_is_single_answer(void *owner, const struct sl_call *call)
{
    const struct har_conn *conn = owner;
    const struct sl_header *path = sl_headers_find(&call->request.headers, ":path");
    const struct sl_method *method = conn->config.pool == NULL || path == NULL
                                         ? NULL
                                         : sl_pool_method(conn->config.pool, path->value);
    return method != NULL && !method->is_server_streaming;
}

static const struct har_conn_handler no_callbacks;

struct har_conn *har_conn_new(uv_loop_t *loop, const struct har_conn_config *config)
{
    struct har_conn *conn =
        config->transport == HAR_TRANSPORT_H2 ? har_h2_conn_new() : har_grpc_conn_new();
    conn->config = *config;
    if (config->handler == NULL) {
        conn->config.handler = &no_callbacks;
    }
    conn->loop = loop;
    conn->turn = har_turn_ref(loop);
    conn->task.run = on_task;
    sl_buf_init(&conn->held, HAR_CONN_QUEUE_MAX);
    conn->authority = config->authority != NULL ? sl_strdup(config->authority)
                                                : har_authority_of(config->host, config->port);
    struct sl_observer_config watch = sl_observer_defaults();
    watch.handler = conn->ops->observer;
    watch.owner = conn;
    watch.keep_message_max = HAR_MESSAGE_MAX;
    conn->observer = sl_observer_new(&watch);
    struct har_link_config link = {
        .host = config->host,
        .port = config->port,
        .address = config->address,
        .tls = config->tls,
        .receive_buffer = config->receive_buffer,
        .trace = config->trace,
        .trace_name = config->trace_name,
        .handler = &link_handler,
        .owner = conn,
    };
    conn->link = har_link_new(loop, &link);
    return conn;
}

void har_conn_free(struct har_conn *conn)
{
    if (conn == NULL || conn->is_freed) {
        return;
    }
    uint64_t now_ns = sl_clock_mono_ns();
    if (conn->flow != NULL && har_link_is_up(conn->link)) {
        har_capture_flow_end(conn->flow, true, false, now_ns);
    }
    conn->is_freed = true;
    conn->is_closed = true;
    conn->ops->detach(conn);
    while (conn->streams != NULL) {
        struct har_stream *stream = conn->streams;
        stream->is_ended = true;
        har_stream_detach(stream);
    }
    har_link_free(conn->link);
    conn->link = NULL;
    har_turn_defer(conn->turn, &conn->task);
}

bool har_conn_is_live(const struct har_conn *conn)
{
    return !conn->is_freed && !conn->is_closed;
}

void har_conn_close(struct har_conn *conn, enum har_close how)
{
    if (!har_conn_is_live(conn)) {
        return;
    }
    bool was_up = har_link_is_up(conn->link);
    conn->is_closed = true;
    conn->ops->close(conn, how);
    for (struct har_stream *stream = conn->streams; stream != NULL; stream = stream->next) {
        stream->is_ended = true;
    }
    if (!was_up) {
        har_link_close(conn->link);
        return;
    }
    if (how == HAR_CLOSE_RST) {
        har_link_reset(conn->link);
    } else {
        har_link_finish(conn->link);
    }
    observe_close(conn, SL_DIR_REQUEST, how == HAR_CLOSE_RST, sl_clock_mono_ns());
}

/* --- the face --- */

static void update_pause(struct har_conn *conn)
{
    if (!conn->is_freed) {
        har_link_pause(conn->link, conn->is_paused || conn->is_choked);
    }
}

void har_conn_pause(struct har_conn *conn, bool is_paused)
{
    conn->is_paused = is_paused;
    update_pause(conn);
}

void har_conn_choke(struct har_conn *conn, bool is_choked)
{
    conn->is_choked = is_choked;
    update_pause(conn);
}

const struct sl_observer *har_conn_observer(const struct har_conn *conn)
{
    return conn->observer;
}

const char *har_conn_local(const struct har_conn *conn)
{
    return conn->local;
}

const struct sockaddr_storage *har_conn_peer(const struct har_conn *conn)
{
    return har_link_peer(conn->link);
}

bool har_conn_has_heard(const struct har_conn *conn)
{
    return conn->has_heard;
}

const char *har_conn_hint(const struct har_conn *conn)
{
    return conn->has_hint ? conn->hint : NULL;
}

const char *har_conn_scheme(const struct har_conn *conn)
{
    return conn->config.tls != NULL || conn->config.is_https ? "https" : "http";
}

size_t har_conn_unsent(const struct har_conn *conn)
{
    return har_link_queued(conn->link);
}

const char *har_conn_authority(const struct har_conn *conn)
{
    return conn->authority;
}

enum sl_status har_conn_send_raw(struct har_conn *conn, struct sl_span bytes)
{
    return har_conn_is_live(conn) ? conn->ops->send_raw(conn, bytes) : SL_STATE;
}

enum sl_status har_conn_send_frames(struct har_conn *conn, struct sl_buf *frames)
{
    if (conn->ops->send_frames == NULL) {
        return SL_UNSUPPORTED;
    }
    return har_conn_is_live(conn) ? conn->ops->send_frames(conn, frames) : SL_STATE;
}

int64_t har_conn_send_room(struct har_conn *conn, uint32_t stream)
{
    return conn->ops->send_room == NULL ? 0 : conn->ops->send_room(conn, stream);
}

void har_conn_table_update(struct har_conn *conn, struct sl_buf *out)
{
    if (conn->ops->table_update != NULL) {
        conn->ops->table_update(conn, out);
    }
}

enum sl_status har_conn_ping(struct har_conn *conn, uint64_t opaque)
{
    return har_conn_is_live(conn) ? conn->ops->ping(conn, opaque) : SL_STATE;
}

enum sl_status har_conn_settings(struct har_conn *conn, const struct sl_h2_setting_pair *pairs,
                                 size_t count)
{
    return har_conn_is_live(conn) ? conn->ops->settings(conn, pairs, count) : SL_STATE;
}

enum sl_status har_conn_window_update(struct har_conn *conn, uint32_t stream, uint32_t increment)
{
    return har_conn_is_live(conn) ? conn->ops->window_update(conn, stream, increment) : SL_STATE;
}

uint32_t har_conn_stream_limit_met(const struct har_conn *conn)
{
    return conn->ops->stream_limit_met == NULL ? 0 : conn->ops->stream_limit_met(conn);
}

uint32_t har_conn_take_stream_id(struct har_conn *conn)
{
    uint32_t *next = conn->ops->next_id == NULL ? NULL : conn->ops->next_id(conn);
    if (next == NULL || *next > SL_H2_MAX_WINDOW) {
        return 0;
    }
    *next += 2;
    return *next - 2;
}

enum sl_status har_conn_set_stream_id(struct har_conn *conn, uint32_t id)
{
    uint32_t *next = conn->ops->next_id == NULL ? NULL : conn->ops->next_id(conn);
    if (next == NULL) {
        return SL_UNSUPPORTED;
    }
    *next = id;
    return SL_OK;
}

/* --- events --- */

void har_conn_deliver_ended(struct har_conn *conn, enum har_conn_end how, const char *text)
{
    if (!har_conn_is_live(conn)) {
        return;
    }
    conn->is_closed = true;
    if (conn->config.handler->ended != NULL) {
        conn->config.handler->ended(conn->config.owner, conn, how, text);
    }
}

static void deliver_goaway(struct har_conn *conn, struct sl_span payload)
{
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    uint32_t last_stream = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
    uint32_t error = sl_rd_be32(&rd);
    conn->has_goaway = true;
    if (conn->config.handler->goaway != NULL) {
        conn->config.handler->goaway(conn->config.owner, conn, last_stream, error);
    }
}

void har_conn_deliver_frame(struct har_conn *conn, const struct sl_frame_event *event)
{
    if (conn->is_freed) {
        return;
    }
    if (conn->config.handler->frame != NULL) {
        conn->config.handler->frame(conn->config.owner, conn, event);
    }
    if (!har_conn_is_live(conn) || event->dir != SL_DIR_RESPONSE || event->is_malformed) {
        return;
    }
    if (event->header.type == SL_H2_GOAWAY && event->payload.len >= GOAWAY_FIXED) {
        deliver_goaway(conn, event->payload);
    } else if (event->header.type == SL_H2_PING && (event->header.flags & SL_H2_FLAG_ACK) != 0 &&
               event->payload.len == PING_PAYLOAD && conn->config.handler->ping_ack != NULL &&
               conn->config.transport == HAR_TRANSPORT_H2) {
        struct sl_rd rd;
        sl_rd_init(&rd, event->payload);
        conn->config.handler->ping_ack(conn->config.owner, conn, sl_rd_be64(&rd));
    }
}

void har_conn_deliver_finding(struct har_conn *conn, const struct sl_finding *finding)
{
    if (!conn->is_freed && conn->config.handler->finding != NULL) {
        conn->config.handler->finding(conn->config.owner, conn, finding);
    }
}
