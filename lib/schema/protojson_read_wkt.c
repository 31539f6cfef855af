/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_time.h"
#include "lib/schema/protojson_reader.h"

/* Tags of the well-known types' fields. */
enum {
    TAG_VARINT_1 = 1 << 3 | SL_WIRE_VARINT,
    TAG_VARINT_2 = 2 << 3 | SL_WIRE_VARINT,
    TAG_LEN_1 = 1 << 3 | SL_WIRE_LEN,
    TAG_LEN_2 = 2 << 3 | SL_WIRE_LEN,
};

static struct sl_span text_of(json_t *json)
{
    return sl_span(json_string_value(json), json_string_length(json));
}

/* The type that a type URL names: what stands after its last slash. */
static struct sl_span type_name(struct sl_span url)
{
    size_t at = url.len;
    while (at > 0 && url.data[at - 1] != '/') {
        at--;
    }
    return sl_span_from(url, at);
}

/* What the object holds beside "@type" when the type is in no set: base64 in "value". */
static enum sl_status read_opaque(struct sl_protojson_reader *r, const struct sl_field *value,
                                  json_t *json, const struct sl_proto_path *path)
{
    json_t *bytes = json_object_get(json, "value");
    if (!json_is_string(bytes) || json_object_size(json) != 2) {
        return sl_protojson_bad(r, path, "the \"@type\" is in no descriptor set");
    }
    struct sl_proto_path step = {path, sl_span_str("value"), 0};
    return sl_protojson_read_scalar(r, value, bytes, &step);
}

/* The message inside an Any, without its length. */
static enum sl_status read_inner(struct sl_protojson_reader *r, const struct sl_message_type *inner,
                                 json_t *json, const struct sl_proto_path *path)
{
    bool is_special = inner->well_known != SL_WKT_NONE && inner->well_known != SL_WKT_EMPTY;
    json_t *value = json_object_get(json, "value");
    if (inner->well_known == SL_WKT_EMPTY && json_is_object(value)) {
        return json_object_size(value) == 0 && json_object_size(json) == 2
                   ? SL_OK
                   : sl_protojson_bad(r, path, "google.protobuf.Empty has no fields");
    }
    if (!is_special) {
        r->any = json;
        r->depth++;
        enum sl_status status = sl_protojson_read_members(r, inner, json, path);
        r->depth--;
        return status;
    }
    if (value == NULL || json_object_size(json) != 2) {
        return sl_protojson_bad(r, path, "\"value\" is to hold the %s", inner->full_name);
    }
    struct sl_proto_path step = {path, sl_span_str("value"), 0};
    return sl_protojson_read_message(r, inner, value, &step);
}

static enum sl_status read_any(struct sl_protojson_reader *r, const struct sl_message_type *type,
                               json_t *json, const struct sl_proto_path *path)
{
    if (json_is_object(json) && json_object_size(json) == 0) {
        return SL_OK;
    }
    json_t *url = json_object_get(json, "@type");
    if (!json_is_string(url)) {
        return sl_protojson_bad(r, path, "an object with \"@type\" is wanted here");
    }
    if (memchr(json_string_value(url), '/', json_string_length(url)) == NULL) { /* any.proto */
        return sl_protojson_bad(r, path, "the \"@type\" is no type URL: it has no slash");
    }
    (void)sl_buf_add_u8(r->out, TAG_LEN_1);
    (void)sl_buf_add_varint(r->out, json_string_length(url));
    (void)sl_buf_add_span(r->out, text_of(url));
    (void)sl_buf_add_u8(r->out, TAG_LEN_2);
    const struct sl_message_type *inner = sl_pool_message(r->pool, type_name(text_of(url)));
    if (inner == NULL) {
        return read_opaque(r, &type->fields[1], json, path);
    }
    size_t start = r->out->len;
    enum sl_status status = r->depth > SL_PROTO_DEPTH_MAX ? SL_LIMIT : SL_OK;
    if (status != SL_OK) {
        (void)sl_protojson_bad(r, path, "messages nest deeper than %d", SL_PROTO_DEPTH_MAX);
        return status;
    }
    status = read_inner(r, inner, json, path);
    if (status == SL_OK && r->out->len == start) {
        sl_buf_truncate(r->out, start - 1); /* an empty value is left out, with its tag */
    } else if (status == SL_OK) {
        sl_protojson_put_length(r->out, start);
    }
    return status;
}

static enum sl_status read_time(struct sl_protojson_reader *r, const struct sl_message_type *type,
                                json_t *json, const struct sl_proto_path *path)
{
    bool is_timestamp = type->well_known == SL_WKT_TIMESTAMP;
    struct sl_proto_time time = {0};
    enum sl_status status = SL_MALFORMED;
    if (json_is_string(json)) {
        status = is_timestamp ? sl_proto_time_timestamp_read(text_of(json), &time)
                              : sl_proto_time_duration_read(text_of(json), &time);
    }
    if (status == SL_LIMIT) {
        return sl_protojson_bad(r, path, "the time is out of range");
    }
    if (status != SL_OK) {
        return sl_protojson_bad(r, path,
                                is_timestamp ? "a time as \"2026-01-02T03:04:05Z\" is wanted here"
                                             : "a duration as \"1.5s\" is wanted here");
    }
    if (time.seconds != 0) {
        (void)sl_buf_add_u8(r->out, TAG_VARINT_1);
        (void)sl_buf_add_varint(r->out, (uint64_t)time.seconds);
    }
    if (time.nanos != 0) {
        (void)sl_buf_add_u8(r->out, TAG_VARINT_2);
        (void)sl_buf_add_varint(r->out, (uint64_t)(int64_t)time.nanos);
    }
    return SL_OK;
}

/* "userId,name.firstName" to the paths user_id and name.first_name. */
static enum sl_status read_field_mask(struct sl_protojson_reader *r, json_t *json,
                                      const struct sl_proto_path *path)
{
    if (!json_is_string(json)) {
        return sl_protojson_bad(r, path, "a string of paths is wanted here");
    }
    struct sl_span text = text_of(json);
    size_t at = 0;
    while (at < text.len) {
        (void)sl_buf_add_u8(r->out, TAG_LEN_1);
        size_t start = r->out->len;
        for (; at < text.len && text.data[at] != ','; at++) {
            uint8_t c = text.data[at];
            if (c == '_') {
                return sl_protojson_bad(r, path, "a path of a field mask is in camel case");
            }
            if (c >= 'A' && c <= 'Z') {
                (void)sl_buf_add_u8(r->out, '_');
                c = (uint8_t)(c - 'A' + 'a');
            }
            (void)sl_buf_add_u8(r->out, c);
        }
        sl_protojson_put_length(r->out, start);
        at++;
    }
    return SL_OK;
}

/* The member of google.protobuf.Value that a JSON value is. */
static enum sl_status read_value(struct sl_protojson_reader *r, const struct sl_message_type *type,
                                 json_t *json, const struct sl_proto_path *path)
{
    uint32_t number = 0;
    switch (json_typeof(json)) {
    case JSON_NULL:
        number = 1;
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        number = 2;
        break;
    case JSON_STRING:
        number = 3;
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        number = 4;
        break;
    case JSON_OBJECT:
        number = 5;
        break;
    case JSON_ARRAY:
        number = 6;
        break;
    }
    return sl_protojson_read_field(r, &type->fields[number - 1], json, path);
}

enum sl_status sl_protojson_read_special(struct sl_protojson_reader *r,
                                         const struct sl_message_type *type, json_t *json,
                                         const struct sl_proto_path *path)
{
    switch ((int)type->well_known) {
    case SL_WKT_ANY:
        return read_any(r, type, json, path);
    case SL_WKT_TIMESTAMP:
    case SL_WKT_DURATION:
        return read_time(r, type, json, path);
    case SL_WKT_FIELD_MASK:
        return read_field_mask(r, json, path);
    case SL_WKT_VALUE:
        return read_value(r, type, json, path);
    default: /* Struct, ListValue and wrappers: their one field without its name */
        return sl_protojson_read_field(r, &type->fields[0], json, path);
    }
}
