/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/h2/internal.h"
#include "reference-server/frontend/h2/life.h"
#include "reference-server/frontend/h2/loop.h"
#include "reference-server/frontend/h2/wrong.h"

enum {
    WRITES_A_TURN = 16,
    /* Frames that wait for a socket that takes none: beyond it nothing more is read, so that answers do not pile up. */
    CLOGGED_FRAMES = 1000,
};

/* How long a peer may take to close after we have. */
#define LINGER_NS SL_SECOND

void srv_h2_conn_dirty(struct srv_h2_conn *conn)
{
    if (!conn->is_dirty) {
        struct srv_h2 *h2 = conn->h2;
        conn->is_dirty = true;
        conn->next_dirty = NULL;
        *h2->dirty_end = conn;
        h2->dirty_end = &conn->next_dirty;
    }
}

void srv_h2_conn_kill(struct srv_h2_conn *conn, const char *reason)
{
    if (!conn->is_dead) {
        conn->is_dead = true;
        if (conn->record.reason == NULL) {
            conn->record.reason = reason;
        }
        srv_h2_conn_dirty(conn);
    }
}

static void closed(uv_handle_t *handle)
{
    struct srv_h2_conn *conn = handle->data;
    (void)close(conn->fd);
    sl_free(conn);
}

static void release(struct srv_h2_conn *conn)
{
    struct srv_h2 *h2 = conn->h2;
    struct srv_h2_call *call = NULL;
    struct srv_h2_call *next = NULL;
    /* nghttp2_session_del() does not tell of the streams that are left. */
    DL_FOREACH_SAFE (conn->calls, call, next) {
        srv_h2_call_free(call, true);
    }
    nghttp2_session_del(conn->session);
    srv_telemetry_connection_closed(h2->services->telemetry, &conn->record);
    srv_timers_remove(&h2->timers, &conn->linger);
    srv_timers_remove(&h2->timers, &conn->life);
    srv_tls_free(conn->tls);
    srv_wire_free(conn->wire);
    sl_buf_release(&conn->out);
    srv_h2_request_release(&conn->head);
    DL_DELETE(h2->conns, conn);
    h2->conn_count--;
    uv_close((uv_handle_t *)&conn->poll, closed);
    srv_h2_check_end(h2);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void wait_for(struct srv_h2_conn *conn, int events)
{
    if (conn->events != events && !conn->is_dead) {
        conn->events = events;
        if (uv_poll_start(&conn->poll, events, on_poll) != 0) {
            srv_h2_conn_kill(conn, "poll");
        }
    }
}

/* --- in --- */

/* False when the next frame is one of a closed stream: the connection ends then (RFC 9113 5.1). */
static bool may_pass(struct srv_h2_conn *conn)
{
    int32_t id = (int32_t)conn->closed.suspect;
    if (id == 0 || nghttp2_session_get_stream_remote_close(conn->session, id) >= 0) {
        return true;
    }
    int32_t last = nghttp2_session_get_last_proc_stream_id(conn->session);
    uint32_t error = srv_h2_closed_judge(&conn->closed, (uint32_t)last);
    if (error != NGHTTP2_NO_ERROR) {
        (void)nghttp2_session_terminate_session(conn->session, error);
    }
    return error == NGHTTP2_NO_ERROR;
}

static void take_plain(struct srv_h2_conn *conn, struct sl_span bytes)
{
    if (bytes.len == 0) {
        return;
    }
    const char *why = NULL;
    ssize_t taken = 0;
    if (conn->wire != NULL) {
        sl_buf_clear(&conn->h2->filtered);
        srv_wire_in(conn->wire, bytes, &conn->h2->filtered);
        bytes = sl_buf_span(&conn->h2->filtered);
    }
    bytes = srv_h2_life_heard(conn, bytes, &why);
    srv_h2_session_sent_meanwhile(conn);
    while (bytes.len > 0 && taken >= 0) {
        size_t len = srv_h2_closed_scan(&conn->closed, bytes);
        taken = nghttp2_session_mem_recv(conn->session, bytes.data, len);
        bytes = sl_span_from(bytes, len);
        if (taken >= 0 && !may_pass(conn)) {
            break;
        }
    }
    if (taken < 0) {
        sl_log(SL_LOG_DEBUG, "h2", "connection=%llu %s", (unsigned long long)conn->record.number,
               nghttp2_strerror((int)taken));
        srv_h2_conn_kill(conn, "protocol");
    }
    if (why != NULL) {
        srv_h2_life_calm(conn, SRV_REFUSED_FLOOD, why);
    }
    srv_h2_conn_dirty(conn);
}

static void gather(struct srv_h2_conn *conn);
static bool send_turn(struct srv_h2_conn *conn);

/* The client sends nothing more: it gets what its requests are answered at once, and no more is waited for. */
static void end_of_input(struct srv_h2_conn *conn)
{
    (void)send_turn(conn);
    srv_h2_conn_kill(conn, "closed by the client");
}

/* Why TLS ends is said in HTTP/2 too, where TLS itself would go on (RFC 9113 9.2.1, 10.5). */
static void say_goaway(struct srv_h2_conn *conn)
{
    enum srv_tls_failure why = srv_tls_why(conn->tls);
    if (why == SRV_TLS_FAILURE_RENEGOTIATION || why == SRV_TLS_FAILURE_FLOOD) {
        (void)nghttp2_session_terminate_session(conn->session, why == SRV_TLS_FAILURE_FLOOD
                                                                   ? NGHTTP2_ENHANCE_YOUR_CALM
                                                                   : NGHTTP2_PROTOCOL_ERROR);
        gather(conn);
        (void)!srv_tls_write(conn->tls, sl_buf_span(&conn->h2->gathered), &conn->out);
    }
}

static void take_cipher(struct srv_h2_conn *conn, struct sl_span bytes)
{
    struct srv_h2 *h2 = conn->h2;
    struct sl_error error = {0};
    sl_buf_clear(&h2->plain);
    enum sl_status status = srv_tls_feed(conn->tls, bytes, &h2->plain, &conn->out, &error);
    take_plain(conn, sl_buf_span(&h2->plain));
    if (status == SL_CLOSED) {
        end_of_input(conn);
    } else if (status != SL_OK) {
        /* The line of the connection names the reason. */
        sl_log(SL_LOG_DEBUG, "tls", "connection=%llu peer=%s %s",
               (unsigned long long)conn->record.number, conn->record.peer, error.text);
        if (conn->record.reason == NULL) {
            conn->record.reason = srv_tls_failure_word(srv_tls_why(conn->tls));
        }
        say_goaway(conn);
        conn->is_finished = true;
    }
    srv_h2_conn_dirty(conn);
}

static void read_some(struct srv_h2_conn *conn)
{
    struct srv_h2 *h2 = conn->h2;
    ssize_t got = recv(conn->fd, h2->input, SRV_H2_INPUT, 0);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            srv_h2_conn_kill(conn, "reset");
        }
        return;
    }
    if (got == 0) {
        end_of_input(conn);
        return;
    }
    conn->record.bytes_in += (uint64_t)got;
    sl_tally_add(&conn->h2->services->telemetry->stats.wire_bytes_in, (uint64_t)got);
    srv_h2_keepalive_heard(&conn->keepalive, h2->now_ns);
    if (conn->is_lingering || conn->is_finished || conn->is_calmed) {
        return;
    }
    if (conn->tls != NULL) {
        take_cipher(conn, sl_span(h2->input, (size_t)got));
    } else {
        take_plain(conn, sl_span(h2->input, (size_t)got));
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct srv_h2_conn *conn = poll->data;
    srv_h2_update_time(conn->h2);
    if (status < 0) {
        srv_h2_conn_kill(conn, "reset");
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        conn->is_blocked = false;
        srv_h2_conn_dirty(conn);
    }
    if ((events & UV_READABLE) != 0) {
        read_some(conn); /* once: what is left comes behind the answers to this */
    }
}

/* --- out --- */

/* Sends bytes; returns how many the socket took. */
static size_t send_some(struct srv_h2_conn *conn, struct sl_span bytes)
{
    ssize_t sent = send(conn->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            srv_h2_conn_kill(conn, "reset");
            return 0;
        }
        sent = 0;
    }
    if (sent > 0 || conn->out.len == 0) {
        conn->blocked_ns = conn->h2->now_ns;
    }
    conn->record.bytes_out += (uint64_t)sent;
    sl_tally_add(&conn->h2->services->telemetry->stats.wire_bytes_out, (uint64_t)sent);
    if ((size_t)sent < bytes.len) {
        conn->is_blocked = true;
    }
    return (size_t)sent;
}

/* What was left over goes first. True when all of it went. */
static bool send_rest(struct srv_h2_conn *conn)
{
    if (conn->out.len > 0) {
        conn->out_sent += send_some(conn, sl_span_from(sl_buf_span(&conn->out), conn->out_sent));
        if (conn->is_dead || conn->out_sent < conn->out.len) {
            return false;
        }
        sl_buf_release(&conn->out);
        conn->out_sent = 0;
    }
    return true;
}

/* What nghttp2 has to send now, up to a limit. */
static void gather(struct srv_h2_conn *conn)
{
    struct srv_h2 *h2 = conn->h2;
    sl_buf_clear(&h2->gathered);
    while (h2->gathered.len < SRV_H2_GATHER) {
        const uint8_t *bytes = NULL;
        ssize_t len = nghttp2_session_mem_send(conn->session, &bytes);
        if (len < 0 || sl_buf_add(&h2->gathered, bytes, (size_t)len) != SL_OK) {
            srv_h2_conn_kill(conn, "internal");
        }
        if (len > 0 && !conn->is_settled && !conn->is_dead) {
            conn->is_settled = true;
            srv_h2_session_patch(conn, h2->gathered.data, h2->gathered.len);
        }
        if (len <= 0 || conn->is_dead) {
            break;
        }
    }
}

/* Gathers and sends. True when there may be more. */
static bool send_more(struct srv_h2_conn *conn)
{
    struct srv_h2 *h2 = conn->h2;
    if (conn->tls != NULL && srv_tls_state(conn->tls) != SRV_TLS_OPEN &&
        srv_tls_state(conn->tls) != SRV_TLS_ENDED) {
        return false;
    }
    gather(conn);
    struct sl_span bytes = sl_buf_span(&h2->gathered);
    if (conn->wire != NULL) {
        sl_buf_clear(&h2->filtered);
        srv_wire_out(conn->wire, bytes, &h2->filtered);
        bytes = sl_buf_span(&h2->filtered);
    }
    if (conn->is_dead || bytes.len == 0) {
        return false;
    }
    if (conn->tls != NULL) {
        sl_buf_clear(&h2->cipher);
        if (srv_tls_write(conn->tls, bytes, &h2->cipher) != SL_OK) {
            srv_h2_conn_kill(conn, "tls");
            return false;
        }
        bytes = sl_buf_span(&h2->cipher);
    }
    struct sl_span rest = sl_span_from(bytes, send_some(conn, bytes));
    if (rest.len > 0 && !conn->is_dead && sl_buf_add_span(&conn->out, rest) != SL_OK) {
        srv_h2_conn_kill(conn, "internal");
    }
    return rest.len == 0;
}

/* What there is to send, as far as the socket takes it in one turn. True when there may be more. */
static bool send_turn(struct srv_h2_conn *conn)
{
    bool has_more = !conn->is_blocked && !conn->is_dead && send_rest(conn) && !conn->is_finished;
    for (unsigned i = 0; has_more && i < WRITES_A_TURN; i++) {
        has_more = send_more(conn);
    }
    return has_more;
}

static void linger_over(struct srv_timer *timer)
{
    srv_h2_conn_kill(SRV_H2_OF(timer, srv_h2_conn, linger), "closed by the server");
}

/* All was sent that ever will be. A socket that is closed while bytes come would reset what the peer has not read. */
static void linger(struct srv_h2_conn *conn)
{
    if (conn->is_lingering) {
        return;
    }
    if (conn->tls != NULL && !conn->is_closing_tls) {
        conn->is_closing_tls = true;
        srv_tls_close(conn->tls, &conn->out);
        if (!send_rest(conn)) {
            return;
        }
    }
    conn->is_lingering = true;
    if (conn->record.reason == NULL) {
        conn->record.reason = "closed by the server";
    }
    (void)shutdown(conn->fd, SHUT_WR);
    conn->linger.fire = linger_over;
    srv_h2_set_timer(conn->h2, &conn->linger, conn->h2->now_ns + LINGER_NS);
}

static bool is_finished(const struct srv_h2_conn *conn)
{
    return conn->is_finished ||
           (!conn->h2->wrong->goaway_lingers && nghttp2_session_want_read(conn->session) == 0 &&
            nghttp2_session_want_write(conn->session) == 0);
}

static void note_events(struct srv_h2_conn *conn)
{
    conn->is_clogged =
        conn->is_blocked && nghttp2_session_get_outbound_queue_size(conn->session) > CLOGGED_FRAMES;
    wait_for(conn, (conn->is_clogged ? 0 : UV_READABLE) | (conn->is_blocked ? UV_WRITABLE : 0));
}

void srv_h2_conn_flush(struct srv_h2_conn *conn)
{
    /* It stays marked meanwhile, so that it cannot come onto the next turn's list and be freed in this one. */
    bool has_more = send_turn(conn);
    if (!has_more && !conn->is_dead && conn->out.len == 0 && is_finished(conn)) {
        linger(conn);
    }
    if (!conn->is_dead) {
        note_events(conn);
    }
    if (conn->is_dead) {
        release(conn);
        return;
    }
    conn->is_dirty = false;
    if (has_more) {
        srv_h2_conn_dirty(conn);
    }
}

void srv_h2_conn_open(struct srv_h2 *h2, int fd, const char *peer)
{
    struct srv_h2_conn *conn = sl_alloc(sizeof(*conn));
    conn->h2 = h2;
    conn->fd = fd;
    conn->poll.data = conn;
    if (uv_poll_init(&h2->loop, &conn->poll, fd) != 0) {
        (void)close(fd);
        sl_free(conn);
        return;
    }
    conn->session = srv_h2_session_new(conn);
    if (conn->session == NULL) {
        uv_close((uv_handle_t *)&conn->poll, closed);
        return;
    }
    if (h2->tls != NULL) {
        conn->tls = srv_tls_source_accept(h2->tls);
    }
    conn->wire = srv_h2_wrong_is_spared(h2) ? NULL : srv_wire_new(h2->wrong);
    srv_h2_request_init(&conn->head);
    conn->head.tls = h2->wrong->tls_any_authority ? NULL : conn->tls;
    srv_h2_closed_init(&conn->closed);
    sl_buf_init(&conn->out, SRV_H2_CIPHER);
    conn->record.number = ++h2->connection_numbers;
    (void)snprintf(conn->record.peer, sizeof(conn->record.peer), "%s", peer);
    DL_APPEND(h2->conns, conn);
    h2->conn_count++;
    srv_h2_life_begin(conn);
    srv_telemetry_connection_opened(h2->services->telemetry, &conn->record, h2->now_ns);
    wait_for(conn, UV_READABLE);
    srv_h2_conn_dirty(conn);
}
