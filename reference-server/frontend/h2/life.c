/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/life.h"

#include <string.h>
#include <utlist.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

#define TOO_OLD_TEXT "the connection is too old (--max-connection-age)"

/* How long a GOAWAY that ends a connection may take to go out. */
#define CALM_NS SL_SECOND

/* PINGs that ask for a round trip, not for life. */
static const uint8_t round_trip[8] = {'s', 'l', 'u', 'i', 'c', 'e', 0, 1};

static void count_refused(const struct srv_h2_conn *conn, enum srv_connection_limit limit)
{
    sl_tally_add_shared(&conn->h2->services->telemetry->stats.refused[limit], 1);
}

/* For a developer: operators read the line of the connection, of which there are only so many a second. */
static void log_end(const struct srv_h2_conn *conn, const char *why)
{
    sl_log(SL_LOG_DEBUG, "h2", "connection=%llu peer=%s ended=%s",
           (unsigned long long)conn->record.number, conn->record.peer, why);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* So many bytes wait for a client that takes none, and for so long, that it is gone for all we know. */
static uint64_t blocked_due(const struct srv_h2_conn *conn)
{
    const struct srv_h2_keepalive *keepalive = &conn->keepalive;
    return !conn->is_blocked || keepalive->time_ns == SRV_NEVER
               ? SRV_NEVER
               : conn->blocked_ns + keepalive->time_ns + keepalive->timeout_ns;
}

/* Sets the timer for the first thing that is due, if it is not set for an earlier moment. */
static void arm(struct srv_h2_conn *conn)
{
    uint64_t due_ns = sooner(conn->calm_due_ns, srv_h2_guard_due(&conn->guard));
    due_ns = sooner(due_ns, srv_h2_keepalive_due(&conn->keepalive));
    due_ns = sooner(due_ns, blocked_due(conn));
    due_ns = sooner(due_ns, conn->age.due_ns);
    if (due_ns != SRV_NEVER && (conn->life.place == 0 || due_ns < conn->life.due_ns)) {
        srv_h2_set_timer(conn->h2, &conn->life, due_ns);
    }
}

static void drop(struct srv_h2_conn *conn, enum srv_connection_limit limit, const char *why)
{
    if (!conn->is_dead) {
        count_refused(conn, limit);
        log_end(conn, why);
        srv_h2_conn_kill(conn, why);
    }
}

void srv_h2_life_calm(struct srv_h2_conn *conn, enum srv_connection_limit limit, const char *text)
{
    if (conn->is_calmed || conn->is_dead) {
        return;
    }
    conn->is_calmed = true;
    conn->record.reason = text;
    count_refused(conn, limit);
    log_end(conn, text);
    /* The second one, which nghttp2 sends without a text, ends the session. */
    int32_t last = nghttp2_session_get_last_proc_stream_id(conn->session);
    (void)nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_ENHANCE_YOUR_CALM,
                                (const uint8_t *)text, strlen(text));
    (void)nghttp2_session_terminate_session(conn->session, NGHTTP2_ENHANCE_YOUR_CALM);
    conn->calm_due_ns = conn->h2->now_ns + CALM_NS;
    /* A header block that is unfinished stays so, because nothing more is read: it is due no more. */
    conn->guard.due_ns = SRV_NEVER;
    srv_h2_conn_dirty(conn);
    arm(conn);
}

void srv_h2_life_notice(struct srv_h2_conn *conn)
{
    (void)nghttp2_submit_shutdown_notice(conn->session);
    srv_h2_conn_dirty(conn);
}

void srv_h2_life_go_away(struct srv_h2_conn *conn)
{
    if (!conn->is_gone) {
        conn->is_gone = true;
        int32_t last = nghttp2_session_get_last_proc_stream_id(conn->session);
        (void)nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL,
                                    0);
        srv_h2_conn_dirty(conn);
    }
}

static void act_by_age(struct srv_h2_conn *conn)
{
    struct srv_h2_call *call = NULL;
    switch (conn->age.state) {
    case SRV_H2_AGE_YOUNG:
        break;
    case SRV_H2_AGE_NOTICED:
        count_refused(conn, SRV_REFUSED_AGE);
        if (conn->record.reason == NULL) {
            conn->record.reason = "max-connection-age";
        }
        srv_h2_life_notice(conn);
        break;
    case SRV_H2_AGE_GONE:
        srv_h2_life_go_away(conn);
        break;
    case SRV_H2_AGE_ENDED:
        DL_FOREACH (conn->calls, call) {
            srv_h2_call_end(call, SL_GRPC_UNAVAILABLE, TOO_OLD_TEXT);
        }
        break;
    case SRV_H2_AGE_CLOSED:
        srv_h2_conn_kill(conn, "max-connection-age");
        break;
    }
}

static void look(struct srv_timer *timer)
{
    struct srv_h2_conn *conn = SRV_H2_OF(timer, srv_h2_conn, life);
    uint64_t now_ns = conn->h2->now_ns;
    if (conn->is_dead || conn->is_lingering) {
        return;
    }
    if (now_ns >= conn->calm_due_ns) {
        srv_h2_conn_kill(conn, "closed by the server");
        return;
    }
    if (now_ns >= srv_h2_guard_due(&conn->guard)) {
        if (!conn->guard.is_greeted) {
            drop(conn, SRV_REFUSED_HANDSHAKE, "handshake-timeout");
            return;
        }
        srv_h2_life_calm(conn, SRV_REFUSED_FLOOD, "header_block_too_slow");
    }
    enum srv_h2_keepalive_act act = srv_h2_keepalive_look(&conn->keepalive, now_ns);
    if (act == SRV_H2_KEEPALIVE_DROP || now_ns >= blocked_due(conn)) {
        drop(conn, SRV_REFUSED_KEEPALIVE, "keepalive");
        return;
    }
    if (act == SRV_H2_KEEPALIVE_ASK) {
        (void)nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
        srv_h2_conn_dirty(conn);
    }
    while (srv_h2_age_look(&conn->age, now_ns)) {
        act_by_age(conn);
    }
    arm(conn);
}

void srv_h2_life_begin(struct srv_h2_conn *conn)
{
    const struct srv_h2 *h2 = conn->h2;
    const struct srv_connection_limits *limits = &h2->config->limits;
    uint64_t time_ns = h2->wrong->keepalive_never || h2->wrong->goaway_lingers
                           ? SRV_NEVER
                           : limits->keepalive_time_ns;
    uint64_t interval_ns = h2->wrong->pings_unlimited   ? 0
                           : h2->wrong->pings_forbidden ? SRV_NEVER
                                                        : limits->min_ping_interval_ns;
    srv_h2_guard_init(&conn->guard, h2->now_ns, limits->handshake_timeout_ns);
    conn->guard.is_unlimited[SRV_H2_FLOOD_RESETS] = h2->wrong->no_reset_limit;
    conn->guard.is_unlimited[SRV_H2_FLOOD_ERRORS] = h2->wrong->no_error_limit;
    srv_h2_keepalive_init(&conn->keepalive, h2->now_ns, time_ns, limits->keepalive_timeout_ns,
                          interval_ns);
    /* The number and the time are chance enough to spread ends. */
    uint64_t chance = (conn->record.number + h2->now_ns / SL_US) * UINT64_C(0x9e3779b97f4a7c15);
    srv_h2_age_init(&conn->age, h2->now_ns, limits->max_age_ns, limits->max_age_grace_ns,
                    chance >> 32);
    conn->calm_due_ns = SRV_NEVER;
    conn->life.fire = look;
    arm(conn);
}

struct sl_span srv_h2_life_heard(struct srv_h2_conn *conn, struct sl_span bytes,
                                 const char **ret_why)
{
    size_t good = 0;
    *ret_why = srv_h2_guard_feed(&conn->guard, bytes, conn->h2->now_ns, &good);
    arm(conn);
    return sl_span(bytes.data, good);
}

static void spend(struct srv_h2_conn *conn, enum srv_h2_flood flood)
{
    const char *why = srv_h2_guard_spend(&conn->guard, flood, conn->h2->now_ns);
    if (why != NULL) {
        srv_h2_life_calm(conn, SRV_REFUSED_FLOOD, why);
    }
}

static void ping_received(struct srv_h2_conn *conn, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        if (!srv_h2_keepalive_pinged(&conn->keepalive, conn->h2->now_ns)) {
            srv_h2_life_calm(conn, SRV_REFUSED_PINGS, "too_many_pings");
        }
    } else if (memcmp(frame->ping.opaque_data, round_trip, sizeof(round_trip)) == 0) {
        if (conn->h2->phase == SRV_H2_NOTICED) {
            srv_h2_life_go_away(conn);
        }
        srv_h2_age_answered(&conn->age, conn->h2->now_ns);
        arm(conn);
    }
}

void srv_h2_life_frame_received(struct srv_h2_conn *conn, const nghttp2_frame *frame,
                                const struct srv_h2_call *call)
{
    if (frame->hd.type == NGHTTP2_PING) {
        ping_received(conn, frame);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM && (call == NULL || !call->is_head_sent)) {
        spend(conn, call == NULL ? SRV_H2_FLOOD_OTHERS : SRV_H2_FLOOD_RESETS);
    }
}

void srv_h2_life_frame_sent(struct srv_h2_conn *conn, const nghttp2_frame *frame)
{
    if (frame->hd.type == NGHTTP2_DATA) {
        srv_h2_guard_sent_data(&conn->guard);
        srv_h2_keepalive_sent(&conn->keepalive);
    } else if (frame->hd.type == NGHTTP2_HEADERS) {
        srv_h2_keepalive_sent(&conn->keepalive);
    } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id == INT32_MAX) {
        /* Not before: nghttp2 sends a PING ahead of a GOAWAY that waits. */
        (void)nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, round_trip);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
        switch (frame->rst_stream.error_code) {
        case NGHTTP2_NO_ERROR:
        case NGHTTP2_CANCEL:
        case NGHTTP2_REFUSED_STREAM:
            break;
        default: /* CVE-2025-8671: the client made us reset it */
            spend(conn, SRV_H2_FLOOD_ERRORS);
        }
    }
}

bool srv_h2_life_may_begin(struct srv_h2_conn *conn, int32_t id)
{
    uint32_t max = conn->h2->config->limits.max_streams;
    if (max == 0 || conn->call_count < max) {
        return true;
    }
    /* RFC 9113 5.1.2; the client may not have had our SETTINGS yet. */
    count_refused(conn, SRV_REFUSED_STREAMS);
    (void)nghttp2_submit_rst_stream(conn->session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
    srv_h2_conn_dirty(conn);
    spend(conn, SRV_H2_FLOOD_RESETS);
    return false;
}
