/* SPDX-License-Identifier: Apache-2.0 */
/* open: the stream of an actor of the kind `stream`, any method of any service. */
#include <stdio.h>

#include "harness/messages/generic.h"
#include "harness/messages/json_message.h"
#include "harness/steps/verbs.h"
#include "lib/base/clock.h"

struct open_args {
    json_t *message, *messages, *metadata;
    struct har_expr deadline;
    bool wants_headers;
    struct har_strings status;
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct open_args, member)
static const struct har_field fields[] = {
    {"message", HAR_FIELD_JSON, AT(message),
     .help = "the first message as proto3 JSON, its strings are templates. A method that takes one "
             "message gets it, or the empty one, and END_STREAM"},
    {"messages", HAR_FIELD_JSON, AT(messages), .help = "an array of them, in place of `message`"},
    {"metadata", HAR_FIELD_JSON, AT(metadata),
     .help = "{\"name\": \"value\"}; values are templates, or {\"base64\": \"...\"} for a "
             "name-bin, or arrays"},
    {"deadline", HAR_FIELD_DURATION, AT(deadline), .help = "sent as grpc-timeout"},
    {"headers", HAR_FIELD_BOOL, AT(wants_headers),
     .help = "true: done when the server's headers have come, not when the request is on the wire"},
    {"status", HAR_FIELD_STRINGS, AT(status),
     .help = "statuses by which the server may end the stream; default OK"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it ends it otherwise"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

static const char *problem(const void *args)
{
    const struct open_args *open = args;
    if (open->message != NULL && open->messages != NULL) {
        return "'message' and 'messages' exclude each other";
    }
    if (open->messages != NULL && !json_is_array(open->messages)) {
        return "'messages' is an array of messages";
    }
    return har_generic_metadata_problem(open->metadata);
}

static bool fits(const struct har_fit *fit, struct sl_error *reterr_error)
{
    const struct open_args *args = fit->node->args;
    size_t at = 0;
    json_t *message = NULL;
    bool is_good = args->message == NULL ||
                   har_json_is_message(fit->pool, fit->method->input, args->message, reterr_error);
    json_array_foreach (args->messages, at, message) {
        is_good =
            is_good && har_json_is_message(fit->pool, fit->method->input, message, reterr_error);
    }
    if (is_good && !fit->method->is_client_streaming && json_array_size(args->messages) > 1) {
        (void)sl_error_set(reterr_error, SL_MALFORMED, "%s takes one message", fit->method->path);
        is_good = false;
    }
    return is_good;
}

/* The messages that go with the request; noted as sent. */
static bool collect(struct har_step *step, struct har_actor *actor, struct har_inbox *messages)
{
    const struct open_args *args = step->node->args;
    bool takes_one = !actor->method->is_client_streaming;
    size_t count = args->messages != NULL ? json_array_size(args->messages)
                                          : args->message != NULL || takes_one;
    struct sl_buf payload;
    sl_buf_init(&payload, HAR_JSON_MESSAGE_MAX);
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++) {
        json_t *template =
            args->messages != NULL ? json_array_get(args->messages, i) : args->message;
        is_good = har_generic_encode(actor, step->node, template, actor->sent_count, &payload) &&
                  har_inbox_add(messages, sl_buf_span(&payload)) == SL_OK;
        if (is_good) {
            uint32_t sequence = har_actor_note_sent(actor, NULL, sl_clock_mono_ns());
            actor->sent[sequence].sent_ns = actor->sent[sequence].due_ns = sl_clock_mono_ns();
            actor->sent[sequence].phase = har_track_phase(step->track);
        }
    }
    sl_buf_release(&payload);
    return is_good;
}

static void open_one(struct har_step *step, struct har_actor *actor)
{
    const struct open_args *args = step->node->args;
    struct sl_headers metadata = {0};
    struct har_inbox messages;
    har_inbox_init(&messages, NULL);
    actor->method = har_generic_method(step->play, step->node, actor->spec->method);
    uint32_t before = actor->sent_count;
    if (actor->method != NULL &&
        har_generic_metadata(actor, step->node, args->metadata, &metadata) &&
        collect(step, actor, &messages)) {
        struct har_open_config config = {
            .messages = &messages,
            .metadata = &metadata,
            .timeout_ns = har_play_ns(step->play, &args->deadline, 0),
            .is_half_closed = !actor->method->is_client_streaming,
            .status = &args->status,
            .rule = args->rule,
        };
        har_generic_open(actor, actor->method, &config);
        actor->replied = before;
    }
    har_inbox_release(&messages);
    sl_headers_release(&metadata);
}

static void start(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (!step->play->is_over) {
            open_one(step, actor);
        }
    }
}

static void poll(struct har_step *step)
{
    const struct open_args *args = step->node->args;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        bool is_sent = actor->link->is_connected && actor->stream != NULL &&
                       (har_stream_id(actor->stream) != 0 || actor->link->is_core);
        bool is_there = args->wants_headers ? actor->has_headers : is_sent;
        step->is_done &= is_there || actor->state == HAR_STREAM_ENDED;
    }
    har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct open_args *args = step->node->args;
    (void)snprintf(text, size, "%s",
                   args->wants_headers ? "the server's headers did not come"
                                       : "the stream could not be opened");
}

static const char *rule_of(const struct har_step *step)
{
    const struct open_args *args = step->node->args;
    return args->rule;
}

const struct har_step_type har_step_open = {
    .name = "open",
    .help = "opens the actor's stream, anew where there is one",
    .example = "{\"stream\": {\"open\": {\"message\": {\"service\": \"\"}, \"headers\": true"
               ", \"status\": [\"OK\", \"CANCELLED\"]}}}",
    .kinds = HAR_BIT(HAR_STREAM),
    HAR_STEP_ARGS(struct open_args, fields),
    .rule_of = rule_of,
    .within_offset = offsetof(struct open_args, within),
    .problem = problem,
    .fits = fits,
    .start = start,
    .poll = poll,
    .tell = tell,
};
