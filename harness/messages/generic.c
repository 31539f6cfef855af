/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/messages/generic.h"

#include <ctype.h>
#include <stdio.h>

#include "harness/engine/notes.h"
#include "harness/messages/json_message.h"
#include "harness/story/chronicle.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"
#include "lib/wire/grpc_status.h"

enum {
    METADATA_BYTES_MAX = 64 * 1024, /* of one value */
};

const struct sl_method *har_generic_method(struct har_play *play, const struct har_node *node,
                                           const char *path)
{
    const struct sl_method *method = sl_pool_method(play->config.pool, sl_span_str(path));
    if (method == NULL || method->input == NULL || method->output == NULL) {
        har_play_mistake(play, node->path, "no schema knows %s %s",
                         method == NULL ? "the method" : "the types of", path);
        return NULL;
    }
    return method;
}

bool har_generic_is_ready(struct har_actor *actor, const struct har_node *node)
{
    if (actor->method == NULL) {
        har_play_mistake(actor->play, node->path, "the stream of %s[%u] was not opened",
                         actor->spec->name, actor->index);
    }
    return actor->method != NULL;
}

bool har_generic_encode(struct har_actor *actor, const struct har_node *node, json_t *template,
                        uint32_t sequence, struct sl_buf *out)
{
    struct sl_error error = {0};
    struct har_message_place place = {actor->index, sequence};
    bool is_good = har_json_encode(actor->play, actor->method->input, template, place, out, &error);
    if (!is_good) {
        har_play_mistake(actor->play, node->path, "the message is no %s: %s",
                         actor->method->input->full_name, error.text);
    }
    return is_good;
}

/* ---- metadata ---- */

static bool is_binary(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "-bin") == 0;
}

static const char *name_problem(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool is_good =
            islower((unsigned char)*c) || isdigit((unsigned char)*c) || strchr("-_.", *c) != NULL;
        if (!is_good) {
            return "names of metadata are lower-case letters, digits, '-', '_' and '.'";
        }
    }
    return name[0] == '\0' ? "metadata is {\"name\": \"value\"}" : NULL;
}

static const char *text_problem(const json_t *value)
{
    size_t len = json_string_length(value);
    if (!json_is_string(value) || strlen(json_string_value(value)) != len) {
        return "metadata is {\"name\": \"value\"}";
    }
    for (const char *c = json_string_value(value); *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            return "metadata values are printable ASCII";
        }
    }
    return NULL;
}

/* The bytes of {"base64": "..."}; false when it is none. */
static bool bytes_of(const json_t *value, struct sl_buf *out)
{
    const json_t *text = json_object_get(value, "base64");
    return json_is_string(text) && json_object_size(value) == 1 &&
           sl_base64_decode(sl_span(json_string_value(text), json_string_length(text)), out) ==
               SL_OK;
}

static const char *value_problem(const char *name, const json_t *value)
{
    if (!json_is_object(value)) {
        return text_problem(value);
    }
    struct sl_buf bytes;
    sl_buf_init(&bytes, METADATA_BYTES_MAX);
    bool is_good = is_binary(name) && bytes_of(value, &bytes);
    sl_buf_release(&bytes);
    return is_good ? NULL : "{\"base64\": \"...\"} is a value of metadata whose name ends in -bin";
}

const char *har_generic_trailers_problem(json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (json != NULL && !json_is_object(json)) {
        return "metadata is {\"name\": \"value\"}";
    }
    json_object_foreach (json, key, value) {
        const char *problem = name_problem(key);
        problem = problem != NULL ? problem : text_problem(value);
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

const char *har_generic_metadata_problem(json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (json != NULL && !json_is_object(json)) {
        return "metadata is {\"name\": \"value\"}";
    }
    json_object_foreach (json, key, value) {
        const char *problem = name_problem(key);
        size_t at = 0;
        json_t *one = NULL;
        json_array_foreach (value, at, one) {
            problem = problem != NULL ? problem : value_problem(key, one);
        }
        if (problem == NULL && !json_is_array(value)) {
            problem = value_problem(key, value);
        }
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

static bool add_value(const struct har_actor *actor, const char *key, const json_t *value,
                      struct sl_headers *metadata)
{
    if (json_is_object(value)) {
        struct sl_buf bytes;
        sl_buf_init(&bytes, METADATA_BYTES_MAX);
        bool is_good = bytes_of(value, &bytes) &&
                       sl_headers_add(metadata, sl_span_str(key), sl_buf_span(&bytes)) == SL_OK;
        sl_buf_release(&bytes);
        return is_good;
    }
    char *text = har_play_expand(actor->play, json_string_value(value), actor->index);
    bool is_good = sl_headers_add(metadata, sl_span_str(key), sl_span_str(text)) == SL_OK;
    sl_free(text);
    return is_good;
}

bool har_generic_metadata(struct har_actor *actor, const struct har_node *node, json_t *json,
                          struct sl_headers *ret_metadata)
{
    const struct har_play_config *config = &actor->play->config;
    const char *key = NULL;
    json_t *value = NULL;
    bool is_good = true;
    for (size_t i = 0; i < config->metadata_count; i++) {
        is_good &= sl_headers_add(ret_metadata, config->metadata[i].name,
                                  config->metadata[i].value) == SL_OK;
    }
    json_object_foreach (json, key, value) {
        size_t at = 0;
        json_t *one = NULL;
        json_array_foreach (value, at, one) {
            is_good &= add_value(actor, key, one, ret_metadata);
        }
        is_good &= json_is_array(value) || add_value(actor, key, value, ret_metadata);
    }
    if (!is_good) {
        har_play_mistake(actor->play, node->path, "too much metadata");
    }
    return is_good;
}

/* ---- the stream ---- */

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct har_actor *actor = owner;
    (void)stream;
    actor->messages++;
    actor->play->evidence++;
    if (!actor->play->is_over) {
        har_note_generic(actor, payload, now_ns);
    }
    har_play_touch(actor->play);
}

static void keep_trailers(struct har_actor *actor, const struct sl_headers *trailers)
{
    json_decref(actor->trailers);
    actor->trailers = json_object();
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++) {
        struct sl_span name = trailers->fields[i].name;
        struct sl_span value = trailers->fields[i].value;
        char key[128];
        if (name.len < sizeof(key)) {
            (void)snprintf(key, sizeof(key), "%.*s", SL_SPAN_ARG(name));
            (void)json_object_set_new(actor->trailers, key,
                                      json_stringn_nocheck((const char *)value.data, value.len));
        }
    }
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct har_actor *actor = owner;
    (void)stream;
    bool is_from_wire =
        result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY;
    actor->play->evidence += is_from_wire;
    keep_trailers(actor, result->trailers);
    har_actor_note_end(actor, result);
}

static const struct har_stream_handler handler = {.headers = har_actor_on_headers,
                                                  .message = on_message,
                                                  .drained = har_actor_on_drained,
                                                  .end = on_end};

void har_generic_open(struct har_actor *actor, const struct sl_method *method,
                      const struct har_open_config *config)
{
    struct har_stream_config stream = {
        .method = method->path,
        .metadata = config->metadata->fields,
        .metadata_count = config->metadata->count,
        .timeout_ns = config->timeout_ns,
        .is_manual = actor->spec->is_manual,
        .handler = &handler,
        .owner = actor,
    };
    har_stream_free(actor->stream);
    if (actor->inbox == NULL) {
        actor->inbox = sl_alloc(sizeof(*actor->inbox));
        har_inbox_init(actor->inbox, &actor->play->inbox_bytes);
    }
    actor->method = method;
    actor->end_status = config->status;
    actor->end_rule = config->rule;
    actor->end_text[0] = '\0';
    actor->read_count = actor->inbox->count;
    actor->replied = actor->sent_count; /* what the stream before left unanswered stays so */
    actor->stream = har_stream_new(har_actor_conn(actor), &stream);
    actor->state = HAR_STREAM_OPEN;
    actor->has_headers = actor->is_half_closed = false;
    actor->generation++;
    actor->opened_ns = sl_clock_mono_ns();
    har_chronicle_opened(actor);
    for (uint32_t i = 0; config->messages != NULL && i < config->messages->count; i++) {
        (void)har_stream_send(actor->stream, har_inbox_at(config->messages, i));
    }
    if (config->is_half_closed) {
        actor->is_half_closed = true;
        har_stream_half_close(actor->stream);
    }
}
