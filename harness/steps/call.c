/* SPDX-License-Identifier: Apache-2.0 */
/* call: any method with JSON messages, as often as wanted, and what must be answered. */
#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/messages/expect.h"
#include "harness/messages/generic.h"
#include "harness/steps/pace.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

struct call_args {
    json_t *message;
    const char *method, *bytes;
    json_t *messages, *metadata;
    struct har_expr deadline;
    struct har_pace_args pace;
    struct har_strings status;
    json_t *reply;
    struct har_range replies;
    struct har_expect_args expect;
    json_t *trailers;
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct call_args, member)
static const struct har_field fields[] = {
    {"method", HAR_FIELD_STRING, AT(method), .is_required = true,
     .help =
         "\"/package.Service/Method\", of any kind; or \"unary\": the unary method of the run's "
         "binding, by its own request"},
    {"message", HAR_FIELD_JSON, AT(message),
     .help = "the request as proto3 JSON, strings are templates; none: zero bytes"},
    {"bytes", HAR_FIELD_STRING, AT(bytes),
     .help = "the request in hex digits, in place of message: it need be no protobuf"},
    {"messages", HAR_FIELD_JSON, AT(messages),
     .help = "an array of them, for a method that takes a stream; all are sent, then END_STREAM"},
    {"metadata", HAR_FIELD_JSON, AT(metadata),
     .help = "{\"name\": \"value\"}; values are templates, or {\"base64\": \"...\"} for a "
             "name-bin, or arrays"},
    {"deadline", HAR_FIELD_DURATION, AT(deadline), .help = "sent as grpc-timeout"},
    HAR_PACE_ROWS(AT(pace)),
    {"status", HAR_FIELD_STRINGS, AT(status),
     .help = "statuses that are right, or \"not OK\" for all others; default OK"},
    {"reply", HAR_FIELD_JSON, AT(reply),
     .help = "the one reply that comes, and fields it must have"},
    {"replies", HAR_FIELD_RANGE, AT(replies), .help = "how many replies must come"},
    HAR_EXPECT_ROWS(AT(expect)),
    {"trailers", HAR_FIELD_JSON, AT(trailers),
     .help = "{\"name\": \"value\"} that the trailing metadata must have"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it is answered otherwise"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

struct state {
    struct har_step *step;
    struct har_pace pace;
    const struct sl_method *method; /* NULL: only bytes without meaning are sent and counted */
};

/* Of a role by the binding, or as the scenario has it. */
static const char *path_of(const struct har_play *play, const struct call_args *args)
{
    enum har_role role = har_role_of(args->method);
    return role == HAR_ROLES ? args->method : har_bound_method(play, role);
}

/* A call without JSON on either side needs no schema: the empty message is zero bytes in every one. */
static bool needs_schema(const struct call_args *args)
{
    return args->message != NULL || args->messages != NULL || args->reply != NULL ||
           args->expect.each != NULL || args->expect.sequence != NULL;
}

static const char *problem(const void *args)
{
    const struct call_args *call = args;
    if (call->message != NULL && call->messages != NULL) {
        return "'message' and 'messages' exclude each other";
    }
    if (call->messages != NULL && !json_is_array(call->messages)) {
        return "'messages' is an array of messages";
    }
    if (har_role_of(call->method) != HAR_ROLES && needs_schema(call)) {
        return "a method of the binding is called by its own request, and judged by its status";
    }
    const char *problem = har_generic_trailers_problem(call->trailers);
    problem = problem != NULL ? problem : har_generic_metadata_problem(call->metadata);
    problem = problem != NULL ? problem : har_expect_problem(&call->expect);
    return problem != NULL ? problem : har_pace_problem(&call->pace);
}

static const char *method_of(const void *args)
{
    const struct call_args *call = args;
    return needs_schema(call) ? call->method : NULL;
}

static bool fits(const struct har_fit *fit, struct sl_error *reterr_error)
{
    const struct call_args *args = fit->node->args;
    const struct sl_method *method = fit->method;
    size_t at = 0;
    json_t *message = NULL;
    bool is_good = args->message == NULL ||
                   har_json_is_message(fit->pool, method->input, args->message, reterr_error);
    json_array_foreach (args->messages, at, message) {
        is_good = is_good && har_json_is_message(fit->pool, method->input, message, reterr_error);
    }
    if (is_good && args->messages != NULL && !method->is_client_streaming) {
        (void)sl_error_set(reterr_error, SL_MALFORMED, "%s takes one message, not a stream",
                           method->path);
        return false;
    }
    return is_good && har_expect_value_fits(method->output, args->reply, "reply", reterr_error) &&
           har_expect_fits(method->output, &args->expect, reterr_error);
}

/* ---- what came ---- */

static bool check_count(struct har_step *step, const struct har_call *call)
{
    const struct call_args *args = step->node->args;
    const struct state *state = step->state;
    bool is_stream = state->method != NULL && state->method->is_server_streaming;
    size_t length = har_expect_length(&args->expect);
    double low = args->replies.low.is_set ? har_play_value(step->play, &args->replies.low, 0)
                 : length > 0             ? (double)length
                 : is_stream && args->reply == NULL ? 0
                                                    : 1;
    double high = args->replies.low.is_set ? har_play_value(step->play, &args->replies.high, low)
                  : length > 0             ? (double)length
                  : is_stream && args->reply == NULL ? HAR_INBOX_COUNT_MAX
                                                     : 1;
    if (call->messages >= low && call->messages <= high && !call->are_replies_cut) {
        return true;
    }
    har_play_fail(step->play, step->node, args->rule,
                  "%s was answered with %u messages, wanted %g%s", args->method, call->messages,
                  low, high > low ? " or more" : "");
    return false;
}

static void check_replies(struct har_step *step, const struct har_call *call)
{
    const struct call_args *args = step->node->args;
    const struct state *state = step->state;
    char why[HAR_MATCH_TEXT_MAX + 200];
    for (uint32_t i = 0; state->method != NULL && i < call->replies->count; i++) {
        struct har_expect_item item = {
            .type = state->method->output,
            .payload = har_inbox_at(call->replies, i),
            .number = i,
            .place = {call->actor->index, call->sequence},
        };
        bool is_judged = args->expect.each != NULL || args->expect.sequence != NULL;
        if ((is_judged || args->reply != NULL) &&
            !(har_expect_holds(step->play, &args->expect, &item, why, sizeof(why)) &&
              har_expect_value(step->play, args->reply, args->expect.is_exact, &item, why,
                               sizeof(why)))) {
            har_play_fail(step->play, step->node, args->rule, "%s, reply %u: %.400s", args->method,
                          i, why);
            return;
        }
    }
}

static void check_trailers(struct har_step *step, const struct har_stream_result *result)
{
    const struct call_args *args = step->node->args;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (args->trailers, key, value) {
        const struct sl_header *field =
            result->trailers == NULL ? NULL : sl_headers_find(result->trailers, key);
        if (field == NULL || !sl_span_is(field->value, json_string_value(value))) {
            har_play_fail(
                step->play, step->node, args->rule,
                "%s: the trailer '%.60s' is %s'%.*s', wanted '%.100s'", args->method, key,
                field == NULL ? "absent: " : "", field == NULL ? 0 : (int)field->value.len,
                field == NULL ? "" : (const char *)field->value.data, json_string_value(value));
            return;
        }
    }
}

static bool is_right_status(const struct call_args *args, const struct har_stream_result *result)
{
    const char *name = sl_grpc_status_name(result->code);
    bool is_right = args->status.count == 0 && result->code == SL_GRPC_OK;
    /* The end of the connection takes its other calls along, and is no answer. */
    bool is_refused = result->code != SL_GRPC_OK && result->source != SL_FROM_CONNECTION_CLOSED;
    for (size_t i = 0; i < args->status.count; i++) {
        is_right |= name != NULL && strcmp(args->status.items[i], name) == 0;
        is_right |= is_refused && strcmp(args->status.items[i], "not OK") == 0;
    }
    return is_right;
}

/* The records of a client are those of its calls, so that percentiles and counts speak of them. */
static void note(const struct har_call *call, const struct har_stream_result *result)
{
    struct har_actor *actor = call->actor;
    if (actor->spec->kind == HAR_CLIENT) {
        struct har_sent *sent = &actor->sent[call->sequence];
        sent->replied_ns = sl_clock_mono_ns();
        sent->code = result->code;
        sent->is_accepted = true;
        actor->replied++;
        actor->accepted++;
    }
}

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct state *state = call->owner;
    struct har_step *step = state->step;
    const struct call_args *args = step->node->args;
    struct har_progress *progress = &state->pace.of[call->actor->number - 1];
    progress->replied++;
    progress->replied_ns = sl_clock_mono_ns();
    if (!is_right_status(args, result)) {
        const char *name = sl_grpc_status_name(result->code);
        char wanted[100];
        har_strings_show(&args->status, "OK", wanted, sizeof(wanted));
        har_play_fail(step->play, step->node, args->rule,
                      "the server answered %s with %s%s%.160s (%s); wanted: %s", args->method,
                      name == NULL ? "an unknown status" : name,
                      result->message[0] == '\0' ? "" : ": ", result->message,
                      sl_status_source_name(result->source), wanted);
        return;
    }
    note(call, result);
    check_trailers(step, result);
    bool is_answered = result->code == SL_GRPC_OK || args->replies.low.is_set;
    if (is_answered && (needs_schema(args) || args->replies.low.is_set) &&
        check_count(step, call)) {
        check_replies(step, call);
    }
}

/* ---- what goes ---- */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

static bool add_hex(struct har_step *step, const char *hex, struct sl_buf *payload)
{
    for (size_t i = 0; hex[i] != '\0'; i += 2) {
        int high = digit_of(hex[i]);
        int low = digit_of(hex[i + 1]);
        if (high < 0 || low < 0) {
            har_play_mistake(step->play, step->node->path,
                             "'bytes' is no even number of hex digits");
            return false;
        }
        (void)sl_buf_add_u8(payload, (uint8_t)(high * 16 + low));
    }
    return true;
}

static bool encode(struct har_step *step, struct har_actor *actor, uint32_t sequence,
                   struct har_inbox *messages)
{
    const struct call_args *args = step->node->args;
    const struct state *state = step->state;
    size_t count = args->messages == NULL ? 1 : json_array_size(args->messages);
    struct har_message_place place = {actor->index, sequence};
    struct sl_error error = {0};
    struct sl_buf payload;
    sl_buf_init(&payload, HAR_JSON_MESSAGE_MAX);
    bool is_good = true;
    for (size_t i = 0; i < count && is_good; i++) {
        json_t *template =
            args->messages == NULL ? args->message : json_array_get(args->messages, i);
        if (har_role_of(args->method) == HAR_ROLE_UNARY) {
            har_bound_canary(step->play, &payload);
            is_good = har_inbox_add(messages, sl_buf_span(&payload)) == SL_OK;
            break;
        }
        if (args->bytes != NULL) {
            is_good = add_hex(step, args->bytes, &payload) &&
                      har_inbox_add(messages, sl_buf_span(&payload)) == SL_OK;
            break;
        }
        is_good = state->method == NULL || har_json_encode(step->play, state->method->input,
                                                           template, place, &payload, &error);
        is_good = is_good && har_inbox_add(messages, sl_buf_span(&payload)) == SL_OK;
    }
    sl_buf_release(&payload);
    if (!is_good) {
        har_play_mistake(step->play, step->node->path, "the message is no %s: %s",
                         state->method == NULL ? "message" : state->method->input->full_name,
                         error.text);
    }
    return is_good;
}

static uint32_t note_issue(struct har_step *step, struct har_actor *actor, struct har_due due)
{
    if (actor->spec->kind != HAR_CLIENT) {
        return 0;
    }
    uint32_t sequence = har_actor_note_sent(actor, NULL, due.intended_ns);
    struct har_sent *sent = &actor->sent[sequence];
    sent->phase = har_track_phase(step->track);
    sent->due_ns = due.due_ns;
    sent->sent_ns = sl_clock_mono_ns();
    return sequence;
}

static void issue(struct har_step *step, struct har_actor *actor, struct har_progress *progress,
                  struct har_due due)
{
    const struct call_args *args = step->node->args;
    struct sl_headers metadata = {0};
    struct har_inbox messages;
    har_inbox_init(&messages, NULL);
    uint32_t sequence = note_issue(step, actor, due);
    sequence = actor->spec->kind == HAR_CLIENT ? sequence : progress->issued - 1;
    if (encode(step, actor, sequence, &messages) &&
        har_generic_metadata(actor, step->node, args->metadata, &metadata)) {
        struct har_call_config config = {
            .method = path_of(step->play, args),
            .messages = &messages,
            .metadata = &metadata,
            .timeout_ns = har_play_ns(step->play, &args->deadline, 0),
            .done = on_reply,
            .owner = step->state,
        };
        har_actor_call_any(actor, &config)->sequence = sequence;
    }
    har_inbox_release(&messages);
    sl_headers_release(&metadata);
}

static uint32_t outstanding(const struct har_actor *actor, struct har_progress *progress)
{
    (void)actor;
    return progress->issued - progress->replied;
}

static void start(struct har_step *step)
{
    struct state *state = step->state;
    const struct call_args *args = step->node->args;
    state->step = step;
    state->pace.issue = issue;
    state->pace.outstanding = outstanding;
    if (needs_schema(args)) {
        state->method = har_generic_method(step->play, step->node, args->method);
    } else {
        state->method = sl_pool_method(step->play->config.pool, sl_span_str(args->method));
    }
    if (!step->play->is_over) {
        (void)har_pace_begin(step, &args->pace, args->within.is_set, &state->pace);
    }
}

static void stop(struct har_step *step)
{
    struct state *state = step->state;
    har_pace_release(&state->pace);
}

static void poll(struct har_step *step)
{
    struct state *state = step->state;
    bool is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        const struct har_progress *progress = &state->pace.of[actor->number - 1];
        is_done &= !step->play->is_over && har_pace_drive(step, &state->pace, actor) &&
                   progress->issued == progress->replied;
    }
    step->is_done = is_done;
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct state *state = step->state;
    const struct call_args *args = step->node->args;
    uint64_t left = 0;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        left += state->pace.of == NULL ? 0
                                       : state->pace.of[actor->number - 1].issued -
                                             state->pace.of[actor->number - 1].replied;
    }
    (void)snprintf(text, size, "the server did not answer %llu calls of %s by %s",
                   (unsigned long long)left, args->method, step->node->actor);
}

static const char *rule_of(const struct har_step *step)
{
    const struct call_args *args = step->node->args;
    return args->rule == NULL ? "RES-02" : args->rule;
}

const struct har_step_type har_step_call = {
    .name = "call",
    .help = "calls a method of any kind with JSON messages and checks status and replies",
    .example = "{\"client\": {\"call\": {\"method\": \"/chat.v1.ChatService/SendMessage"
               "\", \"message\": {\"room_id\": \"{room}\", \"text\": \"hello {n}\"}, \"reply"
               "\": {\"accepted\": true}, \"count\": 20, \"rate\": 10}}}",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CLIENT) | HAR_BIT(HAR_SUBSCRIBER) |
             HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_STREAM) | HAR_BIT(HAR_RAW),
    HAR_STEP_ARGS(struct call_args, fields),
    .state_size = sizeof(struct state),
    .rule = "RES-02",
    .rule_of = rule_of,
    .within_offset = offsetof(struct call_args, within),
    .problem = problem,
    .method_of = method_of,
    .fits = fits,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
