/* SPDX-License-Identifier: Apache-2.0 */
/* flood: a chat that sends until the server stops it. */
#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/engine/actor.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

enum {
    QUEUE_AHEAD = 8, /* messages that wait for the server's credit */
    COUNT_MAX = 20000,
};
/* Nothing moved for so long: the server has stopped granting credit. */
#define STOPPED_NS (1 * SL_SECOND)

#define AT(member) offsetof(struct har_send_args, member)
static const struct har_field fields[] = {
    {"size", HAR_FIELD_EXPR, AT(size), .help = "as in send"},
    {"id_bytes", HAR_FIELD_EXPR, AT(id_bytes), .help = "as in send"},
    {"count", HAR_FIELD_EXPR, AT(pace.count),
     .help = "so many messages are no bound any more; default 20000"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it takes so many; default CHAT-05"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

struct flood {
    uint32_t taken; /* messages that the server's credit let go */
    uint64_t moved_ns;
    bool is_stopped;
};
struct state {
    struct flood *of; /* per actor of the play */
    uint32_t count;
};

static void start(struct har_step *step)
{
    struct state *state = step->state;
    struct har_play *play = step->play;
    const struct har_send_args *args = step->node->args;
    state->of = sl_calloc(play->actor_count, sizeof(struct flood));
    state->count = (uint32_t)har_play_value_in(play, &args->pace.count, COUNT_MAX, 1,
                                               HAR_SENT_MAX - QUEUE_AHEAD);
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        actor->is_flooding = true;
        state->of[actor->number - 1].moved_ns = step->begin_ns;
    }
}

static void stop(struct har_step *step)
{
    struct state *state = step->state;
    sl_free(state->of);
}

static void issue(struct har_step *step, struct har_actor *actor)
{
    struct sl_buf scratch;
    struct sl_buf payload;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    sl_buf_init(&payload, HAR_TEXT_MAX + 2 * 65536);
    uint32_t sequence = har_actor_note_sent(actor, step->node->args, sl_clock_mono_ns());
    har_actor_message(actor, sequence, &scratch, &message);
    har_message_write(&payload, &message);
    if (step->play->config.binding != NULL) { /* as large as that of chat would be */
        size_t bytes = payload.len;
        sl_buf_clear(&payload);
        har_binding_request(step->play->config.binding, HAR_ROLE_BIDI, bytes, &payload);
    }
    actor->sent[sequence].phase = har_track_phase(step->track);
    actor->sent[sequence].due_ns = actor->sent[sequence].intended_ns;
    actor->sent[sequence].sent_ns = sl_clock_mono_ns();
    if (har_stream_send(actor->stream, sl_buf_span(&payload)) != SL_OK) {
        har_play_fail(step->play, step->node, "CHAT-05", "the chat stream is not open");
    }
    sl_buf_release(&scratch);
    sl_buf_release(&payload);
}

/* It has stopped: how much it took is told, whatever it was. */
static void note(struct har_play *play, const struct flood *flood)
{
    bool is_first = play->flood_note[0] == '\0';
    (void)snprintf(play->flood_note, sizeof(play->flood_note),
                   "the server took %u messages of a chat that does not read", flood->taken);
    if (is_first && play->note_count < sizeof(play->notes) / sizeof(play->notes[0])) {
        play->notes[play->note_count++] = play->flood_note;
    }
}

static void drive(struct har_step *step, struct har_actor *actor, struct flood *flood)
{
    struct state *state = step->state;
    const struct har_send_args *args = step->node->args;
    struct har_play *play = step->play;
    uint64_t now_ns = sl_clock_mono_ns();
    if (flood->is_stopped) {
        return;
    }
    if (actor->state != HAR_STREAM_OPEN) {
        flood->is_stopped = true;
        note(play, flood);
        return;
    }
    while (!play->is_over && har_stream_queued(actor->stream) < QUEUE_AHEAD) {
        issue(step, actor);
    }
    uint32_t taken = actor->sent_count - (uint32_t)har_stream_queued(actor->stream);
    if (taken != flood->taken) {
        flood->taken = taken;
        flood->moved_ns = now_ns;
    }
    if (taken >= state->count && !play->is_over) {
        har_play_fail(play, step->node, args->rule == NULL ? "CHAT-05" : args->rule,
                      "the server took %u messages of %s[%u], which reads no answer, and goes on",
                      taken, actor->spec->name, actor->index);
    }
    if (now_ns >=
        flood->moved_ns + har_play_allowed_ns(play, step->begin_ns, play->evidence, STOPPED_NS)) {
        flood->is_stopped = true;
        note(play, flood);
    }
}

static void poll(struct har_step *step)
{
    struct state *state = step->state;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct flood *flood = &state->of[actor->number - 1];
        if (!step->play->is_over) {
            drive(step, actor, flood);
            step->is_done &= flood->is_stopped;
        }
    }
    har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    uint64_t taken = 0;
    const struct state *state = step->state;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        taken += state->of[actor->number - 1].taken;
    }
    (void)snprintf(text, size, "the server took %llu messages and has not stopped",
                   (unsigned long long)taken);
}

const struct har_step_type har_step_flood = {
    .name = "flood",
    .help =
        "sends, and does not wait for acks, until the server has granted no credit for a second "
        "or has ended the stream RESOURCE_EXHAUSTED; how many messages it took is reported",
    .example = "{\"chat\": {\"flood\": {\"size\": 8192, \"count\": 5000}}}",
    .kinds = HAR_BIT(HAR_CHAT),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct har_send_args, fields),
    .state_size = sizeof(struct state),
    .rule = "CHAT-05",
    .within_offset = offsetof(struct har_send_args, within),
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
    .fault = "flood",
    .fault_end = HAR_FAULT_STEP,
};
