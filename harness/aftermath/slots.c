/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/aftermath/slots.h"

#include <stdio.h>

#include "harness/binding/bound.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* For the places of streams to come back, before they are asked for again. */
#define PAUSE_NS (300 * SL_MS)
#define LIMIT_NS (5 * SL_SECOND)
/* A round that takes longer is the last one of the run. */
#define SLOW_NS (2 * SL_SECOND)

enum {
    ID_MAX = 1 << 30, /* beyond it a scenario has chosen numbers of which too few may be left */
};

enum round {
    ROUND_PROBE,
    ROUND_FIRST,
    ROUND_AGAIN,
    ROUND_CONTROL, /* on a new connection */
};

enum stage {
    STAGE_PAUSE,
    STAGE_OPENING, /* until all are on the wire */
    STAGE_HELD,    /* until a PING behind them is acknowledged */
    STAGE_ENDING,  /* until all are answered */
};

struct slot {
    struct har_slots *slots;
    struct har_stream *stream;
    bool is_ended, is_refused, is_cut; /* cut: ended without a status, and not refused */
};

struct har_slots {
    struct har_play *play;
    struct har_slots_run *run;
    struct har_link *links[HAR_SLOTS_LINKS_MAX];
    size_t link_count, at;
    struct sl_buf payload;
    enum round round;
    enum stage stage;
    uint64_t stage_ns, round_ns;
    struct har_conn *control;
    uint64_t control_acks, acks; /* acks: before our PING */
    struct slot *items;
    uint32_t count, limit, open; /* of the round; what the server allows; ours that are open */
    uint32_t refused, hung;      /* in the first round; in the last one on that connection */
};

/* ---- what can be looked at ---- */

/* Some stream of it ended otherwise than by OK. */
static bool has_errors(const struct har_wire *wire)
{
    for (const struct har_wire_stream *stream = wire->streams; stream != NULL;
         stream = stream->hh.next) {
        bool is_bad = stream->is_reset || (stream->is_ended && !stream->has_status) ||
                      (stream->has_status && stream->status != 0);
        if (is_bad) {
            return true;
        }
    }
    return false;
}

static bool has_numbers(const struct har_wire *wire)
{
    bool has = wire->stream_count < HAR_WIRE_STREAMS_MAX;
    for (const struct har_wire_stream *stream = wire->streams; stream != NULL;
         stream = stream->hh.next) {
        has &= stream->id < ID_MAX;
    }
    return has;
}

/* The canary was the last that the scenario did there, and it is a connection as any client has it. */
static bool is_sound(const struct har_actor *actor)
{
    const struct har_link *link = actor->link;
    return link != NULL && link->conn != NULL && link->name == NULL && link->is_connected &&
           !link->has_ended && !link->is_closed_by_us && !link->is_core && !link->is_garbled &&
           link->wire.frames[SL_H2_GOAWAY] == 0 && link->wire.keeps_streams &&
           link->served_at != 0 && link->served_at == har_wire_written(&link->wire) &&
           actor->spec->suppress_mask == 0 && !actor->spec->is_manual &&
           !actor->spec->window.stream.is_set && !actor->spec->window.connection.is_set;
}

static uint32_t limit_of(const struct har_wire *wire)
{
    size_t index = SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS - 1;
    return wire->has_setting[index] ? wire->settings[index] : UINT32_MAX;
}

static void choose(struct har_slots *slots)
{
    struct har_play *play = slots->play;
    for (size_t i = 0; i < play->actor_count; i++) {
        const struct har_actor *actor = &play->actors[i];
        bool is_fit = actor->spec->kind == HAR_RAW && is_sound(actor) &&
                      has_errors(&actor->link->wire) && has_numbers(&actor->link->wire);
        if (is_fit && limit_of(&actor->link->wire) > HAR_SLOTS_LIMIT_MAX) {
            slots->run->is_unlimited = true;
        } else if (is_fit && slots->link_count < HAR_SLOTS_LINKS_MAX) {
            slots->links[slots->link_count++] = actor->link;
        }
    }
}

/* ---- one round ---- */

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct slot *slot = owner;
    bool has_status = result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY;
    (void)stream;
    slot->is_ended = true;
    slot->is_refused = !has_status && result->reset_error == SL_H2_REFUSED_STREAM;
    slot->is_cut = !has_status && !slot->is_refused;
    har_play_touch(slot->slots->play);
}

static const struct har_stream_handler stream_handler = {.end = on_end};

static void on_control_ack(void *owner, struct har_conn *conn, uint64_t opaque)
{
    struct har_slots *slots = owner;
    (void)conn;
    (void)opaque;
    slots->control_acks++;
    har_play_touch(slots->play);
}

static const struct har_conn_handler control_handler = {.ping_ack = on_control_ack};

static struct har_link *link_of(const struct har_slots *slots)
{
    return slots->links[slots->at];
}

static struct har_conn *conn_of(struct har_slots *slots)
{
    return slots->round == ROUND_CONTROL ? slots->control : link_of(slots)->conn;
}

static uint64_t acks_of(const struct har_slots *slots)
{
    return slots->round == ROUND_CONTROL ? slots->control_acks : link_of(slots)->wire.ping_acks;
}

static void enter(struct har_slots *slots, enum stage stage)
{
    slots->stage = stage;
    slots->stage_ns = sl_clock_mono_ns();
}

static void clear(struct har_slots *slots)
{
    for (uint32_t i = 0; i < slots->count && slots->items != NULL; i++) {
        har_stream_free(slots->items[i].stream);
    }
    sl_free(slots->items);
    slots->items = NULL;
    har_conn_free(slots->control);
    slots->control = NULL;
}

static void connect_control(struct har_slots *slots)
{
    struct har_conn_config config = slots->play->config.conn;
    config.transport = HAR_TRANSPORT_H2;
    config.handler = &control_handler;
    config.owner = slots;
    slots->control = har_conn_new(slots->play->config.loop, &config);
}

static void open_all(struct har_slots *slots)
{
    const struct har_play *play = slots->play;
    slots->items = sl_calloc(slots->count, sizeof(struct slot));
    if (slots->round == ROUND_CONTROL) {
        slots->control_acks = 0;
        connect_control(slots);
    }
    for (uint32_t i = 0; i < slots->count; i++) {
        struct har_stream_config config = {
            .method = har_bound_method(play, HAR_ROLE_UNARY),
            .metadata = play->config.metadata,
            .metadata_count = play->config.metadata_count,
            .handler = &stream_handler,
            .owner = &slots->items[i],
        };
        slots->items[i].slots = slots;
        slots->items[i].stream = har_stream_new(conn_of(slots), &config);
    }
    slots->round_ns = sl_clock_mono_ns();
    enter(slots, STAGE_OPENING);
}

static void begin_round(struct har_slots *slots, enum round round, uint32_t count)
{
    clear(slots);
    slots->round = round;
    slots->count = count;
    if (round == ROUND_AGAIN) {
        enter(slots, STAGE_PAUSE);
    } else {
        open_all(slots);
    }
}

/* The next connection, as far as there is room on it for what is to be sent. */
static void begin_link(struct har_slots *slots)
{
    for (; slots->at < slots->link_count && !slots->run->is_tired; slots->at++) {
        const struct har_link *link = link_of(slots);
        int64_t message = (int64_t)slots->payload.len + SL_MESSAGE_PREFIX_SIZE;
        slots->limit = limit_of(&link->wire);
        slots->open = link->wire.open;
        if (slots->open < slots->limit &&
            har_conn_send_room(link->conn, 0) >= slots->limit * message &&
            har_conn_send_room(link->conn, UINT32_MAX >> 1) >= message) {
            begin_round(slots, ROUND_PROBE, 1);
            return;
        }
    }
    slots->at = slots->link_count;
}

/* ---- what came of it ---- */

struct tally {
    uint32_t unsent, ended, refused, cut;
};

static struct tally tally_of(const struct har_slots *slots)
{
    struct tally tally = {0};
    for (uint32_t i = 0; i < slots->count; i++) {
        const struct slot *slot = &slots->items[i];
        tally.unsent += !slot->is_ended && har_stream_id(slot->stream) == 0;
        tally.ended += slot->is_ended;
        tally.refused += slot->is_refused;
        tally.cut += slot->is_cut;
    }
    return tally;
}

static void next_link(struct har_slots *slots)
{
    clear(slots);
    slots->at++;
    begin_link(slots);
}

/* Nothing is known, and it has taken long: nor would it be of others. */
static void give_up(struct har_slots *slots)
{
    slots->run->is_tired = slots->run->has_left_out = true;
    next_link(slots);
}

static void blame(struct har_slots *slots, uint32_t hung)
{
    char what[80];
    (void)snprintf(what, sizeof(what),
                   hung == 0 ? "%u were refused, twice" : "%u were not answered",
                   hung == 0 ? slots->refused : hung);
    slots->at = slots->link_count;
    har_play_fail(
        slots->play, NULL, "CONN-15",
        "streams that ended in an error still count as open: the server allows %u at once, %u "
        "were open, and of %u more %s; on a new connection all %u were served",
        slots->limit, slots->open, slots->limit - slots->open, what, slots->count);
}

/* The round is over: every call of it has ended, or the time is up. */
static void judge(struct har_slots *slots, const struct tally *tally)
{
    bool is_whole = tally->ended == slots->count && tally->refused == 0;
    uint32_t places = slots->limit - slots->open;
    uint64_t took_ns = sl_clock_mono_ns() - slots->round_ns;
    slots->run->is_tired |=
        took_ns > har_play_allowed_ns(slots->play, slots->round_ns, slots->play->evidence, SLOW_NS);
    if (tally->cut > 0) {
        next_link(slots);
    } else if (slots->round == ROUND_CONTROL && is_whole) {
        uint32_t hung = slots->hung;
        clear(slots);
        blame(slots, hung);
    } else if (slots->round == ROUND_CONTROL) {
        give_up(slots);
    } else if (is_whole && slots->round == ROUND_PROBE) {
        begin_round(slots, ROUND_FIRST, places);
    } else if (is_whole) {
        next_link(slots);
    } else if (tally->ended < slots->count || slots->round == ROUND_AGAIN) {
        slots->hung = slots->count - tally->ended;
        begin_round(slots, ROUND_CONTROL, places);
    } else {
        slots->refused = tally->refused;
        begin_round(slots, ROUND_AGAIN, places);
    }
}

static bool is_late(const struct har_slots *slots)
{
    const struct har_play *play = slots->play;
    return sl_clock_mono_ns() - slots->stage_ns >=
           har_play_allowed_ns(play, slots->stage_ns, play->evidence, LIMIT_NS);
}

static void end_all(struct har_slots *slots)
{
    for (uint32_t i = 0; i < slots->count; i++) {
        if (!slots->items[i].is_ended) {
            (void)har_stream_send(slots->items[i].stream, sl_buf_span(&slots->payload));
            har_stream_half_close(slots->items[i].stream);
        }
    }
    enter(slots, STAGE_ENDING);
}

static void look(struct har_slots *slots)
{
    if (slots->stage == STAGE_PAUSE) {
        if (sl_clock_mono_ns() - slots->stage_ns >= PAUSE_NS) {
            open_all(slots);
        }
        return;
    }
    struct tally tally = tally_of(slots);
    if (slots->stage == STAGE_OPENING && tally.unsent == 0) {
        slots->acks = acks_of(slots);
        (void)har_conn_ping(conn_of(slots), slots->stage_ns);
        enter(slots, STAGE_HELD);
    } else if (slots->stage == STAGE_HELD && acks_of(slots) > slots->acks) {
        bool is_early = slots->round == ROUND_PROBE && tally.ended > 0 && tally.refused == 0;
        if (is_early) { /* each of many would be reset by our side */
            give_up(slots);
        } else {
            end_all(slots);
        }
    } else if (slots->stage == STAGE_ENDING && (tally.ended == slots->count || is_late(slots))) {
        judge(slots, &tally);
    } else if (tally.cut > 0 || is_late(slots)) {
        give_up(slots);
    }
}

/* ---- life ---- */

struct har_slots *har_slots_new(struct har_play *play)
{
    struct har_slots_run *run = play->config.slots;
    if (run == NULL) {
        return NULL;
    }
    struct har_slots *slots = sl_alloc(sizeof(*slots));
    slots->play = play;
    slots->run = run;
    sl_buf_init(&slots->payload, HAR_BINDING_REQUEST_MAX);
    har_bound_canary(play, &slots->payload);
    choose(slots);
    run->has_left_out |= run->is_tired && slots->link_count > 0;
    begin_link(slots);
    return slots;
}

bool har_slots_turn(struct har_slots *slots)
{
    if (slots->at < slots->link_count) {
        look(slots);
    }
    har_play_wake(slots->play, sl_clock_mono_ns() + 2 * SL_MS);
    return slots->at == slots->link_count;
}

void har_slots_free(struct har_slots *slots)
{
    if (slots != NULL) {
        clear(slots);
        sl_buf_release(&slots->payload);
        sl_free(slots);
    }
}

const char *har_slots_note(const struct har_slots_run *run)
{
    if (run->has_left_out) {
        return "whether streams that ended in an error still count as open, after a scenario in "
               "which calls that were held open took long, or ended before their message";
    }
    return run->is_unlimited ? "whether streams that ended in an error still count as open: the "
                               "server allows more than 256 at once"
                             : NULL;
}
