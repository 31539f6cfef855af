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
    {"rate", HAR_FIELD_EXPR, AT(rate), .help = "messages a second at intended times"},
    {"burst", HAR_FIELD_EXPR, AT(burst), .help = "messages at each intended time; default 1"},
    {"loop", HAR_FIELD_CHOICE, AT(loop), .choices = loops,
     .help = "closed: the next one after the reply; open: at its time, whatever came"},
    {"inflight", HAR_FIELD_EXPR, AT(inflight), .help = "closed loop: calls at a time; default 1"},
    {"message", HAR_FIELD_OBJECT, AT(message), .fields = har_message_fields,
     .field_count = HAR_MESSAGE_FIELDS, .help = "fields that differ from the usual ones"},
    {"refused", HAR_FIELD_BOOL, AT(is_refused), .help = "accepted=false is what is right"},
    {"reason", HAR_FIELD_STRING, AT(reason), .help = "the reply's reason"},
    {"status", HAR_FIELD_STRINGS, AT(status), .help = "statuses that are right; default OK"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "rule that a wrong reply breaks"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "for all of it; default 10s"},
};
#undef AT

struct progress {
    uint32_t issued, replied;
};
struct send {
    struct progress *of; /* per actor of the play */
    uint32_t count, inflight;
    double rate;
    uint32_t burst;
};

static void start(struct har_step *step)
{
    struct send *state = step->state;
    const struct har_send_args *args = step->node->args;
    struct har_play *play = step->play;
    double count = har_play_value(play, &args->count, 1);
    double inflight = har_play_value(play, &args->inflight, 1);
    double burst = har_play_value(play, &args->burst, 1);
    if (count < 0 || count > HAR_SENT_MAX || inflight < 1 || inflight > HAR_SENT_MAX || burst < 1) {
        har_play_fail(play, step->node, "", "count %g, inflight %g or burst %g is not possible",
                      count, inflight, burst);
        return;
    }
    state->count = (uint32_t)count;
    state->inflight = (uint32_t)inflight;
    state->burst = (uint32_t)burst;
    state->rate = har_play_value(play, &args->rate, 0);
    state->of = sl_calloc(play->actor_count, sizeof(struct progress));
}

static void stop(struct har_step *step)
{
    struct send *state = step->state;
    sl_free(state->of);
}

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct progress *progress = call->owner;
    har_note_reply(call->actor, call->sequence, call, result);
    progress->replied++;
}

static void issue(struct har_step *step, struct har_actor *actor, uint64_t intended_ns)
{
    struct send *state = step->state;
    struct progress *progress = &state->of[actor->number - 1];
    struct sl_buf scratch;
    struct sl_buf payload;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    sl_buf_init(&payload, HAR_TEXT_MAX + 2 * 65536);
    uint32_t sequence = har_actor_note_sent(actor, step->node->args, intended_ns);
    har_actor_message(actor, sequence, &scratch, &message);
    har_message_write(&payload, &message);
    struct har_sent *sent = &actor->sent[sequence];
    sent->phase = har_track_phase(step->track);
    sent->sent_ns = sl_clock_mono_ns();
    progress->issued++;
    if (actor->spec->kind == HAR_CHAT) {
        if (actor->stream == NULL ||
            har_stream_send(actor->stream, sl_buf_span(&payload)) != SL_OK) {
            har_play_fail(step->play, step->node, "CHAT-01", "the chat stream is not open");
        }
    } else {
        struct har_call *call =
            har_actor_call(actor, HAR_SEND_METHOD, sl_buf_span(&payload), on_reply, progress);
        call->sequence = sequence;
    }
    sl_buf_release(&scratch);
    sl_buf_release(&payload);
}

static uint64_t intended(const struct har_step *step, uint32_t index, uint64_t now_ns)
{
    const struct send *state = step->state;
    if (state->rate <= 0) {
        return now_ns;
    }
    double groups = (double)(index / state->burst) * state->burst;
    return step->begin_ns + (uint64_t)(groups / state->rate * 1e9);
}

static uint32_t outstanding(const struct har_actor *actor, const struct progress *progress)
{
    return actor->spec->kind == HAR_CHAT ? actor->sent_count - (uint32_t)actor->acked
                                         : progress->issued - progress->replied;
}

/* True when this actor has done its part. */
static bool drive(struct har_step *step, struct har_actor *actor)
{
    struct send *state = step->state;
    struct progress *progress = &state->of[actor->number - 1];
    const struct har_send_args *args = step->node->args;
    bool is_open = args->loop == 1;
    while (progress->issued < state->count && !step->play->is_over) {
        uint64_t now_ns = sl_clock_mono_ns();
        uint64_t when_ns = intended(step, progress->issued, now_ns);
        if (!is_open && outstanding(actor, progress) >= state->inflight) {
            return false;
        }
        if (when_ns > now_ns) {
            har_play_wake(step->play, when_ns);
            return false;
        }
        issue(step, actor, when_ns);
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
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
