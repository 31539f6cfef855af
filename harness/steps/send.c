/* SPDX-License-Identifier: Apache-2.0 */
/* send: messages to SendMessage or to an open chat, in closed or open loop. */
#include "harness/steps/send.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/engine/notes.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

static const char *const loops[] = {"closed", "open", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};

#define AT(member) offsetof(struct har_message_args, member)
const struct har_field har_message_fields[HAR_MESSAGE_FIELDS] = {
    {"message_id", HAR_FIELD_TEXT, AT(message_id), .help = "default: unique"},
    {"room", HAR_FIELD_STRING, AT(room), .help = "default: the actor's room"},
    {"user_id", HAR_FIELD_TEXT, AT(user_id), .help = "default: names the publisher"},
    {"text", HAR_FIELD_TEXT, AT(text), .help = "comes behind the stamp"},
    {"created_at", HAR_FIELD_INT64, AT(created_at), .help = "number, or digits in a string"},
    {"stamp", HAR_FIELD_CHOICE, AT(stamp), .choices = yes_no,
     .help = "\"no\": text is sent as it is, without the stamp"},
};
#undef AT

#define AT(member) offsetof(struct har_send_args, member)
static const struct har_field fields[] = {
    {"count", HAR_FIELD_EXPR, AT(count), .help = "messages of each actor; default 1"},
    {"size", HAR_FIELD_EXPR, AT(size), .help = "bytes of text, the stamp's 44 included"},
    {"bytes", HAR_FIELD_EXPR, AT(bytes),
     .help = "bytes of the whole message; text is as long as that takes"},
    {"rate", HAR_FIELD_EXPR, AT(rate), .help = "messages a second at intended times"},
    {"burst", HAR_FIELD_EXPR, AT(burst), .help = "messages at each intended time; default 1"},
    {"at", HAR_FIELD_OBJECT, AT(at), .fields = har_load_fields, .field_count = HAR_LOAD_FIELDS,
     .help = "a shape of load: its intended times, in place of `rate`"},
    {"for", HAR_FIELD_DURATION, AT(duration),
     .help = "how long; `count`, where it is given too, ends it earlier"},
    {"loop", HAR_FIELD_CHOICE, AT(loop), .choices = loops,
     .help = "closed: the next one after the reply; open: at its time, whatever came"},
    {"inflight", HAR_FIELD_EXPR, AT(inflight), .help = "closed loop: calls at a time; default 1"},
    {"message", HAR_FIELD_OBJECT, AT(message), .fields = har_message_fields,
     .field_count = HAR_MESSAGE_FIELDS, .help = "fields that differ from the usual ones"},
    {"refused", HAR_FIELD_BOOL, AT(is_refused), .help = "accepted=false is what is right"},
    {"reason", HAR_FIELD_STRING, AT(reason), .help = "the reply's reason"},
    {"request_id", HAR_FIELD_TEXT, AT(request_id),
     .help = "metadata x-request-id of the request; must be echoed where SEND-07 is judged"},
    {"status", HAR_FIELD_STRINGS, AT(status), .help = "statuses that are right; default OK"},
    {"violation", HAR_FIELD_STRING, AT(violation),
     .help = "the field that google.rpc.BadRequest in grpc-status-details-bin must name; the "
             "message of the status then also has a character that is not ASCII (SEND-10)"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "rule that a wrong reply breaks"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "for all of it; default 10s, and `for`"},
};
#undef AT

struct progress {
    struct har_load_cursor cursor;
    uint32_t issued, replied;
    uint64_t next_ns;    /* offset of the next message; when has_next */
    uint64_t replied_ns; /* the last reply */
    bool has_next, has_ended;
    bool was_held; /* the closed loop let it wait for a reply */
};
struct send {
    struct progress *of; /* per actor of the play */
    struct har_load load;
    uint32_t count, inflight;
    uint64_t end_ns; /* no message after it; UINT64_MAX: by count alone */
};

static const char *problem(const void *args)
{
    const struct har_send_args *send = args;
    const struct har_load_args *at = &send->at;
    bool has_at = at->rate.is_set || at->poisson.is_set || at->step.count > 0 ||
                  at->ramp.count > 0 || at->replay.count > 0 || at->burst.n.is_set;
    if (send->rate.is_set && has_at) {
        return "'rate' and 'at' exclude each other";
    }
    if (send->loop == 1 && !has_at && !send->rate.is_set && send->duration.is_set &&
        !send->count.is_set) {
        return "an open loop needs 'count', 'rate' or 'at'";
    }
    return har_load_problem(at, send->duration.is_set);
}

/* The numbers of a list, in unit; false when one is negative. */
static bool take_parts(struct har_play *play, const struct har_exprs *list, double unit,
                       struct har_load *load)
{
    load->parts = sl_calloc(list->count + 1, sizeof(double));
    load->part_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        load->parts[i] = har_play_value(play, &list->items[i], 0) * unit;
        if (load->parts[i] < 0) {
            return false;
        }
    }
    return true;
}

static bool prepare_load(struct har_step *step, struct har_load *load)
{
    const struct har_send_args *args = step->node->args;
    const struct har_load_args *at = &args->at;
    struct har_play *play = step->play;
    load->seconds = har_play_value(play, &args->duration, 0) / 1000;
    load->group = har_play_value(play, &args->burst, 1);
    bool is_even = args->rate.is_set || at->rate.is_set || at->burst.n.is_set;
    if (at->poisson.is_set) {
        load->shape = HAR_LOAD_POISSON;
        load->rate = har_play_value(play, &at->poisson, 0);
    } else if (at->burst.n.is_set) {
        load->group = har_play_value(play, &at->burst.n, 1);
        load->rate = load->group * 1000 / har_play_value(play, &at->burst.every_ms, 0);
    } else if (at->step.count > 0) {
        load->shape = HAR_LOAD_STEP;
        return take_parts(play, &at->step, 1, load);
    } else if (at->ramp.count > 0) {
        load->shape = HAR_LOAD_RAMP;
        return take_parts(play, &at->ramp, 1, load);
    } else if (at->replay.count > 0) {
        load->shape = HAR_LOAD_REPLAY;
        return take_parts(play, &at->replay, 1e-3, load);
    } else if (is_even) {
        load->rate = har_play_value(play, at->rate.is_set ? &at->rate : &args->rate, 0);
    }
    if (is_even && load->rate > 0) {
        load->shape = HAR_LOAD_EVEN;
    }
    return load->shape != HAR_LOAD_POISSON || load->rate > 0;
}

static bool prepare(struct har_step *step)
{
    struct send *state = step->state;
    const struct har_send_args *args = step->node->args;
    struct har_play *play = step->play;
    bool is_timed = args->duration.is_set || args->at.replay.count > 0;
    double count =
        har_play_value_in(play, &args->count, is_timed ? HAR_SENT_MAX : 1, 0, HAR_SENT_MAX);
    double inflight = har_play_value_in(play, &args->inflight, 1, 1, HAR_SENT_MAX);
    bool is_good = prepare_load(step, &state->load);
    if (!is_good || !(state->load.group >= 1) || state->load.seconds < 0 ||
        state->load.seconds > 1e6) {
        return false;
    }
    state->count = (uint32_t)count;
    state->inflight = (uint32_t)inflight;
    uint64_t time_ns = (uint64_t)(state->load.seconds * 1e9);
    state->end_ns = args->duration.is_set ? step->begin_ns + time_ns : UINT64_MAX;
    if (!args->within.is_set) {
        step->deadline_ns += time_ns;
    }
    return true;
}

static void start(struct har_step *step)
{
    struct send *state = step->state;
    struct har_play *play = step->play;
    state->of = sl_calloc(play->actor_count, sizeof(struct progress));
    if (!prepare(step)) {
        har_play_mistake(play, step->node->path,
                         "this load is not possible: a rate, group or time is out of range");
        return;
    }
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        /* What a sender draws depends on the seed, on itself, and on what it has sent before. */
        uint64_t stream = (uint64_t)actor->number << 32 | actor->sent_count | UINT64_C(1) << 63;
        har_load_begin(&state->of[actor->number - 1].cursor, play->config.seed, stream);
    }
}

static void stop(struct har_step *step)
{
    struct send *state = step->state;
    sl_free(state->of);
    har_load_release(&state->load);
}

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct progress *progress = call->owner;
    har_note_reply(call->actor, call->sequence, call, result);
    progress->replied++;
    progress->replied_ns = sl_clock_mono_ns();
}

/* Bytes of a varint. */
static size_t varint_bytes(size_t value)
{
    size_t count = 1;
    while (value >= 0x80) {
        value >>= 7;
        count++;
    }
    return count;
}

/* Makes text so long that the whole message has that many bytes; false when no length does. */
static bool size_whole(struct har_actor *actor, uint32_t sequence, size_t bytes,
                       struct sl_buf *scratch)
{
    struct sl_buf payload;
    struct har_message message;
    sl_buf_init(&payload, HAR_TEXT_MAX + 2 * 65536);
    actor->sent[sequence].size = HAR_STAMP_SIZE;
    har_actor_message(actor, sequence, scratch, &message);
    har_message_write(&payload, &message);
    size_t around = payload.len - message.text.len; /* one byte of it is the length of text */
    sl_buf_release(&payload);
    size_t text = bytes < around ? 0 : bytes - around;
    while (text > 0 && text + varint_bytes(text) - 1 + around > bytes) {
        text--;
    }
    actor->sent[sequence].size = (uint32_t)text;
    return text >= HAR_STAMP_SIZE && text <= HAR_TEXT_MAX &&
           text + varint_bytes(text) - 1 + around == bytes;
}

static void issue(struct har_step *step, struct har_actor *actor, uint64_t intended_ns,
                  uint64_t due_ns)
{
    struct send *state = step->state;
    struct progress *progress = &state->of[actor->number - 1];
    struct sl_buf scratch;
    struct sl_buf payload;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    sl_buf_init(&payload, HAR_TEXT_MAX + 2 * 65536);
    uint32_t sequence = har_actor_note_sent(actor, step->node->args, intended_ns);
    const struct har_expr *bytes = &((const struct har_send_args *)step->node->args)->bytes;
    if (bytes->is_set &&
        !size_whole(actor, sequence, (size_t)har_play_value(step->play, bytes, 0), &scratch)) {
        har_play_mistake(step->play, step->node->path, "no text makes a message of so many bytes");
    }
    har_actor_message(actor, sequence, &scratch, &message);
    har_message_write(&payload, &message);
    struct har_sent *sent = &actor->sent[sequence];
    sent->phase = har_track_phase(step->track);
    sent->due_ns = due_ns;
    sent->sent_ns = sl_clock_mono_ns();
    progress->issued++;
    if (actor->spec->kind == HAR_CHAT) {
        if (actor->stream == NULL ||
            har_stream_send(actor->stream, sl_buf_span(&payload)) != SL_OK) {
            har_actor_no_stream(actor, step->node);
        }
    } else {
        const struct har_send_args *args = step->node->args;
        const struct sl_header id = {.name = sl_span_str("x-request-id"),
                                     .value = args->request_id.bytes};
        struct har_call *call =
            har_actor_call_with(actor, HAR_SEND_METHOD, sl_buf_span(&payload),
                                args->request_id.is_set ? &id : NULL, on_reply, progress);
        call->sequence = sequence;
    }
    sl_buf_release(&scratch);
    sl_buf_release(&payload);
}

static uint32_t outstanding(const struct har_actor *actor, const struct progress *progress)
{
    return actor->spec->kind == HAR_CHAT ? actor->sent_count - har_actor_next_ack(actor)
                                         : progress->issued - progress->replied;
}

/* True when there is one more message to send; then its intended time. */
static bool has_more(const struct har_step *step, struct progress *progress, uint64_t now_ns,
                     uint64_t *ret_ns)
{
    const struct send *state = step->state;
    if (progress->has_ended || progress->issued >= state->count) {
        return false;
    }
    if (state->load.shape == HAR_LOAD_AT_ONCE) {
        *ret_ns = now_ns;
        return now_ns < state->end_ns;
    }
    if (!progress->has_next) {
        progress->has_next = har_load_next(&state->load, &progress->cursor, &progress->next_ns);
        progress->has_ended = !progress->has_next;
    }
    *ret_ns = step->begin_ns + progress->next_ns;
    return progress->has_next;
}

/* When the message could have gone at the earliest. */
static uint64_t due_at(const struct har_actor *actor, const struct progress *progress,
                       uint64_t when_ns)
{
    uint64_t free_ns = progress->replied_ns;
    if (actor->spec->kind == HAR_CHAT) {
        uint32_t next = har_actor_next_ack(actor);
        free_ns = next == 0 ? 0 : actor->sent[next - 1].replied_ns;
    }
    return progress->was_held && free_ns > when_ns ? free_ns : when_ns;
}

/* True when this actor has done its part. */
static bool drive(struct har_step *step, struct har_actor *actor)
{
    struct send *state = step->state;
    struct progress *progress = &state->of[actor->number - 1];
    const struct har_send_args *args = step->node->args;
    bool is_open = args->loop == 1;
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t when_ns = 0;
    while (!step->play->is_over && has_more(step, progress, now_ns, &when_ns)) {
        if (!is_open && outstanding(actor, progress) >= state->inflight) {
            progress->was_held = true;
            return false;
        }
        if (when_ns > now_ns) {
            har_play_wake(step->play, when_ns);
            return false;
        }
        issue(step, actor, when_ns, due_at(actor, progress, when_ns));
        progress->was_held = progress->has_next = false;
        now_ns = sl_clock_mono_ns();
    }
    if (actor->spec->kind == HAR_CHAT) {
        return is_open ? har_stream_queued(actor->stream) == 0 : outstanding(actor, progress) == 0;
    }
    return progress->replied == progress->issued;
}

static void poll(struct har_step *step)
{
    bool is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (!step->play->is_over) {
            is_done &= drive(step, actor);
        }
    }
    step->is_done = is_done;
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct send *state = step->state;
    uint64_t issued = 0;
    uint64_t left = 0;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        const struct progress *progress = &state->of[actor->number - 1];
        issued += progress->issued;
        left += outstanding(actor, progress);
    }
    (void)snprintf(text, size, "%llu of %llu sent messages have no answer",
                   (unsigned long long)left, (unsigned long long)issued);
}

static const char *rule_of(const struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        return actor->spec->kind == HAR_CHAT ? "CHAT-01" : "SEND-06";
    }
    return "";
}

const struct har_step_type har_step_send = {
    .name = "send",
    .help = "sends messages: a publisher by SendMessage, a chat on its stream. Done when all are "
            "answered (a chat in open loop: when all are handed over)",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CHAT),
    HAR_STEP_ARGS(struct har_send_args, fields),
    .state_size = sizeof(struct send),
    .rule = "SEND-06",
    .rule_of = rule_of,
    .within_offset = offsetof(struct har_send_args, within),
    .problem = problem,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
