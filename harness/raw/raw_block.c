/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/raw_block.h"

#include "harness/binding/bound.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/wire/hpack.h"

static const char *const representations[] = {"incremental", "plain", "never"};
enum {
    REPRESENTATIONS = sizeof(representations) / sizeof(representations[0]),
};
static const enum sl_hpack_literal literals[REPRESENTATIONS] = {
    SL_HPACK_INCREMENTAL, SL_HPACK_WITHOUT_INDEXING, SL_HPACK_NEVER_INDEXED};

/* --- headers --- */

static int find_representation(json_t *json)
{
    int i = 0;
    const char *text = json == NULL ? "plain" : json_string_value(json);
    while (i < REPRESENTATIONS && (text == NULL || strcmp(representations[i], text) != 0)) {
        i++;
    }
    return i;
}

const char *har_raw_headers_problem(json_t *json)
{
    bool is_good = json == NULL || json_is_array(json);
    for (size_t i = 0; i < json_array_size(json) && is_good; i++) {
        json_t *field = json_array_get(json, i);
        size_t count = json_array_size(field);
        is_good = (count == 2 || count == 3) && json_is_string(json_array_get(field, 0)) &&
                  json_is_string(json_array_get(field, 1)) &&
                  find_representation(json_array_get(field, 2)) < REPRESENTATIONS;
    }
    return is_good
               ? NULL
               : "headers must be [[name, value], ...], each with \"plain\", \"incremental\" or "
                 "\"never\" as a third member, if any";
}

static void add(struct sl_buf *out, const struct har_strings *without, const char *name,
                struct sl_span value)
{
    if (!har_strings_has(without, name)) {
        (void)sl_hpack_write_literal(out, SL_HPACK_WITHOUT_INDEXING, sl_span_str(name), value);
    }
}

/* PROTOCOL-HTTP2 "Binary-Header". */
void har_raw_metadata_write(const struct sl_header *field, struct sl_buf *out)
{
    struct sl_buf encoded;
    sl_buf_init(&encoded, SL_HPACK_LIST_MAX);
    bool is_binary =
        field->name.len > 4 && memcmp(field->name.data + field->name.len - 4, "-bin", 4) == 0;
    if (is_binary) {
        (void)sl_base64_encode(field->value, false, &encoded);
    }
    (void)sl_hpack_write_literal(out, SL_HPACK_WITHOUT_INDEXING, field->name,
                                 is_binary ? sl_buf_span(&encoded) : field->value);
    sl_buf_release(&encoded);
}

/* The fields that every request has (PROTOCOL-HTTP2 "Requests"). */
static void add_request(const struct har_actor *actor, const char *request,
                        const struct har_strings *without, struct sl_buf *out)
{
    const struct har_play *play = actor->play;
    const char *scheme = play->config.conn.tls == NULL ? "http" : "https";
    struct sl_buf path;
    sl_buf_init(&path, SL_HPACK_LIST_MAX);
    har_binding_path(play->config.binding, request, &path);
    add(out, without, ":method", sl_span_str("POST"));
    add(out, without, ":scheme", sl_span_str(scheme));
    add(out, without, ":path", sl_buf_span(&path));
    add(out, without, ":authority", sl_span_str(har_conn_authority(actor->link->conn)));
    add(out, without, "te", sl_span_str("trailers"));
    add(out, without, "content-type", sl_span_str("application/grpc"));
    for (size_t i = 0; i < play->config.metadata_count; i++) {
        har_raw_metadata_write(&play->config.metadata[i], out);
    }
    sl_buf_release(&path);
}

static struct sl_span bytes_of(json_t *json)
{
    return sl_span(json_string_value(json), json_string_length(json));
}

void har_raw_block_write(const struct har_actor *actor, const char *request,
                         const struct har_strings *without, json_t *headers, struct sl_buf *out)
{
    if (request != NULL) {
        add_request(actor, request, without, out);
    }
    for (size_t i = 0; i < json_array_size(headers); i++) {
        json_t *field = json_array_get(headers, i);
        (void)sl_hpack_write_literal(out, literals[find_representation(json_array_get(field, 2))],
                                     bytes_of(json_array_get(field, 0)),
                                     bytes_of(json_array_get(field, 1)));
    }
}

/* --- settings --- */

/* 0: no such name. */
static uint16_t setting_id(const char *name)
{
    for (uint16_t id = 1; sl_h2_setting_name(id) != NULL; id++) {
        if (strcmp(sl_h2_setting_name(id), name) == 0) {
            return id;
        }
    }
    return 0;
}

static bool is_number(json_t *json, json_int_t max)
{
    return json_is_integer(json) && json_integer_value(json) >= 0 &&
           json_integer_value(json) <= max;
}

const char *har_raw_settings_problem(json_t *json)
{
    bool is_good = json == NULL || json_is_object(json) || json_is_array(json);
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (json, name, value) {
        is_good &= setting_id(name) != 0 && is_number(value, UINT32_MAX);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        json_t *pair = json_array_get(json, i);
        is_good &= json_array_size(pair) == 2 && is_number(json_array_get(pair, 0), UINT16_MAX) &&
                   is_number(json_array_get(pair, 1), UINT32_MAX);
    }
    return is_good ? NULL : "settings must be {name: value} or [[id, value], ...]";
}

void har_raw_settings_write(json_t *json, struct sl_buf *out)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (json, name, value) {
        (void)sl_buf_add_be16(out, setting_id(name));
        (void)sl_buf_add_be32(out, (uint32_t)json_integer_value(value));
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        json_t *pair = json_array_get(json, i);
        (void)sl_buf_add_be16(out, (uint16_t)json_integer_value(json_array_get(pair, 0)));
        (void)sl_buf_add_be32(out, (uint32_t)json_integer_value(json_array_get(pair, 1)));
    }
}
