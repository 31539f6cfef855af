/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/protojson_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/schema/proto_feed.h"

/* A member of a JSON object and the field that it is. */
struct member {
    const struct sl_field *field;
    const char *key;
    json_t *value;
};

enum sl_status sl_protojson_bad(struct sl_protojson_reader *r, const struct sl_proto_path *path,
                                const char *format, ...)
{
    char text[SL_ERROR_TEXT_MAX / 2];
    char where[SL_PROTO_PATH_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return sl_error_set(r->error, SL_MALFORMED, "%s: %s", sl_proto_path_text(path, where), text);
}

void sl_protojson_put_length(struct sl_buf *out, size_t start)
{
    size_t len = out->len - start;
    size_t size = 1;
    for (size_t rest = len >> 7; rest > 0; rest >>= 7) {
        size++;
    }
    if (sl_buf_reserve(out, size) == NULL) {
        return; /* out is full now; sl_protojson_read() says so */
    }
    sl_buf_commit(out, size);
    uint8_t *at = out->data + start;
    memmove(at + size, at, len);
    for (size_t rest = len; rest >= 0x80; rest >>= 7) {
        *at++ = (uint8_t)(rest | 0x80);
    }
    *at = (uint8_t)(len >> (7 * (size - 1)));
}

static void put_tag(struct sl_buf *out, uint32_t number, enum sl_proto_wire wire)
{
    (void)sl_buf_add_varint(out, (uint64_t)number << 3 | (uint64_t)wire);
}

/* One value with its tag: of a singular field or an element. */
static enum sl_status read_one(struct sl_protojson_reader *r, const struct sl_field *field,
                               json_t *json, const struct sl_proto_path *path)
{
    put_tag(r->out, field->number, sl_proto_feed_wire(field));
    if (field->message == NULL) {
        return sl_protojson_read_scalar(r, field, json, path);
    }
    size_t start = r->out->len;
    enum sl_status status = sl_protojson_read_message(r, field->message, json, path);
    if (status == SL_OK && field->type == SL_TYPE_GROUP) {
        put_tag(r->out, field->number, SL_WIRE_GROUP_END);
    } else if (status == SL_OK) {
        sl_protojson_put_length(r->out, start);
    }
    return status;
}

/* null is a value of these two; of every other field it means that the field is not there. */
static bool takes_null(const struct sl_field *field)
{
    return (field->message != NULL && field->message->well_known == SL_WKT_VALUE) ||
           (field->enumeration != NULL && field->enumeration->is_null_value);
}

static enum sl_status read_array(struct sl_protojson_reader *r, const struct sl_field *field,
                                 json_t *json, const struct sl_proto_path *path)
{
    if (!json_is_array(json)) {
        return sl_protojson_bad(r, path, "an array is wanted here");
    }
    size_t count = json_array_size(json);
    if (field->is_packed && count > 0) {
        put_tag(r->out, field->number, SL_WIRE_LEN);
    }
    size_t start = r->out->len;
    for (size_t i = 0; i < count; i++) {
        json_t *element = json_array_get(json, i);
        struct sl_proto_path step = {.parent = path, .index = i};
        if (json_is_null(element) && !takes_null(field)) {
            return sl_protojson_bad(r, &step, "null cannot be an element");
        }
        enum sl_status status = field->is_packed
                                    ? sl_protojson_read_scalar(r, field, element, &step)
                                    : read_one(r, field, element, &step);
        if (status != SL_OK) {
            return status;
        }
    }
    if (field->is_packed && count > 0) {
        sl_protojson_put_length(r->out, start);
    }
    return SL_OK;
}

static enum sl_status read_map(struct sl_protojson_reader *r, const struct sl_field *field,
                               json_t *json, const struct sl_proto_path *path)
{
    if (!json_is_object(json)) {
        return sl_protojson_bad(r, path, "an object is wanted here");
    }
    const struct sl_field *key_field = &field->message->fields[0];
    const struct sl_field *value_field = &field->message->fields[1];
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        struct sl_span key = sl_span(json_object_iter_key(at), json_object_iter_key_len(at));
        json_t *value = json_object_iter_value(at);
        struct sl_proto_path step = {path, key.len == 0 ? sl_span_str("\"\"") : key, 0};
        if (json_is_null(value) && !takes_null(value_field)) {
            return sl_protojson_bad(r, &step, "null cannot be a value of a map");
        }
        put_tag(r->out, field->number, SL_WIRE_LEN);
        size_t start = r->out->len;
        put_tag(r->out, 1, sl_proto_feed_wire(key_field));
        enum sl_status status = sl_protojson_read_key(r, key_field, key, &step);
        if (status == SL_OK) {
            status = read_one(r, value_field, value, &step);
        }
        if (status != SL_OK) {
            return status;
        }
        sl_protojson_put_length(r->out, start);
    }
    return SL_OK;
}

/* True when out holds, from start on, the tag and a value that a field without presence leaves out. */
static bool is_default(const struct sl_field *field, const struct sl_buf *out, size_t start)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, sl_span_from(sl_buf_span(out), start));
    return !field->has_presence && sl_proto_rd_next(&rd, &record) && record.value == 0 &&
           record.bytes.len == 0;
}

enum sl_status sl_protojson_read_field(struct sl_protojson_reader *r, const struct sl_field *field,
                                       json_t *json, const struct sl_proto_path *path)
{
    bool is_message = field->type == SL_TYPE_MESSAGE || field->type == SL_TYPE_GROUP;
    if ((is_message && field->message == NULL) ||
        (field->type == SL_TYPE_ENUM && field->enumeration == NULL)) {
        return sl_protojson_bad(r, path, "the type of this field is in no descriptor set");
    }
    if (field->is_map) {
        return read_map(r, field, json, path);
    }
    if (field->is_repeated) {
        return read_array(r, field, json, path);
    }
    size_t start = r->out->len;
    enum sl_status status = read_one(r, field, json, path);
    if (status == SL_OK && !r->out->is_full && is_default(field, r->out, start)) {
        sl_buf_truncate(r->out, start);
    }
    return status;
}

/* The field that a JSON name means: either of its names, or "[full.name]" of an extension. */
static const struct sl_field *field_of_key(struct sl_protojson_reader *r,
                                           const struct sl_message_type *type, struct sl_span key)
{
    if (key.len > 2 && key.data[0] == '[' && key.data[key.len - 1] == ']') {
        return sl_pool_extension_named(r->pool, type, sl_span(key.data + 1, key.len - 2));
    }
    return sl_message_type_field_named(type, key);
}

/* Looks up the members that have a value. */
static enum sl_status find_members(struct sl_protojson_reader *r,
                                   const struct sl_message_type *type, json_t *json,
                                   const struct sl_proto_path *path, struct member *members,
                                   size_t *ret_count)
{
    *ret_count = 0;
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        const char *key = json_object_iter_key(at);
        struct sl_span name = sl_span(key, json_object_iter_key_len(at));
        if (json == r->any && sl_span_is(name, "@type")) {
            continue;
        }
        const struct sl_field *field = field_of_key(r, type, name);
        json_t *value = json_object_iter_value(at);
        if (field == NULL) {
            return sl_protojson_bad(r, path, "%s has no field \"%.80s\"", type->full_name, key);
        }
        if (!json_is_null(value) || takes_null(field)) {
            members[(*ret_count)++] = (struct member){field, key, value};
        }
    }
    return SL_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t left = ((const struct member *)a)->field->number;
    uint32_t right = ((const struct member *)b)->field->number;
    return left < right ? -1 : left > right;
}

/* A field must not come under both its names, and of a oneof only one member. */
static enum sl_status check_members(struct sl_protojson_reader *r,
                                    const struct sl_message_type *type,
                                    const struct sl_proto_path *path, const struct member *members,
                                    size_t count)
{
    const char **oneofs = sl_calloc(type->oneof_count, sizeof(*oneofs));
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        const struct sl_field *field = members[i].field;
        if (i > 0 && field == members[i - 1].field) {
            status = sl_protojson_bad(r, path, "field \"%s\" is given twice", field->name);
        } else if (field->oneof >= 0 && oneofs[field->oneof] != NULL) {
            status = sl_protojson_bad(r, path, "\"%s\" and \"%s\" exclude each other",
                                      oneofs[field->oneof], field->name);
        } else if (field->oneof >= 0) {
            oneofs[field->oneof] = field->name;
        }
    }
    sl_free(oneofs);
    return status;
}

enum sl_status sl_protojson_read_members(struct sl_protojson_reader *r,
                                         const struct sl_message_type *type, json_t *json,
                                         const struct sl_proto_path *path)
{
    if (!json_is_object(json)) {
        return sl_protojson_bad(r, path, "an object is wanted here, for %s", type->full_name);
    }
    struct member *members = sl_calloc(json_object_size(json), sizeof(*members));
    size_t count = 0;
    enum sl_status status = find_members(r, type, json, path, members, &count);
    if (status == SL_OK) {
        qsort(members, count, sizeof(*members), by_number);
        status = check_members(r, type, path, members, count);
    }
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        struct sl_proto_path step = {path, sl_span_str(members[i].key), 0};
        status = sl_protojson_read_field(r, members[i].field, members[i].value, &step);
    }
    sl_free(members);
    return status;
}

enum sl_status sl_protojson_read_message(struct sl_protojson_reader *r,
                                         const struct sl_message_type *type, json_t *json,
                                         const struct sl_proto_path *path)
{
    if (r->depth > SL_PROTO_DEPTH_MAX) {
        (void)sl_protojson_bad(r, path, "messages nest deeper than %d", SL_PROTO_DEPTH_MAX);
        return SL_LIMIT;
    }
    r->depth++;
    bool is_plain = type->well_known == SL_WKT_NONE || type->well_known == SL_WKT_EMPTY;
    enum sl_status status = is_plain ? sl_protojson_read_members(r, type, json, path)
                                     : sl_protojson_read_special(r, type, json, path);
    r->depth--;
    return status;
}

enum sl_status sl_protojson_read(const struct sl_pool *pool, const struct sl_message_type *type,
                                 json_t *json, struct sl_buf *out, struct sl_error *reterr_error)
{
    struct sl_protojson_reader r = {.pool = pool, .out = out, .error = reterr_error};
    enum sl_status status = sl_protojson_read_message(&r, type, json, NULL);
    if (status == SL_LIMIT && reterr_error != NULL) {
        reterr_error->status = SL_LIMIT;
    }
    if (status == SL_OK && out->is_full) {
        return sl_error_set(reterr_error, SL_LIMIT, "$: the message is larger than %zu bytes",
                            out->max);
    }
    return status;
}
