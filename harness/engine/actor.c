/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/actor.h"

#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/clients/external.h"
#include "harness/engine/declared.h"
#include "harness/engine/notes.h"
#include "harness/engine/via.h"
#include "harness/raw/raw_tls.h"
#include "harness/story/chronicle.h"
#include "harness/target/child.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/h2_frame.h"

enum {
    DEFAULT_RATE_HZ = 100000, /* "a very high one": no server has to reach it */
    REPLY_MAX = 4 * 1024 * 1024,
    KEEPALIVE_TIMEOUT_MS = 20000, /* as gRPC has it */
    REQUEST_ID_MAX = 64 * 1024,
};

void har_actor_init(struct har_actor *actor, struct har_play *play, unsigned group, unsigned index)
{
    *actor = (struct har_actor){.play = play, .group = group, .index = index};
    actor->spec = &play->scenario->actors[group];
    actor->room = har_play_expand(play, actor->spec->room, index);
}

void har_actor_release(struct har_actor *actor)
{
    har_child_free(actor->child);
    har_external_free(actor->external);
    har_client_ids_free(actor->client_ids);
    while (actor->calls != NULL) {
        har_call_free(actor->calls);
    }
    if (actor->stream != NULL) {
        har_stream_free(actor->stream);
    }
    sl_free(actor->room);
    sl_free(actor->sent);
    sl_free(actor->received);
    sl_free(actor->probes);
    if (actor->inbox != NULL) {
        har_inbox_release(actor->inbox);
        sl_free(actor->inbox);
    }
    json_decref(actor->trailers);
}

struct har_actor *har_play_actor(struct har_play *play, uint16_t number)
{
    bool is_known = number >= 1 && number <= play->actor_count;
    return is_known ? &play->actors[number - 1] : NULL;
}

/* ---- connections ---- */

static void on_connected(void *owner, struct har_conn *conn)
{
    struct har_link *link = owner;
    (void)conn;
    link->is_connected = true;
    har_play_touch(link->play);
}

static void on_conn_ended(void *owner, struct har_conn *conn, enum har_conn_end how,
                          const char *text)
{
    struct har_link *link = owner;
    (void)conn;
    link->how = how;
    link->has_ended = true;
    (void)snprintf(link->end_text, sizeof(link->end_text), "%s", text == NULL ? "" : text);
    har_play_touch(link->play);
}

static void on_frame(void *owner, struct har_conn *conn, const struct sl_frame_event *event)
{
    struct har_link *link = owner;
    (void)conn;
    uint8_t type = event->header.type;
    har_obstacle_note(link, event);
    har_wire_note(&link->wire, event);
    har_chronicle_frame(link, event);
    if (event->dir == SL_DIR_RESPONSE) {
        har_play_touch(link->play);
    }
    bool is_activity = type == SL_H2_DATA || type == SL_H2_HEADERS || type == SL_H2_RST_STREAM;
    if (is_activity) {
        link->play->last_frame_ns = sl_clock_mono_ns();
    }
}

static void on_finding(void *owner, struct har_conn *conn, const struct sl_finding *finding)
{
    struct har_link *link = owner;
    (void)conn;
    /* The gRPC C core may send the trailers of a call twice when its deadline has passed. */
    bool is_excused = strcmp(finding->rule, "CALL-20") == 0 &&
                      har_wire_has_deadline(&link->wire, finding->stream);
    if (!link->is_garbled && !is_excused) {
        har_note_finding(link->play, finding);
    }
}

static void on_ping_ack(void *owner, struct har_conn *conn, uint64_t opaque)
{
    struct har_link *link = owner;
    (void)conn;
    link->ping_acks++;
    /* Which PING of which actor, as har_actor_ping wrote it. */
    struct har_actor *actor = har_play_actor(link->play, (uint16_t)(opaque >> 32 & 0xffff));
    uint32_t index = (uint32_t)opaque;
    if (actor != NULL && index < actor->probe_count && actor->probes[index].acked_ns == 0) {
        actor->probes[index].acked_ns = sl_clock_mono_ns();
    }
    har_play_touch(link->play);
}

static const struct har_conn_handler conn_handler = {
    .connected = on_connected,
    .ping_ack = on_ping_ack,
    .ended = on_conn_ended,
    .frame = on_frame,
    .finding = on_finding,
};

static struct har_link *find_link(struct har_actor *actor)
{
    struct har_play *play = actor->play;
    const char *name = strcmp(actor->spec->conn, "own") == 0 ? NULL : actor->spec->conn;
    for (struct har_link *link = play->links; link != NULL && name != NULL; link = link->next) {
        if (link->name != NULL && strcmp(link->name, name) == 0) {
            return link;
        }
    }
    struct har_link *link = sl_alloc(sizeof(*link));
    link->play = play;
    link->name = name;
    link->next = play->links;
    play->links = link;
    return link;
}

/* What an actor asks of its connection. A shared one has window 0 as soon as one of its actors meters
 * credit, and leaves undone what any of them does. */
static void config_of_spec(struct har_play *play, const struct har_actor_spec *spec,
                           struct har_conn_config *config)
{
    if (spec->is_manual) {
        config->stream_window = 0;
    }
    config->suppress |= spec->suppress_mask;
    config->is_literal |= spec->kind == HAR_RAW;
    if (spec->keepalive.time.is_set) {
        config->keepalive_time_ns = har_play_ns(play, &spec->keepalive.time, 0);
        config->keepalive_timeout_ns =
            har_play_ns(play, &spec->keepalive.timeout, KEEPALIVE_TIMEOUT_MS);
    }
    config->receive_buffer =
        (int)har_play_value_in(play, &spec->receive_buffer, config->receive_buffer, 0, INT32_MAX);
    config->data_max =
        (uint32_t)har_play_value_in(play, &spec->data_frame, config->data_max, 0, INT32_MAX);
}

static void config_of_link(const struct har_actor *actor, struct har_conn_config *config)
{
    const struct har_scenario *scenario = actor->play->scenario;
    config_of_spec(actor->play, actor->spec, config);
    for (size_t i = 0; i < scenario->actor_count && actor->link->name != NULL; i++) {
        const struct har_actor_spec *other = &scenario->actors[i];
        if (other != actor->spec && strcmp(other->conn, actor->link->name) == 0) {
            config_of_spec(actor->play, other, config);
        }
    }
}

struct har_conn *har_actor_conn(struct har_actor *actor)
{
    if (actor->link == NULL) {
        actor->link = find_link(actor);
    }
    struct har_link *link = actor->link;
    if (link->conn != NULL && !link->has_ended && !link->is_closed_by_us) {
        return link->conn;
    }
    struct har_play *play = actor->play;
    struct har_conn_config config = play->config.conn;
    config.transport = har_obstacle_transport(play, actor->spec);
    config.handler = &conn_handler;
    config.owner = link;
    config.pool = play->config.pool;
    config_of_link(actor, &config);
    const struct har_window *window = &actor->spec->window;
    config.stream_window =
        (uint32_t)har_play_value_in(play, &window->stream, config.stream_window, 0, INT32_MAX);
    config.connection_window = (uint32_t)har_play_value_in(play, &window->connection,
                                                           config.connection_window, 0, INT32_MAX);
    har_raw_tls_use(actor, &config);
    har_via_route(play, actor->spec, &config);
    char name[HAR_TRACE_NAME_MAX];
    config.trace_name = har_via_name(actor, name);
    link->was_ended |= link->has_ended || link->wire.frames[SL_H2_GOAWAY] > 0;
    har_conn_free(link->conn);
    link->is_connected = link->has_ended = link->is_closed_by_us = link->is_garbled = false;
    link->served_at = 0;
    har_wire_clear(&link->wire);
    link->is_core = config.transport == HAR_TRANSPORT_GRPC;
    link->wire.keeps_streams = config.is_literal;
    actor->raw_stream = actor->raw_told = 0;
    link->number = har_chronicle_conn(link, actor->spec->is_via_proxy);
    link->conn = har_conn_new(play->config.loop, &config);
    return link->conn;
}

void har_links_release(struct har_play *play)
{
    while (play->links != NULL) {
        struct har_link *next = play->links->next;
        har_conn_free(play->links->conn);
        har_tls_free(play->links->tls);
        har_wire_clear(&play->links->wire);
        sl_free(play->links);
        play->links = next;
    }
}

/* ---- streams ---- */

void har_actor_on_headers(void *owner, struct har_stream *stream, const struct sl_headers *headers)
{
    struct har_actor *actor = owner;
    (void)stream;
    (void)headers;
    actor->has_headers = true;
    har_play_touch(actor->play);
}

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct har_actor *actor = owner;
    (void)stream;
    actor->messages++;
    actor->play->evidence++;
    if (actor->play->is_over) {
        return;
    }
    if (actor->play->config.binding != NULL) {
        har_note_bound(actor, now_ns);
    } else if (actor->spec->kind == HAR_CHAT) {
        har_note_command(actor, payload, now_ns);
    } else {
        har_note_received(actor, payload, now_ns);
    }
    har_play_touch(actor->play);
}

void har_actor_on_drained(void *owner, struct har_stream *stream)
{
    struct har_actor *actor = owner;
    (void)stream;
    har_play_touch(actor->play);
}

void har_actor_note_end(struct har_actor *actor, const struct har_stream_result *result)
{
    actor->state = HAR_STREAM_ENDED;
    actor->ended_ns = sl_clock_mono_ns();
    actor->end_code = result->code;
    actor->is_end_of_connection = result->source == SL_FROM_CONNECTION_CLOSED;
    actor->is_end_of_status =
        result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY;
    har_declared_note_report(&actor->past, result->trailers);
    const char *name = sl_grpc_status_name(result->code);
    (void)snprintf(actor->end_text, sizeof(actor->end_text), "%s%s%s (%s)",
                   name == NULL ? "an unknown status" : name,
                   result->message[0] == '\0' ? "" : ": ", result->message,
                   sl_status_source_name(result->source));
    har_chronicle_closed(actor);
    har_note_end(actor);
    har_play_touch(actor->play);
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    (void)stream;
    har_actor_note_end(owner, result);
}

static const struct har_stream_handler stream_handler = {.headers = har_actor_on_headers,
                                                         .message = on_message,
                                                         .drained = har_actor_on_drained,
                                                         .end = on_end};

void har_actor_subscription(const struct har_actor *actor, struct sl_buf *out)
{
    double rate = har_play_value_in(actor->play, &actor->spec->max_rate_hz, DEFAULT_RATE_HZ,
                                    INT32_MIN, INT32_MAX);
    const struct har_subscription subscription = {
        .room_id = sl_span_str(actor->room),
        .max_rate_hz = (int32_t)rate,
        .history = actor->past.history,
        .after_message_id = sl_span_str(actor->past.after == NULL ? "" : actor->past.after),
    };
    har_subscription_write(out, &subscription);
}

uint32_t har_actor_next_ack(const struct har_actor *actor)
{
    return (uint32_t)actor->acked + actor->abandoned;
}

/* A new stream owes no answers to what was sent on the ones before. */
static void abandon_unanswered(struct har_actor *actor)
{
    for (uint32_t i = har_actor_next_ack(actor); i < actor->sent_count; i++) {
        actor->sent[i].is_abandoned = true;
        actor->abandoned++;
    }
}

void har_actor_open(struct har_actor *actor)
{
    struct har_play *play = actor->play;
    bool is_chat = actor->spec->kind == HAR_CHAT;
    double deadline_ms = har_play_value(play, &actor->spec->deadline_ms, 0);
    actor->timeout_ns = deadline_ms > 0 ? (uint64_t)(deadline_ms * (double)SL_MS) : 0;
    struct har_stream_config config = {
        .method = har_bound_method(play, is_chat ? HAR_ROLE_BIDI : HAR_ROLE_SERVER_STREAM),
        .metadata = play->config.metadata,
        .metadata_count = play->config.metadata_count,
        .timeout_ns = actor->timeout_ns,
        .is_manual = actor->spec->is_manual,
        .handler = &stream_handler,
        .owner = actor,
    };
    if (actor->stream != NULL) {
        har_stream_free(actor->stream);
    }
    struct har_conn *conn = har_actor_conn(actor);
    actor->was_connected = actor->link->is_connected;
    actor->stream = har_stream_new(conn, &config);
    actor->state = HAR_STREAM_OPEN;
    actor->has_headers = actor->is_half_closed = actor->is_cut = false;
    actor->generation++;
    actor->probe_seen = actor->past.received = 0;
    actor->past.epoch += actor->past.history > 0;
    actor->messages_before = actor->messages;
    actor->opened_ns = sl_clock_mono_ns();
    actor->past.has_report = false;
    har_chronicle_opened(actor);
    if (is_chat) {
        abandon_unanswered(actor);
        actor->stream_first = actor->sent_count;
    } else {
        har_bound_subscribe(actor);
    }
}

void har_actor_cancel(struct har_actor *actor)
{
    har_actor_reset(actor, SL_H2_CANCEL);
}

void har_actor_reset(struct har_actor *actor, uint32_t error)
{
    if (actor->stream != NULL) {
        if (actor->state == HAR_STREAM_OPEN) {
            har_stream_cancel(actor->stream, error);
        }
        har_stream_free(actor->stream);
        actor->stream = NULL;
    }
    actor->state = HAR_STREAM_LEFT;
    har_chronicle_closed(actor);
}

void har_actor_close(struct har_actor *actor, enum har_close how)
{
    struct har_play *play = actor->play;
    struct har_link *link = actor->link;
    if (link == NULL || link->conn == NULL || link->is_closed_by_us) {
        return;
    }
    if (!link->has_ended) {
        har_conn_close(link->conn, how);
    }
    link->is_closed_by_us = true;
    for (size_t i = 0; i < play->actor_count; i++) {
        struct har_actor *other = &play->actors[i];
        if (other->link != link) {
            continue;
        }
        while (other->calls != NULL) {
            har_call_free(other->calls);
        }
        if (other->stream != NULL) {
            har_stream_free(other->stream);
            other->stream = NULL;
            other->state = HAR_STREAM_LEFT;
            har_chronicle_closed(other);
        }
    }
}

bool har_actor_ping(struct har_actor *actor, int phase)
{
    if (actor->probe_count == HAR_PING_PROBES_MAX) {
        return false;
    }
    uint32_t index = (uint32_t)actor->probe_count++;
    actor->probes = sl_realloc(actor->probes, actor->probe_count * sizeof(actor->probes[0]));
    actor->probes[index] = (struct har_ping_probe){.sent_ns = sl_clock_mono_ns(), .phase = phase};
    uint64_t opaque = (uint64_t)actor->number << 32 | index;
    return har_conn_ping(har_actor_conn(actor), opaque) == SL_OK;
}

void har_actor_no_stream(struct har_actor *actor, const struct har_node *node)
{
    if (actor->state == HAR_STREAM_ENDED) {
        har_play_fail(actor->play, node, har_note_end_rule(actor),
                      "the server has ended the stream of %s[%u]: %s", actor->spec->name,
                      actor->index, actor->end_text);
        return;
    }
    const char *what = actor->state == HAR_STREAM_NONE   ? "was not opened"
                       : actor->state == HAR_STREAM_LEFT ? "was left"
                       : actor->is_half_closed           ? "was half-closed"
                                                         : "can take no more";
    har_play_mistake(actor->play, node->path, "the stream of '%s' %s before this step",
                     actor->spec->name, what);
}

/* ---- unary calls ---- */

static void on_call_message(void *owner, struct har_stream *stream, struct sl_span payload,
                            uint64_t now_ns)
{
    struct har_call *call = owner;
    (void)stream;
    (void)now_ns;
    call->messages++;
    if (call->replies != NULL) {
        call->actor->play->evidence++;
        call->are_replies_cut |= har_inbox_add(call->replies, payload) != SL_OK;
    } else if (call->messages == 1) {
        (void)sl_buf_add_span(&call->reply, payload);
    }
}

static void on_call_end(void *owner, struct har_stream *stream,
                        const struct har_stream_result *result)
{
    struct har_call *call = owner;
    (void)stream;
    struct har_play *play = call->actor->play;
    if (result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY) {
        play->evidence++;
    }
    if (!play->is_over) {
        call->done(call, result);
    }
    har_call_free(call);
    har_play_touch(play);
}

static void on_call_headers(void *owner, struct har_stream *stream,
                            const struct sl_headers *headers)
{
    struct har_call *call = owner;
    (void)stream;
    har_declared_note(call->actor->play, headers);
    const struct sl_header *field = sl_headers_find(headers, "x-request-id");
    if (field != NULL) {
        sl_buf_clear(&call->request_id);
        (void)sl_buf_add_span(&call->request_id, field->value);
    }
}

static const struct har_stream_handler call_handler = {
    .headers = on_call_headers, .message = on_call_message, .end = on_call_end};

/* A call in the list of its actor; its stream is the caller's to open. */
static struct har_call *new_call(struct har_actor *actor, har_call_fn *done, void *owner)
{
    struct har_call *call = sl_alloc(sizeof(*call));
    call->actor = actor;
    call->done = done;
    call->owner = owner;
    call->begin_ns = sl_clock_mono_ns();
    sl_buf_init(&call->reply, REPLY_MAX);
    sl_buf_init(&call->request_id, REQUEST_ID_MAX);
    call->next = actor->calls;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    actor->calls = call;
    actor->calls_open++;
    return call;
}

struct har_call *har_actor_call(struct har_actor *actor, const char *method, struct sl_span payload,
                                har_call_fn *done, void *owner)
{
    return har_actor_call_with(actor, method, payload, NULL, done, owner);
}

/* What every call of the run has, and field. Yours to sl_free. */
static struct sl_header *metadata_with(const struct har_play *play, const struct sl_header *field,
                                       size_t *ret_count)
{
    size_t count = play->config.metadata_count;
    struct sl_header *all = sl_calloc(count + 1, sizeof(*all));
    if (count > 0) {
        memcpy(all, play->config.metadata, count * sizeof(*all));
    }
    if (field != NULL) {
        all[count++] = *field;
    }
    *ret_count = count;
    return all;
}

struct har_call *har_actor_call_with(struct har_actor *actor, const char *method,
                                     struct sl_span payload, const struct sl_header *field,
                                     har_call_fn *done, void *owner)
{
    struct har_play *play = actor->play;
    struct har_call *call = new_call(actor, done, owner);
    struct har_stream_config config = {
        .method = method,
        .handler = &call_handler,
        .owner = call,
    };
    struct sl_header *metadata = metadata_with(play, field, &config.metadata_count);
    config.metadata = metadata;
    call->stream = har_stream_new(har_actor_conn(actor), &config);
    sl_free(metadata);
    (void)har_stream_send(call->stream, payload);
    har_stream_half_close(call->stream);
    return call;
}

struct har_call *har_actor_call_any(struct har_actor *actor, const struct har_call_config *config)
{
    struct har_call *call = new_call(actor, config->done, config->owner);
    call->replies = sl_alloc(sizeof(*call->replies));
    har_inbox_init(call->replies, &actor->play->inbox_bytes);
    struct har_stream_config stream = {
        .method = config->method,
        .metadata = config->metadata->fields,
        .metadata_count = config->metadata->count,
        .timeout_ns = config->timeout_ns,
        .handler = &call_handler,
        .owner = call,
    };
    call->stream = har_stream_new(har_actor_conn(actor), &stream);
    for (uint32_t i = 0; i < config->messages->count; i++) {
        (void)har_stream_send(call->stream, har_inbox_at(config->messages, i));
    }
    har_stream_half_close(call->stream);
    return call;
}

void har_call_free(struct har_call *call)
{
    struct har_actor *actor = call->actor;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        actor->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    actor->calls_open--;
    har_stream_free(call->stream);
    sl_buf_release(&call->reply);
    sl_buf_release(&call->request_id);
    if (call->replies != NULL) {
        har_inbox_release(call->replies);
        sl_free(call->replies);
    }
    sl_free(call);
}
