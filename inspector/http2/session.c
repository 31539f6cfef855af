/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/session.h"

#include "inspector/http2/detect.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"

enum {
    /* Of unfinished messages: the aim for all connections, of which each gets a share. */
    KEEP_ALL = 16 * 1024 * 1024,
    KEEP_SHARE_MAX = 4 * 1024 * 1024,
    KEEP_SHARE_MIN = 64 * 1024,
    STREAMS_MAX = 32768, /* open at once on one connection */
};

struct ins_session {
    const struct sl_pool *pool;
    const struct ins_select *select;
    struct ins_stats *stats;
    struct ins_view *view;
    uint64_t connections; /* HTTP/2 ones */
    uint64_t open;        /* of them */
    uint64_t calls;       /* with a record */
    size_t held_bytes;    /* of undecided connections */
};

/* One TCP connection: undecided (detect), then HTTP/2 (observer) or ignored. */
struct carrier {
    struct ins_session *session;
    struct ins_detect *detect;
    struct sl_observer *observer;
    struct ins_connection connection; /* when HTTP/2 */
    int client;                       /* side */
};

/* --- from the observer --- */

/* What its path tells, once that is known. */
static void look_up(const struct ins_session *session, struct ins_call *call)
{
    struct sl_span path = ins_call_method(call);
    if (path.data != NULL && session->pool != NULL && call->method == NULL) {
        call->method = sl_pool_method(session->pool, path);
    }
    call->is_selected = call->id != 0 && ins_select_begun(session->select, call);
}

/* Gives the call its number as soon as it is known to be gRPC. */
static void number(struct carrier *carrier, struct ins_call *call)
{
    struct ins_session *session = carrier->session;
    if (call->id != 0 || call->call->protocol == SL_PROTOCOL_OTHER) {
        return;
    }
    call->id = ++session->calls;
    look_up(session, call);
    if (session->view->ops->call_begin != NULL) {
        session->view->ops->call_begin(session->view, call);
    }
}

static void on_call_begin(void *owner, struct sl_call *call)
{
    struct carrier *carrier = owner;
    struct ins_call *own = sl_alloc(sizeof(*own));
    own->connection = &carrier->connection;
    own->call = call;
    call->user = own;
    number(carrier, own);
}

/* Where the beginning of a call was not seen, its request headers may come after it began. */
static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct carrier *carrier = owner;
    struct ins_call *own = call->user;
    (void)headers;
    (void)at;
    if (own != NULL && block == SL_BLOCK_REQUEST) {
        number(carrier, own);
        look_up(carrier->session, own);
    }
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct carrier *carrier = owner;
    struct ins_session *session = carrier->session;
    struct ins_call *own = call->user;
    number(carrier, own);
    if (own->id == 0) {
        return;
    }
    if (session->view->ops->message != NULL) {
        session->view->ops->message(session->view, own, dir, message, at);
    }
}

static void on_call_end(void *owner, struct sl_call *call)
{
    struct carrier *carrier = owner;
    struct ins_session *session = carrier->session;
    struct ins_call *own = call->user;
    number(carrier, own);
    if (own->id != 0) {
        own->is_selected = own->is_selected && ins_select_ended(session->select, own);
        if (own->is_selected) {
            ins_stats_call(session->stats, own);
        }
        if (session->view->ops->call_end != NULL) {
            session->view->ops->call_end(session->view, own);
        }
    }
    sl_free(own);
    call->user = NULL;
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct carrier *carrier = owner;
    struct ins_session *session = carrier->session;
    ins_stats_frame(session->stats, event);
    if (session->view->ops->frame != NULL) {
        session->view->ops->frame(session->view, &carrier->connection,
                                  event->call == NULL ? NULL : event->call->user, event);
    }
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    struct carrier *carrier = owner;
    struct ins_session *session = carrier->session;
    ins_stats_finding(session->stats, finding);
    if (session->view->ops->finding != NULL) {
        session->view->ops->finding(session->view, &carrier->connection,
                                    finding->call == NULL ? NULL : finding->call->user, finding);
    }
}

static const struct sl_observer_handler observer_handler = {
    .call_begin = on_call_begin,
    .headers = on_headers,
    .message = on_message,
    .call_end = on_call_end,
    .frame = on_frame,
    .finding = on_finding,
};

/* --- from TCP --- */

static struct carrier *carrier_of(struct ins_session *session, struct ins_tcp_conn *conn)
{
    struct carrier *carrier = ins_tcp_user(conn);
    if (carrier == NULL) {
        carrier = sl_alloc(sizeof(*carrier));
        carrier->session = session;
        carrier->detect = ins_detect_new(ins_tcp_opener(conn));
        ins_tcp_set_user(conn, carrier);
    }
    return carrier;
}

static void drop_detect(struct carrier *carrier)
{
    carrier->session->held_bytes -= ins_detect_held(carrier->detect);
    ins_detect_free(carrier->detect);
    carrier->detect = NULL;
}

static size_t keep_share(const struct ins_session *session)
{
    uint64_t share = KEEP_ALL / session->open;
    share = share > KEEP_SHARE_MAX ? KEEP_SHARE_MAX : share;
    return share < KEEP_SHARE_MIN ? KEEP_SHARE_MIN : (size_t)share;
}

static void become_http2(struct carrier *carrier, const struct ins_tcp_conn *conn)
{
    struct ins_session *session = carrier->session;
    session->open++;
    carrier->client = ins_detect_client(carrier->detect);
    carrier->connection = (struct ins_connection){
        .id = ++session->connections,
        .client = *ins_tcp_end(conn, carrier->client),
        .server = *ins_tcp_end(conn, 1 - carrier->client),
        .is_midway = ins_detect_is_midway(carrier->detect),
    };
    struct sl_observer_config config = sl_observer_defaults();
    config.handler = &observer_handler;
    config.owner = carrier;
    config.keep_message_max = session->view->ops->keep_message_max;
    config.keep_total_max = keep_share(session);
    config.streams_max = STREAMS_MAX;
    config.keep_frame_max = session->view->ops->keep_frame_max;
    config.is_midway = carrier->connection.is_midway;
    config.is_crossing_counted = true;
    carrier->observer = sl_observer_new(&config);
    ins_detect_replay(carrier->detect, carrier->observer);
    drop_detect(carrier);
}

static void act_on(struct carrier *carrier, struct ins_tcp_conn *conn,
                   enum ins_detect_verdict verdict)
{
    if (verdict == INS_DETECT_UNDECIDED && carrier->session->held_bytes > INS_SESSION_HOLD) {
        verdict = ins_detect_decide(carrier->detect);
    }
    if (verdict == INS_DETECT_HTTP2) {
        become_http2(carrier, conn);
    } else if (verdict == INS_DETECT_OTHER) {
        drop_detect(carrier);
        ins_tcp_ignore(conn);
        ins_stats_ignored(carrier->session->stats);
    }
}

static enum sl_dir dir_of(const struct carrier *carrier, int side)
{
    return side == carrier->client ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
}

static void on_data(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                    const struct sl_at *at)
{
    struct carrier *carrier = carrier_of(owner, conn);
    if (carrier->observer != NULL) {
        sl_observer_feed(carrier->observer, dir_of(carrier, side), bytes, at);
        return;
    }
    carrier->session->held_bytes += bytes.len;
    act_on(carrier, conn,
           ins_detect_data(carrier->detect, side, ins_tcp_saw_start(conn, side), bytes, at));
}

static void on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                   const struct sl_at *at)
{
    struct carrier *carrier = carrier_of(owner, conn);
    if (carrier->observer != NULL) {
        sl_observer_gap(carrier->observer, dir_of(carrier, side), count, at);
        return;
    }
    act_on(carrier, conn, ins_detect_gap(carrier->detect, side, count, at));
}

static void on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                     const struct sl_at *at)
{
    (void)owner;
    struct carrier *carrier = ins_tcp_user(conn);
    if (carrier == NULL) {
        return;
    }
    if (carrier->observer != NULL) {
        sl_observer_close(carrier->observer, dir_of(carrier, side), is_reset, at);
    } else {
        ins_detect_close(carrier->detect, side, is_reset, at);
    }
}

static void on_end(void *owner, struct ins_tcp_conn *conn)
{
    struct ins_session *session = owner;
    struct carrier *carrier = ins_tcp_user(conn);
    if (carrier == NULL) {
        return;
    }
    if (carrier->detect != NULL) {
        act_on(carrier, conn, ins_detect_decide(carrier->detect));
    }
    if (carrier->observer != NULL) {
        sl_observer_finish(carrier->observer);
        ins_stats_connection(session->stats, &carrier->connection,
                             sl_observer_totals(carrier->observer));
        sl_observer_free(carrier->observer);
        session->open--;
    }
    sl_free(carrier);
    ins_tcp_set_user(conn, NULL);
}

static const struct ins_tcp_handler tcp_handler = {
    .data = on_data,
    .gap = on_gap,
    .close = on_close,
    .end = on_end,
};

const struct ins_tcp_handler *ins_session_tcp_handler(void)
{
    return &tcp_handler;
}

struct ins_session *ins_session_new(const struct sl_pool *pool, const struct ins_select *select,
                                    struct ins_stats *stats, struct ins_view *view)
{
    struct ins_session *session = sl_alloc(sizeof(*session));
    session->pool = pool;
    session->select = select;
    session->stats = stats;
    session->view = view;
    return session;
}

void ins_session_free(struct ins_session *session)
{
    sl_free(session);
}
