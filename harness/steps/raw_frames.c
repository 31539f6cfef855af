/* SPDX-License-Identifier: Apache-2.0 */
/* raw_frames: frames that the scenario writes itself, once or very often. */
#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/raw/raw_frame.h"
#include "harness/steps/raw.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/message.h"

enum body {
    BODY_NONE,
    BODY_MESSAGE,
    BODY_SUBSCRIPTION,
};
static const char *const bodies[] = {"none", "message", "subscription", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};

enum {
    COUNT_MAX = 1000000,
    MESSAGES_MAX = 10000,
    AT_ONCE = 500, /* repetitions between two looks at what came */
};
/* Padding waits so long for a window that holds it. */
#define PADDING_NS (1 * SL_SECOND)

struct raw_args {
    struct har_objects frames;
    struct har_expr count, rate;
    int body, wait;
    struct har_expr messages;
    struct har_send_args send; /* of the messages in the body: message and size */
    bool is_partial, is_overrun;
    const char *rule;
    struct har_expr within;
};
#define AT(member) offsetof(struct raw_args, member)
static const struct har_field fields[] = {
    {"frames", HAR_FIELD_OBJECTS, AT(frames), .fields = har_raw_frame_fields,
     .field_count = HAR_RAW_FRAME_FIELDS, .item_size = sizeof(struct har_raw_frame),
     .is_required = true, .help = "in order"},
    {"count", HAR_FIELD_EXPR, AT(count), .help = "all of them so many times; default 1"},
    {"rate", HAR_FIELD_EXPR, AT(rate), .help = "times a second; default as fast as possible"},
    {"body", HAR_FIELD_CHOICE, AT(body), .choices = bodies,
     .help =
         "what DATA takes its parts of, with the 5 bytes of each prefix: stamped messages of the "
         "actor, or a subscription to its room; default none. A raw actor's messages count as "
         "accepted when their stream ends with OK"},
    {"messages", HAR_FIELD_EXPR, AT(messages), .help = "how many in the body; default 1"},
    {"message", HAR_FIELD_OBJECT, AT(send.message), .fields = har_message_fields,
     .field_count = HAR_MESSAGE_FIELDS, .help = "as in send"},
    {"size", HAR_FIELD_EXPR, AT(send.size), .help = "as in send"},
    {"partial", HAR_FIELD_BOOL, AT(is_partial),
     .help = "true: the messages are not sent whole, and must never be acted on"},
    {"overrun", HAR_FIELD_BOOL, AT(is_overrun),
     .help =
         "true: DATA goes whatever the server's windows are. Else it waits for credit, with all "
         "behind it, and is divided where credit is scarce"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when no credit comes; default RES-02"},
    {"wait", HAR_FIELD_CHOICE, AT(wait), .choices = yes_no,
     .help = "for the server's SETTINGS (where the preface is sent); \"no\": only for TCP"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s, and count / rate"},
};
#undef AT

static const char *problem(const void *of)
{
    const struct raw_args *args = of;
    const struct har_raw_frame *frames = args->frames.items;
    for (size_t i = 0; i < args->frames.count; i++) {
        const char *text = har_raw_frame_problem(&frames[i]);
        if (text != NULL) {
            return text;
        }
    }
    return NULL;
}

struct raw_of {
    uint64_t sent;      /* repetitions */
    struct sl_buf left; /* of the last one: what waits for credit */
    uint64_t left_ns;   /* since when */
};
struct raw {
    struct raw_of *of; /* per actor of the play */
    uint64_t count;
    double rate;
};

static void start(struct har_step *step)
{
    struct raw *state = step->state;
    const struct raw_args *args = step->node->args;
    struct har_play *play = step->play;
    state->count = (uint64_t)har_play_value_in(play, &args->count, 1, 0, COUNT_MAX);
    state->rate = har_play_value(play, &args->rate, 0);
    state->of = sl_calloc(play->actor_count, sizeof(state->of[0]));
    for (size_t i = 0; i < play->actor_count; i++) {
        sl_buf_init(&state->of[i].left, HAR_CONN_QUEUE_MAX);
    }
}

static void stop(struct har_step *step)
{
    struct raw *state = step->state;
    for (size_t i = 0; state->of != NULL && i < step->play->actor_count; i++) {
        sl_buf_release(&state->of[i].left);
    }
    sl_free(state->of);
}

/* The role whose request the body is: of the request among the frames, else of the one before. */
static enum har_role role_of(const struct raw_args *args, struct har_actor *actor)
{
    const struct har_raw_frame *frames = args->frames.items;
    for (size_t i = 0; i < args->frames.count; i++) {
        if (frames[i].request != NULL) {
            actor->raw_role = (int)har_role_of(frames[i].request);
        }
    }
    bool is_chat = actor->spec->kind == HAR_CHAT;
    enum har_role role = is_chat ? HAR_ROLE_BIDI : (enum har_role)actor->raw_role;
    return role == HAR_ROLES ? HAR_ROLE_UNARY : role;
}

/* Stamped messages with their prefixes, or as many requests of the binding of their size; the number of the first one. */
static uint32_t write_messages(struct har_step *step, struct har_actor *actor, uint32_t count,
                               struct sl_buf *out)
{
    const struct raw_args *args = step->node->args;
    const struct har_binding *binding = step->play->config.binding;
    enum har_role role = role_of(args, actor);
    uint32_t first = actor->sent_count;
    struct sl_buf scratch;
    struct sl_buf payload;
    sl_buf_init(&scratch, HAR_TEXT_MAX + 65536);
    sl_buf_init(&payload, HAR_TEXT_MAX + 2 * 65536);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t now_ns = sl_clock_mono_ns();
        uint32_t sequence = har_actor_note_sent(actor, &args->send, now_ns);
        struct har_sent *sent = &actor->sent[sequence];
        struct har_message message;
        har_actor_message(actor, sequence, &scratch, &message);
        sl_buf_clear(&payload);
        har_message_write(&payload, &message);
        if (binding != NULL) {
            size_t bytes = payload.len;
            sl_buf_clear(&payload);
            har_binding_request(binding, role, bytes, &payload);
        }
        (void)sl_message_write(out, 0, sl_buf_span(&payload));
        sent->is_partial = args->is_partial;
        sent->phase = har_track_phase(step->track);
        sent->due_ns = sent->sent_ns = now_ns;
    }
    sl_buf_release(&scratch);
    sl_buf_release(&payload);
    return first;
}

static void write_body(struct har_step *step, struct har_actor *actor, uint32_t count,
                       struct sl_buf *out)
{
    const struct raw_args *args = step->node->args;
    if (args->body == BODY_SUBSCRIPTION) {
        struct sl_buf payload;
        sl_buf_init(&payload, 64 * 1024);
        har_bound_subscription(actor, &payload);
        (void)sl_message_write(out, 0, sl_buf_span(&payload));
        sl_buf_release(&payload);
    } else if (args->body == BODY_MESSAGE) {
        (void)write_messages(step, actor, count, out);
    }
}

/* The server has told the end of its connection by an error, or of the stream by its last one's number. */
static bool is_past_goaway(const struct har_wire *wire, uint32_t id)
{
    return wire->frames[SL_H2_GOAWAY] > 0 &&
           (wire->goaway_code != SL_H2_NO_ERROR || id > wire->goaway_last);
}

/* The server has ended the stream and grants it nothing more. */
static bool is_ended(struct har_actor *actor, uint32_t id)
{
    bool is_own = actor->stream != NULL && har_stream_id(actor->stream) == id;
    const struct har_wire_stream *stream = har_wire_stream(&actor->link->wire, id);
    return is_past_goaway(&actor->link->wire, id) ||
           (is_own ? actor->state != HAR_STREAM_OPEN : stream != NULL && stream->is_ended);
}

/* What waits for credit, as far as there is some: DATA of a stream, or a connection, that the server has ended meanwhile
 * is given up. */
static void send_left(struct har_actor *actor, struct raw_of *of)
{
    struct sl_h2_frame_header first;
    (void)har_conn_send_frames(actor->link->conn, &of->left);
    while (sl_h2_frame_header_read(sl_buf_span(&of->left), &first) == SL_OK &&
           is_ended(actor, first.stream)) {
        sl_buf_consume(&of->left, SL_H2_FRAME_HEADER_SIZE + (size_t)first.length);
        (void)har_conn_send_frames(actor->link->conn, &of->left);
    }
}

/* True while something waits. A server whose windows never hold the padding of a frame is none that this can be played
 * against. */
static bool waits(struct har_step *step, struct har_actor *actor, struct raw_of *of)
{
    if (of->left.len == 0) {
        return false;
    }
    send_left(actor, of);
    struct sl_h2_frame_header first;
    struct har_play *play = step->play;
    if (sl_h2_frame_header_read(sl_buf_span(&of->left), &first) == SL_OK &&
        (first.flags & SL_H2_FLAG_PADDED) != 0) {
        uint64_t until_ns =
            of->left_ns + har_play_allowed_ns(play, step->begin_ns, play->evidence, PADDING_NS);
        har_play_wake(play, until_ns);
        if (sl_clock_mono_ns() >= until_ns) {
            play->obstacles.padded = first.length;
            play->obstacles.room = har_conn_send_room(actor->link->conn, first.stream);
            har_play_fail(play, step->node, "RES-02", "padding of a frame has no room");
        }
    }
    return of->left.len > 0;
}

static const char *rule_of(const struct har_step *step)
{
    const struct raw_args *args = step->node->args;
    return args->rule == NULL ? "RES-02" : args->rule;
}

/* A frame has no stream to be of: the server's doing where it has ended the connection that had one. */
static void no_stream(struct har_step *step, const struct har_actor *actor)
{
    const struct har_link *link = actor->link;
    if (!link->was_ended) {
        har_play_mistake(step->play, step->node->path, "no stream that a frame could be of");
        return;
    }
    har_play_fail(
        step->play, step->node, rule_of(step),
        "%s[%u] has no stream any more that these frames could be of: the server ended its "
        "connection (%s)",
        actor->spec->name, actor->index,
        link->end_text[0] == '\0' ? "after GOAWAY" : link->end_text);
}

/* All frames once. */
static void send_once(struct har_step *step, struct har_actor *actor, struct raw_of *of)
{
    const struct raw_args *args = step->node->args;
    struct har_raw_frame *frames = args->frames.items;
    struct sl_buf body;
    struct sl_buf out;
    enum sl_status status = SL_OK;
    uint32_t messages =
        (uint32_t)har_play_value_in(step->play, &args->messages, 1, 0, MESSAGES_MAX);
    sl_buf_init(&body, HAR_TEXT_MAX + 3 * 65536);
    sl_buf_init(&out, HAR_CONN_QUEUE_MAX);
    uint32_t first = actor->sent_count;
    write_body(step, actor, messages, &body);
    status = body.is_full ? SL_LIMIT : SL_OK;
    (void)role_of(args, actor);
    for (size_t i = 0; i < args->frames.count && status == SL_OK; i++) {
        status = har_raw_frame_write(actor, &frames[i], sl_buf_span(&body), &out);
    }
    if (status == SL_STATE) {
        no_stream(step, actor);
    } else if (status != SL_OK) {
        har_play_mistake(step->play, step->node->path, "the frames are too large");
    } else if (args->is_overrun || actor->link->is_garbled) {
        (void)har_conn_send_raw(actor->link->conn, sl_buf_span(&out));
    } else {
        of->left_ns = sl_clock_mono_ns();
        (void)sl_buf_add_span(&of->left, sl_buf_span(&out));
        send_left(actor, of);
    }
    if (actor->spec->kind == HAR_RAW && args->body == BODY_MESSAGE && actor->raw_stream != 0) {
        struct har_wire_stream *stream = har_wire_stream(&actor->link->wire, actor->raw_stream);
        if (stream != NULL && stream->actor == NULL) {
            stream->actor = actor;
            stream->first = first;
        }
        if (stream != NULL) {
            stream->count += messages;
        }
    }
    sl_buf_release(&body);
    sl_buf_release(&out);
}

/* True when this actor has done its part, or its server has ended the connection. */
static bool drive(struct har_step *step, struct har_actor *actor)
{
    struct raw *state = step->state;
    const struct raw_args *args = step->node->args;
    struct raw_of *of = &state->of[actor->number - 1];
    if (!har_raw_is_ready(actor, args->wait == 0)) {
        return actor->link->has_ended || actor->link->is_closed_by_us;
    }
    for (unsigned i = 0; i < AT_ONCE && of->sent < state->count && !step->play->is_over; i++) {
        uint64_t due_ns = step->begin_ns;
        due_ns += state->rate > 0 ? (uint64_t)((double)of->sent * 1e9 / state->rate) : 0;
        if (due_ns > sl_clock_mono_ns()) {
            har_play_wake(step->play, due_ns);
            return false;
        }
        if (waits(step, actor, of)) {
            return false;
        }
        send_once(step, actor, of);
        of->sent++;
    }
    if (of->sent < state->count) {
        har_play_wake(step->play, sl_clock_mono_ns());
    }
    return of->sent >= state->count && !waits(step, actor, of);
}

static void poll(struct har_step *step)
{
    har_step_drive(step, drive);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct raw *state = step->state;
    bool is_waiting = false;
    for (size_t i = 0; i < step->play->actor_count; i++) {
        is_waiting |= state->of[i].left.len > 0;
    }
    (void)snprintf(text, size, "%s",
                   is_waiting ? "the server has granted no credit for the DATA of these frames"
                              : "the frames could not be sent: no connection, or no SETTINGS came");
}

const struct har_step_type har_step_raw_frames = {
    .name = "raw_frames",
    .help = "writes frames as they are said here, right or wrong",
    .example = "{\"raw\": {\"raw_frames\": {\"body\": \"message\", \"frames\": [{\"type\": \""
               "HEADERS\", \"request\": \"SendMessage\"}, {\"type\": \"DATA\", \"part\": [0"
               ", 10], \"pad\": 7}, {\"type\": \"DATA\", \"part\": [10, 10000], \"flags\":"
               " [\"END_STREAM\"]}]}}}",
    .kinds = HAR_BIT(HAR_RAW) | HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct raw_args, fields),
    .state_size = sizeof(struct raw),
    .rule_of = rule_of,
    .within_offset = offsetof(struct raw_args, within),
    .problem = problem,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
    .fault = "raw frames",
    .fault_end = HAR_FAULT_STEP,
};
