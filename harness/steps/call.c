/* SPDX-License-Identifier: Apache-2.0 */
/* call: any unary method with a JSON message, and what must be answered. */
#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/schema/protojson.h"
#include "lib/wire/grpc_status.h"

enum {
    MESSAGE_MAX = 16 * 1024 * 1024,
};

struct call_args {
    json_t *message;
    const char *method, *bytes;
    struct har_strings status;
    json_t *reply;
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct call_args, member)
static const struct har_field fields[] = {
    {"method", HAR_FIELD_STRING, AT(method), .is_required = true,
     .help = "\"/package.Service/Method\""},
    {"message", HAR_FIELD_JSON, AT(message),
     .help = "the request as proto3 JSON, strings are templates; none: zero bytes"},
    {"bytes", HAR_FIELD_STRING, AT(bytes),
     .help = "the request in hex digits, in place of message: it need be no protobuf"},
    {"status", HAR_FIELD_STRINGS, AT(status),
     .help = "statuses that are right, or \"not OK\" for all others; default OK"},
    {"reply", HAR_FIELD_JSON, AT(reply), .help = "fields that the reply must have, as proto3 JSON"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it is answered otherwise"},
    {"why", HAR_FIELD_STRING, AT(why), .help = NULL},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

struct state {
    struct har_step *step;
    uint32_t issued, answered;
};

/* A copy of json with all strings expanded. */
static json_t *expand(const struct har_play *play, json_t *json, unsigned index)
{
    if (json_is_string(json)) {
        const char *text = json_string_value(json);
        if (strlen(text) != json_string_length(json)) {
            return json_incref(json); /* NUL inside: as it is */
        }
        char *expanded = har_play_expand(play, text, index);
        json_t *copy = json_string(expanded);
        sl_free(expanded);
        return copy;
    }
    if (json_is_array(json)) {
        json_t *copy = json_array();
        size_t at = 0;
        json_t *item = NULL;
        json_array_foreach (json, at, item) {
            (void)json_array_append_new(copy, expand(play, item, index));
        }
        return copy;
    }
    if (json_is_object(json)) {
        json_t *copy = json_object();
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach (json, key, value) {
            (void)json_object_set_new(copy, key, expand(play, value, index));
        }
        return copy;
    }
    return json_incref(json);
}

static bool is_default(const json_t *json)
{
    return json_is_null(json) || json_is_false(json) ||
           (json_is_string(json) &&
            (json_string_length(json) == 0 || strcmp(json_string_value(json), "0") == 0)) ||
           (json_is_number(json) && json_number_value(json) == 0) ||
           (json_is_array(json) && json_array_size(json) == 0);
}

/* The first key of wanted that got has not got so, or NULL. Proto3 JSON leaves out default values. */
static const char *mismatch(json_t *wanted, json_t *got)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (wanted, key, value) {
        json_t *seen = json_object_get(got, key);
        bool is_absent = seen == NULL && is_default(value);
        bool is_inner = json_is_object(value) && json_is_object(seen);
        if (is_inner ? mismatch(value, seen) != NULL : !is_absent && !json_equal(value, seen)) {
            return key;
        }
    }
    return NULL;
}

static void check_reply(struct har_step *step, const struct har_call *call,
                        const struct sl_method *method)
{
    const struct call_args *args = step->node->args;
    struct sl_buf text;
    struct sl_json_out out;
    struct sl_protojson_result result = {0};
    sl_buf_init(&text, MESSAGE_MAX);
    sl_json_out_init(&out, &text);
    enum sl_status status = sl_protojson_write(step->play->config.pool, method->output,
                                               sl_buf_span(&call->reply), &out, NULL, &result);
    json_t *got = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
    json_t *wanted = expand(step->play, args->reply, call->actor->index);
    if (status != SL_OK) {
        har_play_fail(step->play, step->node, args->rule, "the reply of %s is malformed: %s",
                      args->method, result.problem);
    } else if (call->messages != 1) {
        har_play_fail(step->play, step->node, args->rule, "%s was answered with %u messages",
                      args->method, call->messages);
    } else if (mismatch(wanted, got) != NULL) {
        har_play_fail(step->play, step->node, args->rule, "%s: '%s' is not as it must be in %.300s",
                      args->method, mismatch(wanted, got), sl_buf_str(&text));
    }
    json_decref(got);
    json_decref(wanted);
    sl_buf_release(&text);
}

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct state *state = call->owner;
    struct har_step *step = state->step;
    const struct call_args *args = step->node->args;
    const char *name = sl_grpc_status_name(result->code);
    bool is_right = args->status.count == 0 && result->code == SL_GRPC_OK;
    /* The end of the connection takes its other calls along, and is no answer. */
    bool is_refused = result->code != SL_GRPC_OK && result->source != SL_FROM_CONNECTION_CLOSED;
    for (size_t i = 0; i < args->status.count; i++) {
        is_right |= name != NULL && strcmp(args->status.items[i], name) == 0;
        is_right |= is_refused && strcmp(args->status.items[i], "not OK") == 0;
    }
    state->answered++;
    if (!is_right) {
        har_play_fail(step->play, step->node, args->rule, "%s was answered with %s%s%.200s (%s)",
                      args->method, name == NULL ? "an unknown status" : name,
                      result->message[0] == '\0' ? "" : ": ", result->message,
                      sl_status_source_name(result->source));
        return;
    }
    const struct sl_method *method =
        sl_pool_method(step->play->config.pool, sl_span_str(args->method));
    if (result->code == SL_GRPC_OK && args->reply != NULL && method != NULL) {
        check_reply(step, call, method);
    }
}

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

static bool encode(struct har_step *step, struct har_actor *actor, struct sl_buf *payload)
{
    const struct call_args *args = step->node->args;
    struct sl_error error = {0};
    if (args->bytes != NULL) {
        return add_hex(step, args->bytes, payload);
    }
    if (args->message == NULL && args->reply == NULL) {
        return true;
    }
    const struct sl_method *method =
        sl_pool_method(step->play->config.pool, sl_span_str(args->method));
    if (method == NULL || method->input == NULL || method->output == NULL) {
        har_play_mistake(step->play, step->node->path, "the method %s is in no known schema",
                         args->method);
        return false;
    }
    json_t *json =
        args->message == NULL ? json_object() : expand(step->play, args->message, actor->index);
    enum sl_status status =
        sl_protojson_read(step->play->config.pool, method->input, json, payload, &error);
    json_decref(json);
    if (status != SL_OK) {
        har_play_mistake(step->play, step->node->path, "the message is no %s: %s",
                         method->input->full_name, error.text);
    }
    return status == SL_OK;
}

static void start(struct har_step *step)
{
    struct state *state = step->state;
    const struct call_args *args = step->node->args;
    state->step = step;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct sl_buf payload;
        sl_buf_init(&payload, MESSAGE_MAX);
        if (!step->play->is_over && encode(step, actor, &payload)) {
            (void)har_actor_call(actor, args->method, sl_buf_span(&payload), on_reply, state);
            state->issued++;
        }
        sl_buf_release(&payload);
    }
}

static void poll(struct har_step *step)
{
    const struct state *state = step->state;
    step->is_done = state->answered == state->issued;
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct call_args *args = step->node->args;
    (void)snprintf(text, size, "%s was not answered", args->method);
}

static const char *rule_of(const struct har_step *step)
{
    const struct call_args *args = step->node->args;
    return args->rule == NULL ? "RES-02" : args->rule;
}

const struct har_step_type har_step_call = {
    .name = "call",
    .help = "calls a unary method with a JSON message and checks status and reply",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CLIENT) | HAR_BIT(HAR_SUBSCRIBER) |
             HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_RAW),
    HAR_STEP_ARGS(struct call_args, fields),
    .state_size = sizeof(struct state),
    .rule = "RES-02",
    .rule_of = rule_of,
    .within_offset = offsetof(struct call_args, within),
    .start = start,
    .poll = poll,
    .tell = tell,
};
