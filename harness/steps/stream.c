/* SPDX-License-Identifier: Apache-2.0 */
/* The short verbs of a stream: chat, credit, stall, resume, half_close, cancel, close. */
#include <math.h>
#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

static const struct har_field no_fields[] = {
    {"why", HAR_FIELD_JSON, 0, .help = "a note for the reader"},
};
struct no_args {
    json_t *why;
};

/* Steps that act once and are done. */
static void done(struct har_step *step)
{
    step->is_done = true;
}

static void start_chat(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        har_actor_open(actor);
    }
}

static void poll_chat(struct har_step *step)
{
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        step->is_done &= actor->link->is_connected && actor->stream != NULL &&
                         (har_stream_id(actor->stream) != 0 || actor->link->is_core);
    }
    har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
}

const struct har_step_type har_step_chat = {
    .name = "chat",
    .help = "opens ChatRoom",
    .example = "{\"chat\": {\"chat\": {}}}",
    .kinds = HAR_BIT(HAR_CHAT),
    HAR_STEP_ARGS(struct no_args, no_fields),
    .rule = "RES-02",
    .start = start_chat,
    .poll = poll_chat,
};

/* ---- credit ---- */

struct credit_args {
    int wait; /* 0 yes, 1 no */
    struct har_expr messages, bytes;
    const char *rule;
    struct har_expr within;
};
static const char *const yes_no[] = {"yes", "no", NULL};
static const struct har_field credit_fields[] = {
    {"messages", HAR_FIELD_EXPR, offsetof(struct credit_args, messages),
     .help = "exact, whatever their sizes: 5 bytes for a prefix, then what it announces"},
    {"bytes", HAR_FIELD_EXPR, offsetof(struct credit_args, bytes),
     .help = "or so many bytes of DATA"},
    {"wait", HAR_FIELD_CHOICE, offsetof(struct credit_args, wait), .choices = yes_no,
     .help = "until exactly that many messages have come; \"no\": for nothing"},
    {"rule", HAR_FIELD_STRING, offsetof(struct credit_args, rule),
     .help = "broken when they do not come; default SUB-05"},
    {"within", HAR_FIELD_DURATION, offsetof(struct credit_args, within), .help = "default 10s"},
};
struct credit {
    uint64_t *wanted; /* per actor of the play: count of messages after which it is done */
};

/* Streams of other services break no rule of the chat. */
static bool is_of_streams(const struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        return actor->spec->kind == HAR_STREAM;
    }
    return false;
}

static void start_credit(struct har_step *step)
{
    struct credit *state = step->state;
    const struct credit_args *args = step->node->args;
    /* What is left to grant may be computed, and be nothing. */
    double messages = fmax(0, har_play_value_in(step->play, &args->messages, 0, -1e9, 1e9));
    double bytes = fmax(0, har_play_value_in(step->play, &args->bytes, 0, -1e9, 0x7fffffff));
    state->wanted = sl_calloc(step->play->actor_count, sizeof(uint64_t));
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        state->wanted[actor->number - 1] = actor->messages + (uint64_t)messages;
        if (actor->stream == NULL) {
            har_actor_no_stream(actor, step->node);
            return;
        }
        if (messages > 0) {
            (void)har_stream_credit_messages(actor->stream, (uint64_t)messages);
        }
        if (bytes > 0) {
            (void)har_stream_credit_bytes(actor->stream, (uint32_t)bytes);
        }
    }
}

static void poll_credit(struct har_step *step)
{
    struct credit *state = step->state;
    const struct credit_args *args = step->node->args;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        uint64_t wanted = state->wanted[actor->number - 1];
        if (args->wait != 0 || !args->messages.is_set) {
            continue;
        }
        if (actor->messages > wanted) {
            har_play_fail(step->play, step->node,
                          args->rule != NULL || is_of_streams(step) ? args->rule : "SUB-04",
                          "%s[%u] received %llu messages more than it gave credit for",
                          actor->spec->name, actor->index,
                          (unsigned long long)(actor->messages - wanted));
            return;
        }
        step->is_done &= actor->messages == wanted;
    }
}

static void stop_credit(struct har_step *step)
{
    struct credit *state = step->state;
    sl_free(state->wanted);
}

static void tell_credit(const struct har_step *step, char *text, size_t size)
{
    const struct credit *state = step->state;
    uint64_t missing = 0;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        missing += state->wanted[actor->number - 1] - actor->messages;
    }
    (void)snprintf(text, size, "credit was granted, and %llu messages did not come",
                   (unsigned long long)missing);
}

static const char *rule_of_credit(const struct har_step *step)
{
    const struct credit_args *args = step->node->args;
    return args->rule != NULL || is_of_streams(step) ? args->rule : "SUB-05";
}

const struct har_step_type har_step_credit = {
    .name = "credit",
    .help = "grants a metered stream credit for exactly so many messages, or bytes",
    .example = "{\"slow\": {\"credit\": {\"messages\": 5}}}",
    .kinds = HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct credit_args, credit_fields),
    .state_size = sizeof(struct credit),
    .rule = "SUB-05",
    .rule_of = rule_of_credit,
    .within_offset = offsetof(struct credit_args, within),
    .start = start_credit,
    .poll = poll_credit,
    .stop = stop_credit,
    .tell = tell_credit,
};

/* ---- stall, resume, cancel ---- */

static void start_stall(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (actor->stream != NULL) {
            har_stream_stall(actor->stream);
        }
    }
}

static void start_resume(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (actor->stream != NULL) {
            har_stream_resume(actor->stream);
        }
    }
}

static void start_cancel(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        har_actor_cancel(actor);
    }
}

#define SHORT_VERB(verb, what, text, json, ...)                                             \
    const struct har_step_type har_step_##verb = {.name = #verb,                            \
                                                  .help = (text),                           \
                                                  .example = (json),                        \
                                                  .kinds = (what),                          \
                                                  HAR_STEP_ARGS(struct no_args, no_fields), \
                                                  .rule = "RES-02",                         \
                                                  .start = start_##verb,                    \
                                                  .poll = done,                             \
                                                  __VA_ARGS__}
SHORT_VERB(stall, HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
           "stops reading the stream", "{\"sub\": {\"stall\": {}}}", .fault = "stall",
           .fault_end = HAR_FAULT_ENDED);
SHORT_VERB(resume, HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
           "reads freely again: all credit that was withheld is granted",
           "{\"sub\": {\"resume\": {}}}", .ends_faults = true);
SHORT_VERB(cancel, HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
           "leaves the stream by RST_STREAM(CANCEL)", "{\"sub\": {\"cancel\": {}}}",
           .fault = "cancel", .ends_faults = true);

/* ---- half_close ---- */

struct half_close_args {
    int wait;
    struct har_expr within;
};
static const struct har_field half_close_fields[] = {
    {"wait", HAR_FIELD_CHOICE, offsetof(struct half_close_args, wait), .choices = yes_no,
     .help = "until the server has ended the stream; \"no\": for nothing"},
    {"within", HAR_FIELD_DURATION, offsetof(struct half_close_args, within), .help = "default 10s"},
};

static void start_half_close(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        actor->is_half_closed = true;
        actor->half_closed_ns = sl_clock_mono_ns();
        if (actor->stream != NULL) {
            har_stream_half_close(actor->stream);
        }
    }
}

static void poll_half_close(struct har_step *step)
{
    const struct half_close_args *args = step->node->args;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        step->is_done &= args->wait != 0 || actor->state == HAR_STREAM_ENDED;
    }
}

static void tell_half_close(const struct har_step *step, char *text, size_t size)
{
    uint64_t acked = 0;
    uint64_t sent = 0;
    if (is_of_streams(step)) {
        (void)snprintf(text, size, "the stream is still open after half-close");
        return;
    }
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        acked += actor->acked;
        sent += actor->sent_count;
    }
    (void)snprintf(text, size,
                   "the stream is still open after half-close, with %llu of %llu acknowledgements",
                   (unsigned long long)acked, (unsigned long long)sent);
}

static const char *rule_of_half_close(const struct har_step *step)
{
    return is_of_streams(step) ? NULL : "CHAT-03";
}

const struct har_step_type har_step_half_close = {
    .name = "half_close",
    .help = "END_STREAM behind what was sent; the server must answer everything, then end with OK",
    .example = "{\"chat\": {\"half_close\": {\"within\": \"5s\"}}}",
    .kinds = HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM),
    HAR_STEP_ARGS(struct half_close_args, half_close_fields),
    .rule = "CHAT-03",
    .rule_of = rule_of_half_close,
    .within_offset = offsetof(struct half_close_args, within),
    .start = start_half_close,
    .poll = poll_half_close,
    .tell = tell_half_close,
};

/* ---- close ---- */

struct close_args {
    int how; /* enum har_close */
};
static const char *const closes[] = {"fin", "rst", "goaway", NULL};
static const struct har_field close_fields[] = {
    {"how", HAR_FIELD_CHOICE, offsetof(struct close_args, how), .choices = closes,
     .is_required = true, .help = "FIN without GOAWAY, a TCP reset, or GOAWAY and FIN"},
};

static void start_close(struct har_step *step)
{
    const struct close_args *args = step->node->args;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        har_actor_close(actor, (enum har_close)args->how);
    }
}

static const char *fault_of_close(const struct har_node *node)
{
    static const char *const names[] = {"close", "reset", "close by GOAWAY"};
    return names[((const struct close_args *)node->args)->how];
}

const struct har_step_type har_step_close = {
    .name = "close",
    .help = "closes the actor's connection; all that share it have left",
    .example = "{\"sub\": {\"close\": {\"how\": \"rst\"}}}",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) |
             HAR_BIT(HAR_CLIENT) | HAR_BIT(HAR_RAW) | HAR_BIT(HAR_STREAM),
    HAR_STEP_ARGS(struct close_args, close_fields),
    .rule = "RES-02",
    .start = start_close,
    .poll = done,
    .fault_of = fault_of_close,
    .ends_faults = true,
};
