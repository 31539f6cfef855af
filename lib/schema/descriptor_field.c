/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/descriptor_reader.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/utf8.h"

/* A FieldDescriptorProto as it was read. */
struct field_proto {
    struct sl_span name, json_name, type_name, extendee, options;
    uint64_t number, label, type;
    int64_t oneof; /* -1: none */
    bool is_proto3_optional;
};

enum { LABEL_REQUIRED = 2, LABEL_REPEATED = 3 };

static char to_upper(char c)
{
    if (c < 'a' || c > 'z') {
        return c;
    }
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[c - 'a'];
}

/* Cuts the underscores out of name, in place, as protoc makes json_name: user_id to userId. */
static void to_camel_case(char *name)
{
    char *out = name;
    bool is_upper_next = false;
    for (const char *in = name; *in != '\0'; in++) {
        if (*in == '_') {
            is_upper_next = true;
            continue;
        }
        *out = *in;
        if (is_upper_next) {
            *out = to_upper(*in);
        }
        out++;
        is_upper_next = false;
    }
    *out = '\0';
}

static enum sl_status json_name(struct sl_descriptor_reader *r, const struct field_proto *proto,
                                const char **ret_name)
{
    bool is_given = proto->json_name.len > 0;
    struct sl_span text = is_given ? proto->json_name : proto->name;
    if (text.len > SL_DESCRIPTOR_NAME_MAX || !sl_utf8_is_valid(text) ||
        memchr(text.data, '\0', text.len) != NULL) {
        return sl_descriptor_malformed(r, "a JSON name is too long or is no text");
    }
    char *name = sl_arena_str(r->arena, text);
    if (name == NULL) {
        return sl_descriptor_no_room(r);
    }
    if (!is_given) {
        to_camel_case(name);
    }
    *ret_name = name;
    return SL_OK;
}

/* Both names of an extension: "pkg.name" and "[pkg.name]". */
static enum sl_status extension_names(struct sl_descriptor_reader *r, struct sl_span scope,
                                      struct sl_span name, struct sl_field *field)
{
    struct sl_span full = {0};
    enum sl_status status = sl_descriptor_full_name(r, scope, name, &full);
    if (status != SL_OK) {
        return status;
    }
    char *bracketed = sl_arena_calloc(r->arena, full.len + 3, 1);
    if (bracketed == NULL) {
        return sl_descriptor_no_room(r);
    }
    bracketed[0] = '[';
    memcpy(bracketed + 1, full.data, full.len);
    bracketed[full.len + 1] = ']';
    field->name = (const char *)full.data;
    field->json_name = bracketed;
    return SL_OK;
}

static enum sl_status read_field_proto(struct sl_descriptor_reader *r, struct sl_span bytes,
                                       struct field_proto *ret_proto)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    *ret_proto = (struct field_proto){.oneof = -1};
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        struct sl_span *text = NULL;
        uint64_t *number = NULL;
        switch (record.number) {
        case 1:
            text = &ret_proto->name;
            break;
        case 2:
            text = &ret_proto->extendee;
            break;
        case 3:
            number = &ret_proto->number;
            break;
        case 4:
            number = &ret_proto->label;
            break;
        case 5:
            number = &ret_proto->type;
            break;
        case 6:
            text = &ret_proto->type_name;
            break;
        case 8:
            text = &ret_proto->options;
            break;
        case 9:
            if (record.wire == SL_WIRE_VARINT) {
                ret_proto->oneof = (int32_t)record.value;
            }
            break;
        case 10:
            text = &ret_proto->json_name;
            break;
        case 17:
            ret_proto->is_proto3_optional = record.value != 0;
            break;
        default:
            break;
        }
        if (text != NULL && record.wire == SL_WIRE_LEN) {
            *text = record.bytes;
        } else if (number != NULL && record.wire == SL_WIRE_VARINT) {
            *number = record.value;
        }
    }
    return sl_rd_ok(&rd) ? SL_OK : sl_descriptor_malformed(r, "a field is cut short");
}

/* FieldOptions.packed, or otherwise where the options do not say. */
static bool is_packed_option(struct sl_span options, bool otherwise)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, options);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == 2 && record.wire == SL_WIRE_VARINT) {
            otherwise = record.value != 0;
        }
    }
    return otherwise;
}

/* What the field's type, label, syntax and options come to. */
static void settle(struct sl_field *field, const struct field_proto *proto,
                   const struct sl_descriptor_scope *scope)
{
    struct sl_features features = sl_features_override(scope->features, proto->options, 21);
    bool is_map_part = scope->is_map_entry;
    field->type = proto->type == 0 ? SL_TYPE_MESSAGE : (enum sl_field_type)proto->type;
    if (field->type == SL_TYPE_MESSAGE && features.is_delimited && !is_map_part) {
        field->type = SL_TYPE_GROUP;
    }
    bool is_message = field->type == SL_TYPE_MESSAGE || field->type == SL_TYPE_GROUP;
    bool is_scalar = !is_message && field->type != SL_TYPE_STRING && field->type != SL_TYPE_BYTES;
    field->is_repeated = proto->label == LABEL_REPEATED;
    field->is_required =
        !field->is_repeated && !is_map_part &&
        (proto->label == LABEL_REQUIRED || features.presence == SL_PRESENCE_REQUIRED);
    field->is_packed =
        field->is_repeated && is_scalar && is_packed_option(proto->options, features.is_packed);
    field->is_utf8_checked = field->type == SL_TYPE_STRING && features.is_utf8_checked;
    field->oneof = proto->is_proto3_optional || field->is_extension ? -1 : (int)proto->oneof;
    field->has_presence =
        !field->is_repeated && (is_message || field->oneof >= 0 || proto->is_proto3_optional ||
                                field->is_extension || features.presence != SL_PRESENCE_IMPLICIT);
}

/* Names, number and type of a field; notes the type that it uses. */
static enum sl_status read_field(struct sl_descriptor_reader *r, const struct field_proto *proto,
                                 const struct sl_descriptor_scope *scope, struct sl_field *field)
{
    if (proto->number == 0 || proto->number > SL_PROTO_NUMBER_MAX) {
        return sl_descriptor_malformed(r, "a field has no number, or one out of range");
    }
    if (proto->type > SL_TYPE_SINT64 || (proto->type == 0 && proto->type_name.len == 0)) {
        return sl_descriptor_malformed(r, "a field has no type, or one that does not exist");
    }
    if (proto->oneof < -1 || proto->oneof >= (int64_t)scope->oneof_count) {
        return sl_descriptor_malformed(r, "a field is in a oneof that does not exist");
    }
    field->number = (uint32_t)proto->number;
    settle(field, proto, scope);
    enum sl_status status;
    if (field->is_extension) {
        status = extension_names(r, scope->name, proto->name, field);
    } else {
        struct sl_span name = {0};
        status = sl_descriptor_full_name(r, sl_span(NULL, 0), proto->name, &name);
        if (status == SL_OK) {
            field->name = (const char *)name.data;
            status = json_name(r, proto, &field->json_name);
        }
    }
    if (status != SL_OK || proto->type_name.len == 0) {
        return status;
    }
    struct sl_descriptor_use *use = sl_arena_calloc(r->arena, 1, sizeof(*use));
    if (use == NULL) {
        return sl_descriptor_no_room(r);
    }
    use->field = field;
    use->is_type_given = proto->type != 0;
    *r->uses_tail = use;
    r->uses_tail = &use->next;
    return sl_descriptor_mention(r, proto->type_name, scope->name, &use->ref);
}

static int by_value(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* The numbers of all fields of a message, ascending, in an array of your own of count. */
static uint32_t *field_numbers(struct sl_span bytes, size_t count)
{
    uint32_t *numbers = sl_calloc(count, sizeof(*numbers));
    struct sl_rd rd;
    struct sl_span payload = {0};
    sl_rd_init(&rd, bytes);
    for (size_t i = 0; i < count && sl_descriptor_next_of(&rd, 2, &payload); i++) {
        numbers[i] = (uint32_t)sl_descriptor_number_of(payload, 3);
    }
    qsort(numbers, count, sizeof(*numbers), by_value);
    return numbers;
}

/* Reads each field into the place that its number gives it. */
static enum sl_status place_fields(struct sl_descriptor_reader *r, struct sl_span bytes,
                                   const struct sl_descriptor_scope *scope, const uint32_t *numbers,
                                   struct sl_field *fields, size_t count)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    sl_rd_init(&rd, bytes);
    while (sl_descriptor_next_of(&rd, 2, &payload)) {
        struct field_proto proto;
        enum sl_status status = read_field_proto(r, payload, &proto);
        if (status != SL_OK) {
            return status;
        }
        uint32_t number = (uint32_t)proto.number;
        const uint32_t *found = bsearch(&number, numbers, count, sizeof(*numbers), by_value);
        if (found == NULL || fields[found - numbers].name != NULL) {
            return sl_descriptor_malformed(r, "two fields of a message have one number");
        }
        status = read_field(r, &proto, scope, &fields[found - numbers]);
        if (status != SL_OK) {
            return status;
        }
    }
    return SL_OK;
}

enum sl_status sl_descriptor_read_fields(struct sl_descriptor_reader *r, struct sl_span bytes,
                                         const struct sl_descriptor_scope *scope,
                                         struct sl_message_type *type)
{
    size_t count = sl_descriptor_count_of(bytes, 2);
    struct sl_field *fields = sl_arena_calloc(r->arena, count, sizeof(*fields));
    if (fields == NULL) {
        return sl_descriptor_no_room(r);
    }
    uint32_t *numbers = field_numbers(bytes, count);
    enum sl_status status = place_fields(r, bytes, scope, numbers, fields, count);
    sl_free(numbers);
    type->fields = fields;
    type->field_count = count;
    return status;
}

enum sl_status sl_descriptor_read_extensions(struct sl_descriptor_reader *r, struct sl_span bytes,
                                             uint32_t number,
                                             const struct sl_descriptor_scope *scope)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, bytes);
    while (status == SL_OK && sl_descriptor_next_of(&rd, number, &payload)) {
        struct field_proto proto;
        status = read_field_proto(r, payload, &proto);
        if (status != SL_OK) {
            return status;
        }
        struct sl_descriptor_extension *extension =
            sl_arena_calloc(r->arena, 1, sizeof(*extension));
        if (extension == NULL) {
            return sl_descriptor_no_room(r);
        }
        extension->field.is_extension = true;
        *r->extensions_tail = extension;
        r->extensions_tail = &extension->next;
        struct sl_descriptor_scope outside = *scope;
        outside.is_map_entry = false;
        status = read_field(r, &proto, &outside, &extension->field);
        if (status == SL_OK) {
            status = sl_descriptor_mention(r, proto.extendee, scope->name, &extension->extendee);
        }
    }
    return status;
}
