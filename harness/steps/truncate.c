/* SPDX-License-Identifier: Apache-2.0 */
/* truncate: begins a message, and ends the stream or the connection in the middle of it. */
#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/engine/notes.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/h2_frame.h"

enum mode {
    MODE_RESET, /* RST_STREAM(CANCEL) */
    MODE_FIN,   /* the connection: FIN */
    MODE_RST,   /* the connection: TCP reset */
    MODE_END,   /* END_STREAM on the cut DATA */
};
/* The rule is that the message is not acted on; some stacks never answer such a call at all. */
#define ANSWER_NS (1 * SL_SECOND)

static const char *const modes[] = {"reset", "fin", "rst", "end", NULL};

#define AT(member) offsetof(struct har_send_args, member)
static const struct har_field fields[] = {
    {"then", HAR_FIELD_CHOICE, AT(mode), .choices = modes, .is_required = true,
     .help = "reset: RST_STREAM; fin, rst: of the connection; end: END_STREAM"},
    {"message", HAR_FIELD_OBJECT, AT(message), .fields = har_message_fields,
     .field_count = HAR_MESSAGE_FIELDS, .help = "as in send"},
    {"size", HAR_FIELD_EXPR, AT(size), .help = "as in send"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

enum stage {
    STAGE_OPENING, /* the stream is not on the wire yet */
    STAGE_SENT,    /* a PING goes behind the cut message */
    STAGE_END,     /* waits for the status of a call that was ended */
    STAGE_DONE,
};
struct cut {
    enum stage stage;
    struct har_stream *stream; /* a call of our own; NULL on a chat's stream */
    uint64_t acks;             /* of PING, before */
    uint64_t sent_ns;          /* the PING is acknowledged */
    bool has_ended;
    uint32_t code;
};
struct state {
    struct cut *of; /* per actor of the play */
};

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct cut *cut = owner;
    (void)stream;
    cut->has_ended = true;
    cut->code = result->code;
}
static const struct har_stream_handler handler = {.end = on_end};

static void start(struct har_step *step)
{
    struct state *state = step->state;
    struct har_play *play = step->play;
    state->of = sl_calloc(play->actor_count, sizeof(struct cut));
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        struct cut *cut = &state->of[actor->number - 1];
        struct har_conn *conn = har_actor_conn(actor);
        if (actor->spec->kind != HAR_CHAT) {
            struct har_stream_config config = {.method = HAR_SEND_METHOD,
                                               .metadata = play->config.metadata,
                                               .metadata_count = play->config.metadata_count,
                                               .handler = &handler,
                                               .owner = cut};
            cut->stream = har_stream_new(conn, &config);
        } else if (actor->stream == NULL) {
            har_actor_no_stream(actor, step->node);
            return;
        }
    }
}

static void stop(struct har_step *step)
{
    struct state *state = step->state;
    for (size_t i = 0; i < step->play->actor_count && state->of != NULL; i++) {
        if (state->of[i].stream != NULL) {
            har_stream_free(state->of[i].stream);
        }
    }
    sl_free(state->of);
}

/* Everything but the last field: what came so far would parse as a message of its own. */
static void send_part(struct har_step *step, struct har_actor *actor, uint32_t stream)
{
    const struct har_send_args *args = step->node->args;
    struct sl_buf scratch;
    struct sl_buf whole;
    struct sl_buf frame;
    struct har_message message;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    sl_buf_init(&whole, HAR_TEXT_MAX + 2 * 65536);
    sl_buf_init(&frame, HAR_TEXT_MAX + 3 * 65536);
    uint32_t sequence = har_actor_note_sent(actor, args, sl_clock_mono_ns());
    actor->sent[sequence].is_partial = true;
    actor->is_cut = args->mode == MODE_END && actor->spec->kind == HAR_CHAT;
    actor->sent[sequence].phase = har_track_phase(step->track);
    har_actor_message(actor, sequence, &scratch, &message);
    har_message_write(&whole, &message);
    size_t full = whole.len;
    sl_buf_clear(&whole);
    message.created_at = 0;
    har_message_write(&whole, &message);
    struct sl_buf data;
    sl_buf_init(&data, HAR_TEXT_MAX + 3 * 65536);
    (void)sl_buf_add_u8(&data, 0);
    (void)sl_buf_add_be32(&data, (uint32_t)full);
    (void)sl_buf_add_span(&data, sl_buf_span(&whole));
    (void)sl_h2_write_frame(&frame, SL_H2_DATA, args->mode == MODE_END ? SL_H2_FLAG_END_STREAM : 0,
                            stream, sl_buf_span(&data));
    (void)har_conn_send_raw(actor->link->conn, sl_buf_span(&frame));
    (void)har_conn_ping(actor->link->conn, sequence + 1);
    sl_buf_release(&data);
    sl_buf_release(&scratch);
    sl_buf_release(&whole);
    sl_buf_release(&frame);
}

static void break_off(struct har_step *step, struct har_actor *actor, struct cut *cut)
{
    const struct har_send_args *args = step->node->args;
    cut->stage = args->mode == MODE_END ? STAGE_END : STAGE_DONE;
    cut->sent_ns = sl_clock_mono_ns();
    if (args->mode == MODE_FIN || args->mode == MODE_RST) {
        if (cut->stream != NULL) {
            har_stream_free(cut->stream);
            cut->stream = NULL;
        }
        har_actor_close(actor, args->mode == MODE_FIN ? HAR_CLOSE_FIN : HAR_CLOSE_RST);
    } else if (args->mode == MODE_RESET && cut->stream != NULL) {
        har_stream_cancel(cut->stream, SL_H2_CANCEL);
    } else if (args->mode == MODE_RESET) {
        har_actor_cancel(actor);
    }
}

static void drive(struct har_step *step, struct har_actor *actor, struct cut *cut)
{
    struct har_stream *stream = cut->stream != NULL ? cut->stream : actor->stream;
    uint32_t id = stream == NULL ? 0 : har_stream_id(stream);
    if (cut->stage == STAGE_OPENING && id != 0) {
        cut->acks = actor->link->ping_acks;
        send_part(step, actor, id);
        cut->stage = STAGE_SENT;
    }
    if (cut->stage == STAGE_SENT && actor->link->ping_acks > cut->acks) {
        break_off(step, actor, cut);
    }
    if (cut->stage != STAGE_END) {
        return;
    }
    /* Stacks that drop the rest of a stream's input see a half-close: a chat may end with OK. */
    bool has_ended = cut->stream == NULL ? actor->state == HAR_STREAM_ENDED : cut->has_ended;
    bool is_given_up = sl_clock_mono_ns() >= cut->sent_ns + ANSWER_NS;
    if (has_ended || is_given_up) {
        cut->stage = STAGE_DONE;
        if (cut->has_ended && cut->code == SL_GRPC_OK) {
            har_play_fail(step->play, step->node, "CHAT-06",
                          "a message of which only a part was sent was answered OK");
        }
    }
}

static void poll(struct har_step *step)
{
    struct state *state = step->state;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct cut *cut = &state->of[actor->number - 1];
        if (!step->play->is_over) {
            drive(step, actor, cut);
            step->is_done &= cut->stage == STAGE_DONE;
        }
    }
    har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "a part of a message was sent, and the stream could not be ended");
}

const struct har_step_type har_step_truncate = {
    .name = "truncate",
    .help =
        "sends a message without its last field, then breaks off; the message must never be acted "
        "on",
    .example = "{\"chat\": {\"truncate\": {\"then\": \"rst\", \"size\": 1000}}}",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CHAT),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct har_send_args, fields),
    .state_size = sizeof(struct state),
    .rule = "CHAT-06",
    .within_offset = offsetof(struct har_send_args, within),
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
    .fault = "partial message",
    .fault_end = HAR_FAULT_STEP,
};
