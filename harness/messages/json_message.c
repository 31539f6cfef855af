/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/messages/json_message.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/schema/protojson.h"

enum {
    TEMPLATE_MAX = 4 * 1024 * 1024, /* bytes of one expanded string */
};

/* play NULL: for a check without a play, every name stands for 0. */
static json_t *expand_string(const struct har_play *play, json_t *json,
                             struct har_message_place place)
{
    const char *text = json_string_value(json);
    if (strlen(text) != json_string_length(json) || strchr(text, '{') == NULL) {
        return json_incref(json); /* NUL inside: as it is */
    }
    struct sl_buf out;
    sl_buf_init(&out, TEMPLATE_MAX);
    while (*text != '\0') {
        if (strncmp(text, "{room}", 6) == 0) {
            (void)sl_buf_addf(&out, "sluice-%08x", play == NULL ? 0 : play->stamp);
            text += 6;
        } else if (strncmp(text, "{i}", 3) == 0) {
            (void)sl_buf_addf(&out, "%u", place.index);
            text += 3;
        } else if (strncmp(text, "{n}", 3) == 0) {
            (void)sl_buf_addf(&out, "%u", place.sequence);
            text += 3;
        } else {
            (void)sl_buf_add_u8(&out, (uint8_t)*text++);
        }
    }
    json_t *copy = json_string(sl_buf_str(&out));
    sl_buf_release(&out);
    return copy;
}

static json_t *expand(const struct har_play *play, json_t *json, struct har_message_place place)
{
    if (json_is_string(json)) {
        return expand_string(play, json, place);
    }
    if (json_is_array(json)) {
        json_t *copy = json_array();
        size_t at = 0;
        json_t *item = NULL;
        json_array_foreach (json, at, item) {
            (void)json_array_append_new(copy, expand(play, item, place));
        }
        return copy;
    }
    if (json_is_object(json)) {
        json_t *copy = json_object();
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach (json, key, value) {
            (void)json_object_set_new(copy, key, expand(play, value, place));
        }
        return copy;
    }
    return json_incref(json);
}

json_t *har_json_expand(const struct har_play *play, json_t *json, struct har_message_place place)
{
    return expand(play, json, place);
}

static bool encode(const struct sl_pool *pool, const struct har_play *play,
                   const struct sl_message_type *type, json_t *template,
                   struct har_message_place place, struct sl_buf *out,
                   struct sl_error *reterr_error)
{
    json_t *json = template == NULL ? json_object() : expand(play, template, place);
    sl_buf_clear(out);
    enum sl_status status = sl_protojson_read(pool, type, json, out, reterr_error);
    json_decref(json);
    return status == SL_OK;
}

bool har_json_encode(const struct har_play *play, const struct sl_message_type *type,
                     json_t *template, struct har_message_place place, struct sl_buf *out,
                     struct sl_error *reterr_error)
{
    return encode(play->config.pool, play, type, template, place, out, reterr_error);
}

bool har_json_is_message(const struct sl_pool *pool, const struct sl_message_type *type,
                         json_t *template, struct sl_error *reterr_error)
{
    struct sl_buf out;
    sl_buf_init(&out, HAR_JSON_MESSAGE_MAX);
    bool is_good =
        encode(pool, NULL, type, template, (struct har_message_place){0}, &out, reterr_error);
    sl_buf_release(&out);
    return is_good;
}

json_t *har_json_decode(const struct sl_pool *pool, const struct sl_message_type *type,
                        struct sl_span bytes, char *why, size_t size)
{
    struct sl_buf text;
    struct sl_json_out out;
    struct sl_protojson_result result = {0};
    json_error_t error = {0};
    sl_buf_init(&text, HAR_JSON_MESSAGE_MAX);
    sl_json_out_init(&out, &text);
    enum sl_status status = sl_protojson_write(pool, type, bytes, &out, NULL, &result);
    json_t *json = NULL;
    if (status != SL_OK) {
        (void)snprintf(why, size, "%s", result.problem);
    } else {
        json =
            json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
        (void)snprintf(why, size, "%s", error.text);
    }
    sl_buf_release(&text);
    return json;
}
