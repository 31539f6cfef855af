/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http1/layer.h"

#include <stdio.h>

#include "inspector/http1/reader.h"
#include "inspector/http2/session.h"
#include "inspector/stream/upgrade.h"
#include "lib/base/alloc.h"
#include "lib/wire/content.h"
#include "lib/wire/exchange.h"

/* A request whose response has not ended. */
struct waiting {
    uint32_t number; /* of its exchange */
    bool is_head, is_connect;
    bool is_held;     /* in http1->upgrade, without a number yet */
    bool is_answered; /* its response has begun */
};

struct http1;

struct side {
    struct http1 *http1;
    struct ins_h1_reader *reader;
    enum sl_dir dir;
    uint32_t number; /* of the exchange whose message is being read; 0: none */
    bool is_held;    /* the message being read goes to http1->upgrade */
    bool is_answer;  /* it is a response that is no interim one */
    bool is_lost;
};

struct http1 {
    struct ins_layer_place place;
    struct sl_observer *observer; /* NULL before the first request that may be a call */
    uint64_t plain;               /* requests before that */
    bool is_midway;
    struct ins_conversation *conversation; /* NULL before the first call */
    struct side sides[2];                  /* by direction */
    struct waiting waiting[INS_HTTP1_WAITING];
    size_t waiting_count;
    struct ins_upgrade *upgrade;   /* the request of waiting[0] where that is held; else NULL */
    bool is_switched;              /* what comes is of another protocol */
    int client;                    /* side of the stream */
    char target[INS_VIA_NAME_MAX]; /* of the last CONNECT */
};

/* --- from the observer: a conversation begins with the first call --- */

static const struct sl_observer_handler *handler_of(const struct http1 *http1)
{
    return ins_session_handler(http1->place.stream->tools->session);
}

static void on_call_begin(void *owner, struct sl_call *call)
{
    struct http1 *http1 = owner;
    if (call->protocol == SL_PROTOCOL_OTHER) {
        return;
    }
    if (http1->conversation == NULL) {
        http1->conversation = ins_session_open(http1->place.stream->tools->session, &http1->place);
        ins_session_watch(http1->conversation, http1->observer);
    }
    handler_of(http1)->call_begin(http1->conversation, call);
}

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    const struct http1 *http1 = owner;
    if (call->user != NULL) {
        handler_of(http1)->headers(http1->conversation, call, block, headers, at);
    }
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    const struct http1 *http1 = owner;
    if (call->user != NULL) {
        handler_of(http1)->message(http1->conversation, call, dir, message, at);
    }
}

static void on_call_end(void *owner, struct sl_call *call)
{
    const struct http1 *http1 = owner;
    if (call->user != NULL) {
        handler_of(http1)->call_end(http1->conversation, call);
    }
}

static const struct sl_observer_handler observer_handler = {
    .call_begin = on_call_begin,
    .headers = on_headers,
    .message = on_message,
    .call_end = on_call_end,
};

static struct sl_observer *observer_of(struct http1 *http1)
{
    if (http1->observer == NULL) {
        struct sl_observer_config config = sl_observer_defaults();
        config.handler = &observer_handler;
        config.owner = http1;
        config.streams_max = INS_HTTP1_WAITING + 1;
        config.is_http1 = true;
        config.is_midway = http1->is_midway;
        config.is_crossing_counted = true;
        ins_session_keeps(http1->place.stream->tools->session, &config);
        http1->observer = sl_observer_new(&config);
    }
    return http1->observer;
}

/* --- pairing --- */

static void drop_oldest(struct http1 *http1)
{
    http1->waiting_count--;
    memmove(&http1->waiting[0], &http1->waiting[1],
            http1->waiting_count * sizeof(http1->waiting[0]));
}

/* The request that was held is one of HTTP/1.1. */
static void take_back(struct http1 *http1)
{
    if (http1->upgrade != NULL) {
        http1->waiting[0].number = ins_upgrade_give(http1->upgrade, observer_of(http1));
        http1->waiting[0].is_held = false;
        struct side *side = &http1->sides[SL_DIR_REQUEST];
        side->number = side->is_held ? http1->waiting[0].number : side->number;
        side->is_held = false;
        ins_upgrade_free(http1->upgrade);
        http1->upgrade = NULL;
    }
}

static void give_up_oldest(struct http1 *http1, const struct sl_at *at)
{
    take_back(http1);
    if (http1->waiting[0].number != 0) {
        sl_exchange_give_up(http1->observer, http1->waiting[0].number, at);
    }
    drop_oldest(http1);
}

static bool is_method(const struct sl_headers *fields, const char *name)
{
    const struct sl_header *method = sl_headers_find(fields, ":method");
    return method != NULL && sl_span_is(method->value, name);
}

/* RFC 9110 9.3.6: the target of a CONNECT is the host and port to reach. */
static void note_target(struct http1 *http1, const struct sl_headers *fields)
{
    const struct sl_header *target = sl_headers_find(fields, ":path");
    if (target != NULL) {
        (void)snprintf(http1->target, sizeof(http1->target), "%.*s", SL_SPAN_ARG(target->value));
    }
}

static enum ins_h1_follow request_head(struct side *side, struct ins_h1_head *head,
                                       const struct sl_at *at)
{
    struct http1 *http1 = side->http1;
    if (http1->waiting_count == INS_HTTP1_WAITING) {
        give_up_oldest(http1, at);
    }
    struct waiting *waiting = &http1->waiting[http1->waiting_count++];
    *waiting = (struct waiting){.is_head = is_method(head->fields, "HEAD"),
                                .is_connect = is_method(head->fields, "CONNECT")};
    if (http1->waiting_count == 1 && ins_upgrade_is_asked(head->fields)) {
        waiting->is_held = true;
        side->is_held = true;
        http1->upgrade = ins_upgrade_new(head->fields, &head->first, at);
        return INS_H1_AS_TOLD;
    }
    if (waiting->is_connect) {
        note_target(http1, head->fields);
    }
    if (http1->observer == NULL && sl_content_protocol(head->fields) == SL_PROTOCOL_OTHER) {
        http1->plain++;
        side->number = 0;
        return INS_H1_AS_TOLD;
    }
    waiting->number = sl_exchange_begin(observer_of(http1), true, &head->first);
    side->number = waiting->number;
    sl_exchange_fields(http1->observer, side->number, SL_BLOCK_REQUEST, head->fields, at);
    return INS_H1_AS_TOLD;
}

/* The request that a response which begins here answers; without one its own exchange. */
static struct waiting *answered(struct http1 *http1, const struct ins_h1_head *head,
                                const struct sl_at *at)
{
    struct side *side = &http1->sides[SL_DIR_RESPONSE];
    if (side->is_lost) {
        while (http1->waiting_count > 1 ||
               (http1->waiting_count == 1 && http1->waiting[0].is_answered)) {
            give_up_oldest(http1, at);
        }
        side->is_lost = false;
    }
    if (http1->waiting_count == 0) {
        bool is_plain = http1->observer == NULL &&
                        (sl_headers_find(head->fields, "content-type") == NULL ||
                         sl_content_protocol_of_response(head->fields) == SL_PROTOCOL_OTHER);
        uint32_t number = is_plain ? 0 : sl_exchange_begin(observer_of(http1), false, &head->first);
        http1->waiting[http1->waiting_count++] = (struct waiting){.number = number};
    }
    return &http1->waiting[0];
}

/* What the client sent behind its request belongs to the next protocol too. */
static void begin_switch(struct http1 *http1)
{
    http1->is_switched = true;
    http1->sides[SL_DIR_REQUEST].number = 0;
    http1->sides[SL_DIR_RESPONSE].number = 0;
    ins_h1_reader_switch(http1->sides[SL_DIR_REQUEST].reader);
}

static enum ins_h1_follow response_head(struct side *side, struct ins_h1_head *head,
                                        const struct sl_at *at)
{
    struct http1 *http1 = side->http1;
    struct waiting *waiting = answered(http1, head, at);
    bool is_switch = head->status == 101 || (waiting->is_connect && head->status / 100 == 2);
    if (waiting->is_held && head->status == 101) {
        /* The call is that of the HTTP/2 connection, which begins here. */
        ins_stream_set_upgrade(http1->place.stream, http1->upgrade);
        http1->upgrade = NULL;
        drop_oldest(http1);
        begin_switch(http1);
        return INS_H1_SWITCH;
    }
    if (waiting->is_held && head->status / 100 != 1) {
        take_back(http1);
    }
    bool is_interim = head->status / 100 == 1 && !is_switch;
    waiting->is_answered = !is_interim;
    side->is_answer = !is_interim;
    side->number = is_interim ? 0 : waiting->number;
    if (waiting->number != 0) {
        sl_exchange_fields(http1->observer, waiting->number,
                           is_interim ? SL_BLOCK_INFORMATIONAL : SL_BLOCK_RESPONSE, head->fields,
                           at);
    }
    if (is_switch) {
        if (waiting->is_connect) {
            struct ins_via via = {.kind = INS_VIA_CONNECT};
            memcpy(via.name, http1->target, sizeof(via.name));
            ins_stream_add_via(http1->place.stream, &via);
        }
        /* No message of this exchange follows, so both of its sides are over. */
        if (waiting->number != 0) {
            sl_exchange_end(http1->observer, waiting->number, SL_DIR_REQUEST, at);
            sl_exchange_end(http1->observer, waiting->number, SL_DIR_RESPONSE, at);
        }
        drop_oldest(http1);
        begin_switch(http1);
        return INS_H1_SWITCH;
    }
    return waiting->is_head ? INS_H1_NO_BODY : INS_H1_AS_TOLD;
}

/* --- from the readers --- */

static enum ins_h1_follow on_head(void *owner, struct ins_h1_head *head, const struct sl_at *at)
{
    struct side *side = owner;
    bool is_request = side->dir == SL_DIR_REQUEST;
    enum ins_h1_follow follow =
        is_request ? request_head(side, head, at) : response_head(side, head, at);
    if (head->problem != NULL && side->number != 0) {
        sl_exchange_problem(side->http1->observer, side->number, head->problem);
    }
    return follow;
}

static void on_body(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    const struct side *side = owner;
    if (side->is_held) {
        ins_upgrade_body(side->http1->upgrade, bytes, at);
        return;
    }
    if (side->number != 0) {
        sl_exchange_body(side->http1->observer, side->number, side->dir, bytes, at);
    }
}

static void on_missing(void *owner, uint64_t count, const struct sl_at *at)
{
    const struct side *side = owner;
    if (side->is_held) {
        ins_upgrade_missing(side->http1->upgrade, count);
        return;
    }
    if (side->number != 0) {
        sl_exchange_missing(side->http1->observer, side->number, side->dir, count, at);
    }
}

static void on_trailers(void *owner, struct sl_headers *fields, const struct sl_at *at)
{
    const struct side *side = owner;
    if (side->number == 0) {
        return;
    }
    bool is_request = side->dir == SL_DIR_REQUEST;
    sl_exchange_fields(side->http1->observer, side->number,
                       is_request ? SL_BLOCK_REQUEST_TRAILERS : SL_BLOCK_TRAILERS, fields, at);
}

static void on_end(void *owner, const struct sl_at *at)
{
    struct side *side = owner;
    struct http1 *http1 = side->http1;
    uint32_t number = side->number;
    side->number = 0;
    if (side->is_held) {
        side->is_held = false;
        ins_upgrade_end(http1->upgrade, at);
        return;
    }
    if (side->is_answer) {
        side->is_answer = false;
        drop_oldest(http1);
    }
    if (number != 0) {
        sl_exchange_end(http1->observer, number, side->dir, at);
    }
}

static void on_lost(void *owner, const char *why, const struct sl_at *at)
{
    struct side *side = owner;
    side->is_lost = true;
    side->is_answer = false;
    if (side->is_held) {
        side->is_held = false;
        ins_upgrade_missing(side->http1->upgrade, 0);
    }
    if (side->number != 0) {
        if (why != NULL) {
            sl_exchange_problem(side->http1->observer, side->number, why);
        }
        sl_exchange_missing(side->http1->observer, side->number, side->dir, 0, at);
        side->number = 0;
    }
}

static void on_switched(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    const struct side *side = owner;
    const struct http1 *http1 = side->http1;
    int number = side->dir == SL_DIR_REQUEST ? http1->client : 1 - http1->client;
    http1->place.above.data(http1->place.above.owner, number, bytes, at);
}

static void on_skipped(void *owner, uint64_t count, const struct sl_at *at)
{
    const struct side *side = owner;
    if (side->http1->observer != NULL) {
        sl_exchange_skipped(side->http1->observer, side->dir, count, at);
    }
}

static const struct ins_h1_events reader_events = {
    .head = on_head,
    .body = on_body,
    .missing = on_missing,
    .trailers = on_trailers,
    .end = on_end,
    .lost = on_lost,
    .switched = on_switched,
    .skipped = on_skipped,
};

/* --- the layer --- */

static enum ins_claim http1_claim(const struct ins_head *head)
{
    static const enum sl_dir dirs[] = {SL_DIR_REQUEST, SL_DIR_RESPONSE};
    for (size_t i = 0; i < 2; i++) {
        enum ins_h1_start start = ins_h1_start_line(dirs[i], head->bytes);
        if (start == INS_H1_NO_START) {
            continue;
        }
        /* The layers that begin with a head have to see all of it before this one takes it. */
        bool is_decided = memmem(head->bytes.data, head->bytes.len, "\n\r\n", 3) != NULL ||
                          memmem(head->bytes.data, head->bytes.len, "\n\n", 2) != NULL ||
                          head->bytes.len >= INS_STREAM_HEAD || !head->is_start;
        if (start == INS_H1_MAY_START || !is_decided) {
            return INS_CLAIM_MAYBE;
        }
        return dirs[i] == SL_DIR_REQUEST ? INS_CLAIM_CLIENT : INS_CLAIM_SERVER;
    }
    return INS_CLAIM_NO;
}

static void *http1_begin(const struct ins_layer_place *place)
{
    struct http1 *http1 = sl_alloc(sizeof(*http1));
    http1->place = *place;
    http1->client = place->client;
    http1->is_midway = place->is_midway;
    static const enum sl_dir dirs[] = {SL_DIR_REQUEST, SL_DIR_RESPONSE};
    for (size_t i = 0; i < 2; i++) {
        struct side *side = &http1->sides[dirs[i]];
        side->http1 = http1;
        side->dir = dirs[i];
        side->is_lost = place->is_midway;
        side->reader = ins_h1_reader_new(dirs[i], place->is_midway, &reader_events, side);
    }
    return http1;
}

static struct side *side_of(struct http1 *http1, int number)
{
    return &http1->sides[number == http1->client ? SL_DIR_REQUEST : SL_DIR_RESPONSE];
}

static void http1_data(void *layer, int number, struct sl_span bytes, const struct sl_at *at)
{
    struct http1 *http1 = layer;
    struct side *side = side_of(http1, number);
    if (!http1->is_switched && http1->observer != NULL) {
        sl_exchange_fed(http1->observer, side->dir, bytes.len);
    }
    ins_h1_reader_feed(side->reader, bytes, at);
    ins_session_make_room(http1->place.stream->tools->session, at);
}

static void http1_gap(void *layer, int number, uint64_t count, const struct sl_at *at)
{
    struct http1 *http1 = layer;
    struct side *side = side_of(http1, number);
    if (http1->is_switched) {
        http1->place.above.gap(http1->place.above.owner, number, count, at);
        return;
    }
    if (http1->observer != NULL) {
        sl_exchange_gap(http1->observer, side->dir, count);
    }
    ins_h1_reader_gap(side->reader, count, at);
}

static void http1_close(void *layer, int number, bool is_reset, const struct sl_at *at)
{
    struct http1 *http1 = layer;
    struct side *side = side_of(http1, number);
    if (http1->is_switched) {
        http1->place.above.close(http1->place.above.owner, number, is_reset, at);
    }
    ins_h1_reader_close(side->reader, is_reset, at);
    if (http1->observer != NULL) {
        sl_observer_close(http1->observer, side->dir, is_reset, at);
    }
}

static void http1_end(void *layer)
{
    struct http1 *http1 = layer;
    take_back(http1);
    struct ins_stats *stats = http1->place.stream->tools->stats;
    stats->other_http += http1->plain;
    if (http1->observer != NULL) {
        sl_observer_finish(http1->observer);
        const struct sl_observer_totals *totals = sl_observer_totals(http1->observer);
        if (http1->conversation != NULL) {
            ins_session_close(http1->conversation, totals);
        } else {
            stats->other_http += totals->other_http;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        ins_h1_reader_free(http1->sides[i].reader);
    }
    sl_observer_free(http1->observer);
    sl_free(http1);
}

const struct ins_layer_kind ins_http1_layer = {
    .name = "http1",
    .claim = http1_claim,
    .begin = http1_begin,
    .data = http1_data,
    .gap = http1_gap,
    .close = http1_close,
    .end = http1_end,
};
