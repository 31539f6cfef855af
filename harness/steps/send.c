/* SPDX-License-Identifier: Apache-2.0 */
/* send: messages to SendMessage or to an open chat, in closed or open loop. */
#include "harness/steps/send.h"

#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/engine/actor.h"
#include "harness/engine/notes.h"
#include "harness/messages/generic.h"
#include "harness/messages/json_message.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

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
    HAR_PACE_ROWS(AT(pace)),
    {"size", HAR_FIELD_EXPR, AT(size), .help = "bytes of text, the stamp's 44 included"},
    {"bytes", HAR_FIELD_EXPR, AT(bytes),
     .help = "bytes of the whole message; text is as long as that takes"},
    {"id_bytes", HAR_FIELD_EXPR, AT(id_bytes), .help = "bytes of the default message_id"},
    {"json", HAR_FIELD_JSON, AT(json),
     .help = "of a stream: the message as proto3 JSON; its strings are templates"},
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
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "rule that a wrong reply breaks, and none"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "for all of it; default 10s, and `for`"},
};
#undef AT

struct send {
    struct har_pace pace;
};

static const char *problem(const void *args)
{
    const struct har_send_args *send = args;
    return har_pace_problem(&send->pace);
}

static bool fits(const struct har_fit *fit, struct sl_error *reterr_error)
{
    const struct har_send_args *args = fit->node->args;
    return args->json == NULL ||
           har_json_is_message(fit->pool, fit->method->input, args->json, reterr_error);
}

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct har_progress *progress = call->owner;
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

/* A chat's messages are acknowledged unless its loop is open; those of a stream where the scenario says how
 * many may wait. */
static bool waits_for_answers(const struct har_send_args *args, int kind)
{
    return kind == HAR_STREAM ? args->pace.inflight.is_set : args->pace.loop == 0;
}

static uint32_t outstanding(const struct har_actor *actor, struct har_progress *progress)
{
    uint64_t answered = actor->spec->kind == HAR_CHAT ? har_actor_next_ack(actor) : actor->replied;
    if (actor->spec->kind == HAR_PUBLISHER) {
        return progress->issued - progress->replied;
    }
    if (answered > 0 && answered <= actor->sent_count) {
        progress->replied_ns = actor->sent[answered - 1].replied_ns;
    }
    return actor->sent_count - (uint32_t)answered;
}

/* The bytes of message number sequence; false when the play has failed. */
static bool write_message(struct har_step *step, struct har_actor *actor, uint32_t sequence,
                          struct sl_buf *payload)
{
    const struct har_send_args *args = step->node->args;
    if (actor->spec->kind == HAR_STREAM) {
        return har_generic_encode(actor, step->node, args->json, sequence, payload);
    }
    struct sl_buf scratch;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    const struct har_expr *bytes = &args->bytes;
    if (bytes->is_set &&
        !size_whole(actor, sequence, (size_t)har_play_value(step->play, bytes, 0), &scratch)) {
        har_play_mistake(step->play, step->node->path, "no text makes a message of so many bytes");
    }
    har_actor_message(actor, sequence, &scratch, &message);
    har_message_write(payload, &message);
    if (step->play->config.binding != NULL) { /* as large as that of chat would be */
        size_t size = payload->len;
        bool is_unary = actor->spec->kind == HAR_PUBLISHER;
        sl_buf_clear(payload);
        har_binding_request(step->play->config.binding, is_unary ? HAR_ROLE_UNARY : HAR_ROLE_BIDI,
                            size, payload);
    }
    sl_buf_release(&scratch);
    return true;
}

static void issue(struct har_step *step, struct har_actor *actor, struct har_progress *progress,
                  struct har_due due)
{
    struct sl_buf payload;
    sl_buf_init(&payload, HAR_MESSAGE_MAX);
    uint32_t sequence = har_actor_note_sent(actor, step->node->args, due.intended_ns);
    bool is_written = write_message(step, actor, sequence, &payload);
    struct har_sent *sent = &actor->sent[sequence];
    sent->phase = har_track_phase(step->track);
    sent->due_ns = due.due_ns;
    sent->sent_ns = sl_clock_mono_ns();
    if (!is_written) {
        actor->sent_count--;
    } else if (actor->spec->kind != HAR_PUBLISHER) {
        if (actor->stream == NULL ||
            har_stream_send(actor->stream, sl_buf_span(&payload)) != SL_OK) {
            har_actor_no_stream(actor, step->node);
        }
    } else {
        const struct har_send_args *args = step->node->args;
        const struct sl_header id = {.name = sl_span_str("x-request-id"),
                                     .value = args->request_id.bytes};
        const char *method = har_bound_method(step->play, HAR_ROLE_UNARY);
        struct har_call *call =
            har_actor_call_with(actor, method, sl_buf_span(&payload),
                                args->request_id.is_set ? &id : NULL, on_reply, progress);
        call->sequence = sequence;
    }
    sl_buf_release(&payload);
}

static void start(struct har_step *step)
{
    struct send *state = step->state;
    const struct har_send_args *args = step->node->args;
    bool is_ready = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        is_ready &= actor->spec->kind != HAR_STREAM || har_generic_is_ready(actor, step->node);
    }
    state->pace.issue = issue;
    state->pace.outstanding = outstanding;
    if (!is_ready || !har_pace_begin(step, &args->pace, args->within.is_set, &state->pace)) {
        return;
    }
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        state->pace.is_open |= !waits_for_answers(args, actor->spec->kind);
    }
}

static void stop(struct har_step *step)
{
    struct send *state = step->state;
    har_pace_release(&state->pace);
}

/* True when this actor has done its part. */
static bool drive(struct har_step *step, struct har_actor *actor)
{
    struct send *state = step->state;
    struct har_progress *progress = &state->pace.of[actor->number - 1];
    if (!har_pace_drive(step, &state->pace, actor)) {
        return false;
    }
    int kind = actor->spec->kind;
    if (kind == HAR_PUBLISHER) {
        return progress->replied == progress->issued;
    }
    bool is_answered = waits_for_answers(step->node->args, kind);
    return is_answered ? outstanding(actor, progress) == 0
                       : actor->stream == NULL || har_stream_queued(actor->stream) == 0;
}

static void poll(struct har_step *step)
{
    har_step_drive(step, drive);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    struct send *state = step->state;
    uint64_t issued = 0;
    uint64_t left = 0;
    if (state->pace.of == NULL) {
        return;
    }
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct har_progress *progress = &state->pace.of[actor->number - 1];
        issued += progress->issued;
        left += outstanding(actor, progress);
    }
    (void)snprintf(text, size, "the server did not answer %llu of the %llu messages that %s sent",
                   (unsigned long long)left, (unsigned long long)issued, step->node->actor);
}

static const char *rule_of(const struct har_step *step)
{
    const struct har_send_args *args = step->node->args;
    if (args->rule != NULL) {
        return args->rule;
    }
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        return actor->spec->kind == HAR_STREAM ? ""
               : actor->spec->kind == HAR_CHAT ? "CHAT-01"
                                               : "SEND-06";
    }
    return "";
}

const struct har_step_type har_step_send = {
    .name = "send",
    .help = "sends messages: a publisher by SendMessage, a chat or stream on its stream. Done when "
            "all are "
            "answered (a chat in open loop, a stream without `inflight`: when all are handed over)",
    .example = "{\"pub\": {\"send\": {\"for\": \"4s\", \"at\": {\"ramp\": [10, 500]}, \"loop\""
               ": \"open\", \"size\": 256}}}",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
    HAR_STEP_ARGS(struct har_send_args, fields),
    .state_size = sizeof(struct send),
    .rule = "SEND-06",
    .rule_of = rule_of,
    .within_offset = offsetof(struct har_send_args, within),
    .problem = problem,
    .fits = fits,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
