/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/attack.h"

#include <stdio.h>

#include "harness/probe/link.h"
#include "harness/transport/addresses.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define CONNECT_NS (5 * SL_SECOND)
#define HELD_NS    SL_SECOND
#define SETTLE_NS  (100 * SL_MS) /* a RST may be followed by GOAWAY, and that by the end */
#define SEND_NS    (15 * SL_SECOND)
#define SAME_NS    (5 * SL_SECOND)

enum {
    ONE_BY_ONE = 10,
    TICK_MS = 1,
};

enum stage {
    CONNECTING,
    SENDING,
    WAITING,
    SAME,
    OVER,
};

struct har_probe_attack {
    struct har_probe_attack_config config;
    const struct har_probe_class *of;
    struct har_probe_link links[HAR_PROBE_LINKS_MAX];
    uv_timer_t timer;
    enum stage stage;
    uint64_t stage_ns;         /* when it began */
    struct har_stream *stream; /* of SAME */
};

static void enter(struct har_probe_attack *attack, enum stage stage)
{
    attack->stage = stage;
    attack->stage_ns = sl_clock_mono_ns();
}

/* ---- the end ---- */

static void write_result(struct har_probe_attack *attack)
{
    struct har_probe_result *result = attack->config.result;
    result->links = attack->of->links;
    result->duration_ns = sl_clock_mono_ns() - attack->links[0].begin_ns;
    for (uint32_t i = 0; i < attack->of->links; i++) {
        struct har_probe_link *link = &attack->links[i];
        result->bytes += link->bytes;
        result->is_served |= link->is_served;
        result->answered += har_probe_link_answered(link);
        if (link->sent > result->sent) {
            result->sent = link->sent;
        }
        link->is_over = true;
        if (link->limit == HAR_PROBE_NO_LIMIT) {
            continue;
        }
        result->links_limited++;
        result->is_late |= link->is_late;
        if (link->limit_ns >= result->limit_ns) { /* the slowest one tells how long it takes */
            result->limit = link->limit;
            result->limit_after = link->limit_after;
            result->limit_bytes = link->limit_bytes;
            result->limit_ns = link->limit_ns;
            (void)snprintf(result->limit_text, sizeof(result->limit_text), "%s", link->limit_text);
        }
    }
}

static void finish(struct har_probe_attack *attack)
{
    (void)uv_timer_stop(&attack->timer);
    enter(attack, OVER);
    attack->config.done(attack->config.owner);
}

/* ---- a call on the same connection ---- */

static void on_same_end(void *owner, struct har_stream *stream,
                        const struct har_stream_result *stream_result)
{
    struct har_probe_attack *attack = owner;
    struct har_probe_result *result = attack->config.result;
    bool is_answered =
        stream_result->source == SL_FROM_TRAILERS || stream_result->source == SL_FROM_TRAILERS_ONLY;
    (void)stream;
    result->same = is_answered ? HAR_PROBE_SAME_SERVED : HAR_PROBE_SAME_LOST;
    (void)snprintf(result->same_text, sizeof(result->same_text), "%s", stream_result->message);
}

static const struct har_stream_handler same_handler = {.end = on_same_end};

static void begin_same(struct har_probe_attack *attack)
{
    write_result(attack);
    const struct har_probe_link *link = &attack->links[0];
    bool is_wanted = (attack->of->flags & HAR_PROBE_SAME) != 0;
    if (!is_wanted || link->has_ended || link->has_goaway || link->limit == HAR_PROBE_HELD) {
        finish(attack);
        return;
    }
    struct har_stream_config config = {
        .method = attack->config.method,
        .metadata = attack->config.metadata,
        .metadata_count = attack->config.metadata_count,
        .handler = &same_handler,
        .owner = attack,
    };
    attack->stream = har_stream_new(link->conn, &config);
    (void)har_stream_send(attack->stream, attack->config.request);
    har_stream_half_close(attack->stream);
    enter(attack, SAME);
}

static void look_same(struct har_probe_attack *attack, uint64_t now_ns)
{
    struct har_probe_result *result = attack->config.result;
    if (result->same == HAR_PROBE_SAME_NOT_ASKED && now_ns >= attack->stage_ns + SAME_NS) {
        result->same = HAR_PROBE_SAME_LOST;
        (void)snprintf(result->same_text, sizeof(result->same_text), "no answer in 5 s");
    }
    if (result->same != HAR_PROBE_SAME_NOT_ASKED) {
        finish(attack);
    }
}

/* ---- sending ---- */

static uint64_t patience(const struct har_probe_attack *attack)
{
    bool waits = (attack->of->flags & HAR_PROBE_WAITS) != 0;
    return waits ? attack->config.patience_ns : SEND_NS;
}

static uint32_t next_batch(const struct har_probe_attack *attack, const struct har_probe_link *link)
{
    uint32_t left = attack->config.result->planned - link->sent;
    uint32_t batch = link->sent < ONE_BY_ONE ? 1 : attack->of->batch;
    return batch < left ? batch : left;
}

static void hold(struct har_probe_link *link, const char *text, uint64_t since_ns, uint64_t now_ns)
{
    if (now_ns >= since_ns + HELD_NS) {
        har_probe_link_limit(link, HAR_PROBE_HELD, text);
    }
}

/* True when this connection has done its part. */
static bool drive(struct har_probe_attack *attack, struct har_probe_link *link, uint64_t now_ns)
{
    const struct har_probe_class *of = attack->of;
    bool waits = (of->flags & HAR_PROBE_WAITS) != 0;
    bool is_mere_answer = (of->flags & HAR_PROBE_SURVIVES) != 0 && link->limit >= HAR_PROBE_RESET;
    if ((link->limit != HAR_PROBE_NO_LIMIT && !is_mere_answer) || link->has_ended) {
        return true;
    }
    if (link->has_begun && now_ns < link->sent_ns + of->interval_ms * SL_MS) {
        return false;
    }
    if (!har_probe_link_is_synced(link)) {
        hold(link, "no acknowledgement for a second", link->sent_ns, now_ns);
        return false;
    }
    if (har_probe_link_is_choked(link, now_ns)) {
        hold(link, "it reads no more", link->drained_ns, now_ns);
        return false;
    }
    if (link->sent < attack->config.result->planned || !link->has_begun) {
        if (of->write != NULL || of->begin != NULL) {
            har_probe_link_write(link, next_batch(attack, link),
                                 (of->flags & HAR_PROBE_SYNCS) != 0);
        }
        link->has_begun = true;
        return false;
    }
    return !waits;
}

static void send_all(struct har_probe_attack *attack, uint64_t now_ns)
{
    bool is_done = true;
    for (uint32_t i = 0; i < attack->of->links; i++) {
        struct har_probe_link *link = &attack->links[i];
        is_done &= drive(attack, link, now_ns);
    }
    if (is_done || now_ns >= attack->stage_ns + patience(attack)) {
        for (uint32_t i = 0; i < attack->of->links; i++) {
            struct har_probe_link *link = &attack->links[i];
            har_conn_pause(link->conn, false);
        }
        enter(attack, WAITING);
    }
}

static void connect_all(struct har_probe_attack *attack, uint64_t now_ns)
{
    bool are_ready = true;
    bool has_ended = false;
    for (uint32_t i = 0; i < attack->of->links; i++) {
        struct har_probe_link *link = &attack->links[i];
        are_ready &= har_probe_link_is_ready(link);
        has_ended |= link->has_ended;
    }
    if (!are_ready && (has_ended || now_ns >= attack->stage_ns + CONNECT_NS)) {
        attack->config.result->has_failed = true;
        finish(attack);
    } else if (are_ready) {
        for (uint32_t i = 0; i < attack->of->links; i++) {
            struct har_probe_link *link = &attack->links[i];
            link->begin_ns = link->sent_ns = link->drained_ns = now_ns;
            har_conn_pause(link->conn, (attack->of->flags & HAR_PROBE_UNREAD) != 0);
        }
        enter(attack, SENDING);
    }
}

static bool is_answered(const struct har_probe_attack *attack)
{
    bool all = true;
    for (uint32_t i = 0; i < attack->of->links; i++) {
        const struct har_probe_link *link = &attack->links[i];
        all &= link->limit != HAR_PROBE_NO_LIMIT || link->is_served || link->has_ended;
    }
    return all;
}

static void wait_all(struct har_probe_attack *attack, uint64_t now_ns)
{
    bool waits = (attack->of->flags & HAR_PROBE_WAITS) != 0;
    uint64_t wait_ns = waits || is_answered(attack) ? SETTLE_NS : attack->of->wait_ms * SL_MS;
    if (attack->of->end != NULL && !attack->links[0].has_end &&
        now_ns >= attack->stage_ns + SETTLE_NS) {
        for (uint32_t i = 0; i < attack->of->links; i++) {
            har_probe_link_finish(&attack->links[i]);
        }
    }
    if (now_ns >= attack->stage_ns + wait_ns) {
        begin_same(attack);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct har_probe_attack *attack = timer->data;
    uint64_t now_ns = sl_clock_mono_ns();
    switch (attack->stage) {
    case CONNECTING:
        connect_all(attack, now_ns);
        break;
    case SENDING:
        send_all(attack, now_ns);
        break;
    case WAITING:
        wait_all(attack, now_ns);
        break;
    case SAME:
        look_same(attack, now_ns);
        break;
    case OVER:
        break;
    }
}

struct har_probe_attack *har_probe_attack_new(const struct har_probe_attack_config *config)
{
    struct har_probe_attack *attack = sl_alloc(sizeof(*attack));
    attack->config = *config;
    attack->of = config->result->of;
    config->result->planned = har_probe_planned(attack->of, config->percent, config->patience_ns);
    for (uint32_t i = 0; i < attack->of->links; i++) {
        struct har_probe_link *link = &attack->links[i];
        link->of = attack->of;
        link->wire.path = config->method;
        link->wire.scheme = config->conn.tls == NULL ? "http" : "https";
        link->wire.metadata = config->metadata;
        link->wire.metadata_count = config->metadata_count;
        link->wire.message = config->request;
        har_probe_link_start(link, config->loop, &config->conn);
    }
    (void)uv_timer_init(config->loop, &attack->timer);
    attack->timer.data = attack;
    (void)uv_timer_start(&attack->timer, on_tick, TICK_MS, TICK_MS);
    enter(attack, CONNECTING);
    return attack;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_probe_attack_free(struct har_probe_attack *attack)
{
    if (attack == NULL) {
        return;
    }
    har_stream_free(attack->stream);
    for (uint32_t i = 0; i < attack->of->links; i++) {
        struct har_probe_link *link = &attack->links[i];
        har_conn_close(link->conn, HAR_CLOSE_RST);
        har_conn_free(link->conn);
    }
    uv_close((uv_handle_t *)&attack->timer, on_closed);
}
