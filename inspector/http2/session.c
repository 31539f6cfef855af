/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/session.h"

#include <utlist.h>

#include "inspector/infer/infer.h"
#include "inspector/memory.h"
#include "inspector/view/held.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/wire/exchange.h"
#include "lib/wire/stall.h"

enum {
    KEEP_ALL = 12 * 1024 * 1024,   /* of unfinished messages of all connections */
    KEEP_FIELDS = 8 * 1024 * 1024, /* of header lists of open calls of all connections */
    /* Open at once whose repeated header blocks are kept: 12 MiB of them at the very most. */
    REPEATS_CONNECTIONS = 512,
    LATEST_PATH_MAX = 256,
};

struct ins_session {
    const struct sl_pool *pool;
    const struct ins_select *select;
    struct ins_stats *stats;
    struct ins_view *view;
    struct sl_observer_handler handler;
    struct ins_infer *infer;
    uint64_t connections;         /* with a conversation */
    uint64_t open;                /* of them */
    uint64_t calls;               /* with a record */
    size_t held_bytes;            /* of unfinished messages */
    size_t held_fields;           /* memory of open calls' header lists */
    char latest[LATEST_PATH_MAX]; /* path that was looked up last: latest_len of it */
    size_t latest_len;
    const struct sl_method *latest_method;
    struct open *oldest; /* all open calls, by their beginning */
    size_t open_count;
};

struct ins_conversation {
    struct ins_session *session;
    const struct ins_stream *stream;
    struct sl_observer *observer; /* of its calls */
    int client;                   /* side of the stream */
    struct ins_connection connection;
    struct ins_infer_connection *infer; /* NULL while nothing is unknown */
    struct ins_infer_group *begun;      /* the group of the request block at hand */
};

/* An open call. */
struct open {
    struct ins_call call; /* first */
    struct ins_conversation *conversation;
    struct open *prev, *next;
};

/* --- from the observer --- */

/* "/pkg.Service/Method" of a path that has more before it: web servers put services below a prefix. */
static struct sl_span last_two(struct sl_span path)
{
    size_t slashes = 0;
    for (size_t i = path.len; i > 0; i--) {
        slashes += path.data[i - 1] == '/' ? 1 : 0;
        if (slashes == 2) {
            return sl_span_from(path, i - 1);
        }
    }
    return path;
}

/* The method of a path. Most calls have the path of the one before them. */
static const struct sl_method *method_of(struct ins_session *session, struct sl_span path)
{
    if (path.len != session->latest_len || memcmp(path.data, session->latest, path.len) != 0) {
        session->latest_method = sl_pool_method(session->pool, path);
        session->latest_len = path.len <= sizeof(session->latest) ? path.len : SIZE_MAX;
        if (session->latest_len == path.len) {
            memcpy(session->latest, path.data, path.len);
        }
    }
    return session->latest_method;
}

/* What is known of the call has changed, or it ends. */
static void select_call(const struct ins_session *session, struct ins_call *call, bool has_ended)
{
    enum ins_selected selected = call->id == 0 ? INS_SELECTED_NO
                                               : ins_select_call(session->select, call, has_ended,
                                                                 session->view->ops->is_by_event);
    call->is_selected = selected != INS_SELECTED_NO;
    call->is_decided = selected != INS_SELECTED_MAYBE;
    ins_held_settle(call);
}

/* An event of a view that shows events, at a time that the user does not want to see. */
static bool is_out_of_time(const struct ins_session *session, const struct sl_at *begin,
                           const struct sl_at *end)
{
    return session->view->ops->is_by_event && !ins_select_at(session->select, begin, end);
}

/* What its path tells, once that is known. */
static void look_up(struct ins_session *session, struct ins_call *call)
{
    struct sl_span path = ins_call_method(call);
    if (path.data != NULL && session->pool != NULL && call->method == NULL) {
        call->method = method_of(session, path);
        if (call->method == NULL && call->call->protocol != SL_PROTOCOL_GRPC) {
            call->method = sl_pool_method(session->pool, last_two(path));
        }
    }
    select_call(session, call, false);
}

/* Gives the call its number as soon as it is known to be gRPC. */
static void number(struct ins_conversation *conversation, struct ins_call *call)
{
    struct ins_session *session = conversation->session;
    if (call->id != 0 || call->call->protocol == SL_PROTOCOL_OTHER) {
        return;
    }
    call->id = ++session->calls;
    call->call->label = call->id;
    look_up(session, call);
    if (session->view->ops->call_begin != NULL) {
        session->view->ops->call_begin(session->view, call);
    }
}

static void on_block(void *owner, struct sl_call *call, enum sl_dir dir, bool is_last,
                     const struct sl_hpack_decoder *decoder, struct sl_headers *headers)
{
    struct ins_conversation *conversation = owner;
    struct ins_call *own = call->user;
    conversation->begun = NULL;
    if (conversation->infer == NULL && headers->lost_count > 0) {
        conversation->infer = ins_infer_open(conversation->session->infer);
    }
    if (conversation->infer != NULL) {
        conversation->begun = ins_infer_block(conversation->infer, dir, is_last, decoder, headers);
    }
    if (own != NULL && conversation->begun != NULL) {
        own->group = conversation->begun;
    }
}

static void on_call_begin(void *owner, struct sl_call *call)
{
    struct ins_conversation *conversation = owner;
    struct open *open = sl_alloc(sizeof(*open));
    struct ins_call *own = &open->call;
    open->conversation = conversation;
    DL_APPEND(conversation->session->oldest, open);
    conversation->session->open_count++;
    own->connection = &conversation->connection;
    own->call = call;
    own->group = conversation->begun;
    conversation->begun = NULL;
    call->user = own;
    number(conversation, own);
}

/* Where the beginning of a call was not seen, its request headers may come after it began. Else nothing
 * is new. */
static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct ins_conversation *conversation = owner;
    struct ins_call *own = call->user;
    (void)headers;
    (void)at;
    bool is_known = own != NULL && own->method != NULL && own->is_decided && own->group == NULL;
    if (own != NULL && block == SL_BLOCK_REQUEST && !is_known) {
        number(conversation, own);
        look_up(conversation->session, own);
    } else if (own != NULL && !own->is_decided) {
        select_call(conversation->session, own, false);
    }
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct ins_conversation *conversation = owner;
    struct ins_session *session = conversation->session;
    struct ins_call *own = call->user;
    number(conversation, own);
    if (own->id == 0) {
        return;
    }
    if (own->group != NULL) {
        ins_infer_message(own->group, call, dir, message);
        look_up(session, own);
    }
    if (session->view->ops->message != NULL && !is_out_of_time(session, at, at)) {
        session->view->ops->message(session->view, own, dir, message, at);
    }
}

/* The last that can be found out. */
static void on_call_ending(void *owner, struct sl_call *call)
{
    struct ins_conversation *conversation = owner;
    struct ins_call *own = call->user;
    if (conversation->infer != NULL && own != NULL) {
        ins_infer_end(conversation->infer, own->group, call);
        if (own->group != NULL) {
            look_up(conversation->session, own);
        }
    }
}

/* What the server's answers tell of the way to it, where no handshake does. */
static void learn_round_trip(struct ins_conversation *conversation)
{
    struct ins_connection *connection = &conversation->connection;
    if (connection->observer == NULL || (connection->has_round_trip && !connection->is_by_answer)) {
        return;
    }
    connection->is_by_answer =
        sl_observer_answer_ns(connection->observer, SL_DIR_RESPONSE, &connection->round_trip_ns);
    connection->has_round_trip = connection->is_by_answer;
}

/* Did bytes between the beginning of the call and the end of a side come again with other ones? */
static bool is_conflicting(const struct ins_conversation *conversation, const struct sl_call *call)
{
    for (int dir = 0; dir < 2; dir++) {
        const struct sl_call_side *side = dir == SL_DIR_REQUEST ? &call->request : &call->response;
        int number = dir == SL_DIR_REQUEST ? conversation->client : 1 - conversation->client;
        uint64_t last = side->is_ended ? side->end_at.packet : UINT64_MAX;
        if (ins_conflicts_hit(conversation->stream->conflicts[number], call->start.packet, last)) {
            return true;
        }
    }
    return false;
}

static void on_call_end(void *owner, struct sl_call *call)
{
    struct ins_conversation *conversation = owner;
    struct ins_session *session = conversation->session;
    struct ins_call *own = call->user;
    learn_round_trip(conversation);
    number(conversation, own);
    if (own->id != 0) {
        own->is_conflicting = is_conflicting(conversation, call);
        session->stats->calls_given_up += call->is_given_up ? 1 : 0;
        own->is_given_up = call->is_given_up;
        own->is_connection_given_up =
            conversation->stream->is_given_up && call->end == SL_CALL_OPEN && !call->is_given_up;
        select_call(session, own, true);
        if (own->is_selected) {
            ins_stats_call(session->stats, own);
        }
        if (session->view->ops->call_end != NULL) {
            session->view->ops->call_end(session->view, own);
        }
    }
    struct open *open = (struct open *)own;
    DL_DELETE(session->oldest, open);
    session->open_count--;
    sl_free(open);
    call->user = NULL;
}

static void on_stall(void *owner, const struct sl_stall *stall)
{
    struct ins_conversation *conversation = owner;
    const struct ins_session *session = conversation->session;
    if (session->view->ops->stall != NULL && stall->call->user != NULL &&
        !is_out_of_time(session, &stall->start, &stall->end)) {
        session->view->ops->stall(session->view, &conversation->connection, stall->call->user,
                                  stall);
    }
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct ins_conversation *conversation = owner;
    struct ins_session *session = conversation->session;
    ins_stats_frame(session->stats, event);
    if (session->view->ops->frame != NULL && !is_out_of_time(session, &event->last, &event->last)) {
        session->view->ops->frame(session->view, &conversation->connection,
                                  event->call == NULL ? NULL : event->call->user, event);
    }
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    struct ins_conversation *conversation = owner;
    struct ins_session *session = conversation->session;
    ins_stats_finding(session->stats, finding);
    if (session->view->ops->finding != NULL &&
        !is_out_of_time(session, &finding->at, &finding->at)) {
        session->view->ops->finding(session->view, &conversation->connection,
                                    finding->call == NULL ? NULL : finding->call->user, finding);
    }
}

static bool is_single_answer(void *owner, const struct sl_call *call)
{
    const struct ins_call *known = call->user;
    (void)owner;
    return known != NULL && known->method != NULL && !known->method->is_server_streaming;
}

static bool is_single_request(void *owner, const struct sl_call *call)
{
    const struct ins_call *known = call->user;
    (void)owner;
    return known != NULL && known->method != NULL && !known->method->is_client_streaming;
}

static const struct sl_observer_handler observer_handler = {
    .block = on_block,
    .call_ending = on_call_ending,
    .call_begin = on_call_begin,
    .headers = on_headers,
    .message = on_message,
    .call_end = on_call_end,
    .stall = on_stall,
    .frame = on_frame,
    .is_single_answer = is_single_answer,
    .is_single_request = is_single_request,
    .finding = on_finding,
};

struct ins_conversation *ins_session_open(struct ins_session *session,
                                          const struct ins_layer_place *place)
{
    struct ins_conversation *conversation = sl_alloc(sizeof(*conversation));
    conversation->session = session;
    conversation->stream = place->stream;
    conversation->client = place->client;
    place->stream->has_end = true;
    session->open++;
    conversation->connection = (struct ins_connection){
        .id = ++session->connections,
        .client = place->stream->ends[place->client],
        .server = place->stream->ends[1 - place->client],
        .tcp_number = place->stream->tcp_number,
        .via = place->stream->via,
        .via_count = place->stream->via_count,
        .is_midway = place->is_midway,
        .is_guessed = place->is_guessed,
        .has_round_trip = place->stream->has_handshake,
        .round_trip_ns = place->stream->handshake_ns,
        .tls = place->stream->tls,
    };
    return conversation;
}

void ins_session_watch(struct ins_conversation *conversation, struct sl_observer *observer)
{
    conversation->observer = observer;
    conversation->connection.observer = observer;
}

void ins_session_make_room(struct ins_session *session, const struct sl_at *at)
{
    while (session->open_count > INS_SESSION_OPEN) {
        struct open *oldest = session->oldest;
        sl_exchange_give_up(oldest->conversation->observer, oldest->call.call->stream, at);
        if (session->oldest == oldest) { /* its observer ends it soon */
            DL_DELETE(session->oldest, oldest);
            DL_APPEND(session->oldest, oldest);
            return;
        }
    }
}

void ins_session_confirm(struct ins_conversation *conversation)
{
    conversation->connection.is_guessed = false;
}

void ins_session_turn(struct ins_conversation *conversation,
                      const struct sl_observer_totals *totals)
{
    struct ins_connection *connection = &conversation->connection;
    const struct ins_endpoint client = connection->client;
    connection->client = connection->server;
    connection->server = client;
    connection->is_guessed = false;
    conversation->client = 1 - conversation->client;
    ins_stats_totals(conversation->session->stats, totals);
    ins_infer_close(conversation->infer);
    conversation->infer = NULL;
    conversation->begun = NULL;
}

void ins_session_close(struct ins_conversation *conversation,
                       const struct sl_observer_totals *totals)
{
    learn_round_trip(conversation);
    ins_stats_connection(conversation->session->stats, &conversation->connection, totals);
    ins_infer_close(conversation->infer);
    conversation->session->open--;
    sl_free(conversation);
}

void ins_session_keeps(struct ins_session *session, struct sl_observer_config *config)
{
    config->keep_message_max = session->view->ops->keep_message_max;
    if (config->is_midway && session->pool != NULL &&
        config->keep_message_max < INS_INFER_MESSAGE_MAX) {
        config->keep_message_max = INS_INFER_MESSAGE_MAX; /* evidence for methods */
    }
    config->keep_frame_max = session->view->ops->keep_frame_max;
    config->keep_total_max = KEEP_ALL;
    config->calls_memory = INS_MEMORY_CALLS;
    config->memory_max = INS_MEMORY_MAX;
    config->held_bytes = &session->held_bytes;
    config->keep_fields_max = KEEP_FIELDS;
    config->held_fields = &session->held_fields;
    config->are_frames_told = session->view->ops->frame != NULL;
    config->are_repeats_kept = session->open <= REPEATS_CONNECTIONS;
}

const struct sl_observer_handler *ins_session_handler(const struct ins_session *session)
{
    return &session->handler;
}

struct ins_session *ins_session_new(const struct sl_pool *pool, const struct ins_select *select,
                                    struct ins_stats *stats, struct ins_view *view)
{
    struct ins_session *session = sl_alloc(sizeof(*session));
    session->pool = pool;
    session->select = select;
    session->stats = stats;
    session->view = view;
    session->handler = observer_handler;
    session->handler.finding = view->has_findings ? on_finding : NULL;
    session->infer = ins_infer_new(pool);
    return session;
}

void ins_session_free(struct ins_session *session)
{
    if (session != NULL) {
        ins_infer_free(session->infer);
    }
    sl_free(session);
}
