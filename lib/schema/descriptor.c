/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/descriptor.h"

#include <stdlib.h>

#include "lib/schema/descriptor_reader.h"
#include "lib/schema/fingerprint.h"

enum sl_status sl_descriptor_malformed(struct sl_descriptor_reader *r, const char *what)
{
    (void)sl_error_set(r->error, SL_MALFORMED, "descriptor: %s", what);
    return SL_MALFORMED;
}

enum sl_status sl_descriptor_no_room(struct sl_descriptor_reader *r)
{
    (void)sl_error_set(r->error, SL_LIMIT, "descriptor: the types take more memory than allowed");
    return SL_LIMIT;
}

bool sl_descriptor_next_of(struct sl_rd *rd, uint32_t number, struct sl_span *ret_payload)
{
    struct sl_proto_record record;
    while (sl_proto_rd_next(rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_LEN) {
            *ret_payload = record.bytes;
            return true;
        }
    }
    return false;
}

size_t sl_descriptor_count_of(struct sl_span bytes, uint32_t number)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    size_t count = 0;
    sl_rd_init(&rd, bytes);
    while (sl_descriptor_next_of(&rd, number, &payload)) {
        count++;
    }
    return count;
}

struct sl_span sl_descriptor_payload_of(struct sl_span bytes, uint32_t number)
{
    struct sl_rd rd;
    struct sl_span found = sl_span(NULL, 0);
    sl_rd_init(&rd, bytes);
    while (sl_descriptor_next_of(&rd, number, &found)) {
    }
    return found;
}

uint64_t sl_descriptor_number_of(struct sl_span bytes, uint32_t number)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint64_t value = 0;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_VARINT) {
            value = record.value;
        }
    }
    return value;
}

/* True for what protoc takes as an identifier, or as several with dots between. */
static bool is_name(struct sl_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '.') {
            return false;
        }
    }
    return name.len > 0;
}

enum sl_status sl_descriptor_full_name(struct sl_descriptor_reader *r, struct sl_span scope,
                                       struct sl_span name, struct sl_span *ret_full)
{
    if (!is_name(name)) {
        return sl_descriptor_malformed(r, "a name is missing or is no identifier");
    }
    size_t before = scope.len > 0 ? scope.len + 1 : 0;
    if (name.len > SL_DESCRIPTOR_NAME_MAX || before + name.len > SL_DESCRIPTOR_NAME_MAX) {
        (void)sl_error_set(r->error, SL_LIMIT, "descriptor: a full name has more than %d bytes",
                           SL_DESCRIPTOR_NAME_MAX);
        return SL_LIMIT;
    }
    char *full = sl_arena_calloc(r->arena, before + name.len + 1, 1);
    if (full == NULL) {
        return sl_descriptor_no_room(r);
    }
    if (before > 0) {
        memcpy(full, scope.data, scope.len);
        full[scope.len] = '.';
    }
    memcpy(full + before, name.data, name.len);
    *ret_full = sl_span(full, before + name.len);
    return SL_OK;
}

enum sl_status sl_descriptor_mention(struct sl_descriptor_reader *r, struct sl_span name,
                                     struct sl_span scope, struct sl_descriptor_ref *ret_ref)
{
    if (name.len > SL_DESCRIPTOR_NAME_MAX + 1) {
        return sl_error_set(r->error, SL_LIMIT, "descriptor: a type name has more than %d bytes",
                            SL_DESCRIPTOR_NAME_MAX);
    }
    char *copy = sl_arena_str(r->arena, name);
    if (copy == NULL) {
        return sl_descriptor_no_room(r);
    }
    *ret_ref = (struct sl_descriptor_ref){sl_span(copy, name.len), scope};
    return SL_OK;
}

static int by_enum_number(const void *a, const void *b)
{
    const struct sl_enum_value *left = a;
    const struct sl_enum_value *right = b;
    if (left->number != right->number) {
        return left->number < right->number ? -1 : 1;
    }
    return left->order < right->order ? -1 : left->order > right->order;
}

static enum sl_status read_values(struct sl_descriptor_reader *r, struct sl_span bytes,
                                  struct sl_enum_type *type)
{
    size_t count = sl_descriptor_count_of(bytes, 2);
    struct sl_enum_value *values = sl_arena_calloc(r->arena, count, sizeof(*values));
    if (values == NULL) {
        return sl_descriptor_no_room(r);
    }
    struct sl_rd rd;
    struct sl_span payload = {0};
    sl_rd_init(&rd, bytes);
    for (size_t i = 0; sl_descriptor_next_of(&rd, 2, &payload); i++) {
        struct sl_span name = {0};
        if (sl_proto_rd_count(payload) < 0) {
            return sl_descriptor_malformed(r, "an enum value is cut short");
        }
        enum sl_status status = sl_descriptor_full_name(
            r, sl_span(NULL, 0), sl_descriptor_payload_of(payload, 1), &name);
        if (status != SL_OK) {
            return status;
        }
        values[i] = (struct sl_enum_value){
            .name = (const char *)name.data,
            .number = (int32_t)sl_descriptor_number_of(payload, 2),
            .order = (uint32_t)i,
        };
    }
    qsort(values, count, sizeof(*values), by_enum_number);
    type->values = values;
    type->value_count = count;
    return SL_OK;
}

/* The enums declared in scope; number: of `enum_type` in the message or file. */
static enum sl_status read_enums(struct sl_descriptor_reader *r, struct sl_span bytes,
                                 uint32_t number, const struct sl_descriptor_scope *scope)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, bytes);
    while (status == SL_OK && sl_descriptor_next_of(&rd, number, &payload)) {
        if (sl_proto_rd_count(payload) < 0) {
            return sl_descriptor_malformed(r, "an enum is cut short");
        }
        struct sl_descriptor_enum *declared = sl_arena_calloc(r->arena, 1, sizeof(*declared));
        if (declared == NULL) {
            return sl_descriptor_no_room(r);
        }
        declared->fingerprint = sl_fingerprint_enum(payload);
        *r->enums_tail = declared;
        r->enums_tail = &declared->next;
        struct sl_span full = {0};
        status =
            sl_descriptor_full_name(r, scope->name, sl_descriptor_payload_of(payload, 1), &full);
        if (status == SL_OK) {
            struct sl_enum_type *type = &declared->type;
            type->full_name = (const char *)full.data;
            type->is_null_value = sl_span_is(full, "google.protobuf.NullValue");
            type->is_closed =
                sl_features_override(scope->features, sl_descriptor_payload_of(payload, 3), 7)
                    .is_closed_enum;
            status = read_values(r, payload, type);
        }
    }
    return status;
}

static enum sl_status read_messages(struct sl_descriptor_reader *r, struct sl_span bytes,
                                    uint32_t number, const struct sl_descriptor_scope *scope);

/* What a DescriptorProto holds, into the declared message. */
static enum sl_status read_message(struct sl_descriptor_reader *r, struct sl_span bytes,
                                   const struct sl_descriptor_scope *outer,
                                   struct sl_message_type *type)
{
    struct sl_span options = sl_descriptor_payload_of(bytes, 7);
    struct sl_descriptor_scope scope = {
        .features = sl_features_override(outer->features, options, 12),
        .is_map_entry = sl_descriptor_number_of(options, 7) != 0,
        .oneof_count = sl_descriptor_count_of(bytes, 8),
        .depth = outer->depth + 1,
    };
    if (scope.depth > SL_POOL_NESTING_MAX) {
        return sl_error_set(r->error, SL_LIMIT, "descriptor: messages nest deeper than %d",
                            SL_POOL_NESTING_MAX);
    }
    enum sl_status status =
        sl_descriptor_full_name(r, outer->name, sl_descriptor_payload_of(bytes, 1), &scope.name);
    if (status != SL_OK) {
        return status;
    }
    type->full_name = (const char *)scope.name.data;
    type->oneof_count = scope.oneof_count;
    type->is_map_entry = scope.is_map_entry;
    type->is_proto3 = r->is_proto3;
    status = sl_descriptor_read_fields(r, bytes, &scope, type);
    scope.is_map_entry = false;
    if (status == SL_OK) {
        status = read_enums(r, bytes, 4, &scope);
    }
    if (status == SL_OK) {
        status = sl_descriptor_read_extensions(r, bytes, 6, &scope);
    }
    if (status == SL_OK) {
        status = read_messages(r, bytes, 3, &scope);
    }
    return status;
}

/* The messages declared in scope; number: of `nested_type` in the message, `message_type` in the file. */
static enum sl_status read_messages(struct sl_descriptor_reader *r, struct sl_span bytes,
                                    uint32_t number, const struct sl_descriptor_scope *scope)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, bytes);
    while (status == SL_OK && sl_descriptor_next_of(&rd, number, &payload)) {
        if (sl_proto_rd_count(payload) < 0) {
            return sl_descriptor_malformed(r, "a message is cut short");
        }
        struct sl_descriptor_message *declared = sl_arena_calloc(r->arena, 1, sizeof(*declared));
        if (declared == NULL) {
            return sl_descriptor_no_room(r);
        }
        declared->fingerprint = sl_fingerprint_message(payload);
        *r->messages_tail = declared;
        r->messages_tail = &declared->next;
        status = read_message(r, payload, scope, &declared->type);
    }
    return status;
}

/* One method of the service whose full name is given. */
static enum sl_status read_method(struct sl_descriptor_reader *r, struct sl_span bytes,
                                  struct sl_span service, struct sl_span package)
{
    if (sl_proto_rd_count(bytes) < 0) {
        return sl_descriptor_malformed(r, "a method is cut short");
    }
    struct sl_descriptor_method *declared = sl_arena_calloc(r->arena, 1, sizeof(*declared));
    struct sl_span full = {0};
    if (declared == NULL) {
        return sl_descriptor_no_room(r);
    }
    declared->fingerprint = sl_fingerprint_method(bytes);
    *r->methods_tail = declared;
    r->methods_tail = &declared->next;
    enum sl_status status =
        sl_descriptor_full_name(r, service, sl_descriptor_payload_of(bytes, 1), &full);
    if (status != SL_OK) {
        return status;
    }
    char *path = sl_arena_calloc(r->arena, full.len + 2, 1);
    if (path == NULL) {
        return sl_descriptor_no_room(r);
    }
    path[0] = '/';
    memcpy(path + 1, full.data, full.len);
    path[1 + service.len] = '/';
    struct sl_method *method = &declared->method;
    method->path = path;
    method->name = path + service.len + 2;
    method->is_client_streaming = sl_descriptor_number_of(bytes, 5) != 0;
    method->is_server_streaming = sl_descriptor_number_of(bytes, 6) != 0;
    status =
        sl_descriptor_mention(r, sl_descriptor_payload_of(bytes, 2), package, &declared->input);
    if (status == SL_OK) {
        status = sl_descriptor_mention(r, sl_descriptor_payload_of(bytes, 3), package,
                                       &declared->output);
    }
    return status;
}

static enum sl_status read_services(struct sl_descriptor_reader *r, struct sl_span bytes,
                                    struct sl_span package)
{
    struct sl_rd rd;
    struct sl_span payload = {0};
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, bytes);
    while (status == SL_OK && sl_descriptor_next_of(&rd, 6, &payload)) {
        if (sl_proto_rd_count(payload) < 0) {
            return sl_descriptor_malformed(r, "a service is cut short");
        }
        struct sl_span service = {0};
        struct sl_span method;
        struct sl_rd methods;
        status =
            sl_descriptor_full_name(r, package, sl_descriptor_payload_of(payload, 1), &service);
        sl_rd_init(&methods, payload);
        while (status == SL_OK && sl_descriptor_next_of(&methods, 2, &method)) {
            status = read_method(r, method, service, package);
        }
    }
    return status;
}

enum sl_status sl_descriptor_read(struct sl_span bytes, struct sl_arena *arena,
                                  struct sl_descriptor_file *ret_file,
                                  struct sl_error *reterr_error)
{
    *ret_file = (struct sl_descriptor_file){0};
    struct sl_span syntax = sl_descriptor_payload_of(bytes, 12);
    struct sl_descriptor_reader r = {
        .arena = arena,
        .error = reterr_error,
        .is_proto3 = sl_span_is(syntax, "proto3"),
        .messages_tail = &ret_file->messages,
        .enums_tail = &ret_file->enums,
        .uses_tail = &ret_file->uses,
        .extensions_tail = &ret_file->extensions,
        .methods_tail = &ret_file->methods,
    };
    if (sl_proto_rd_count(bytes) < 0) {
        return sl_descriptor_malformed(&r, "a file is cut short");
    }
    struct sl_span name = sl_descriptor_payload_of(bytes, 1);
    struct sl_span package = sl_descriptor_payload_of(bytes, 2);
    if (name.len == 0 || name.len > SL_DESCRIPTOR_NAME_MAX ||
        memchr(name.data, 0, name.len) != NULL) {
        return sl_descriptor_malformed(&r, "a file has no name, or one that is too long");
    }
    ret_file->name = sl_arena_str(arena, name);
    if (ret_file->name == NULL) {
        return sl_descriptor_no_room(&r);
    }
    struct sl_descriptor_scope scope = {
        .features = sl_features_override(sl_features_of_syntax(syntax),
                                         sl_descriptor_payload_of(bytes, 8), 50),
    };
    enum sl_status status = SL_OK;
    if (package.len > 0) {
        status = sl_descriptor_full_name(&r, sl_span(NULL, 0), package, &scope.name);
    }
    if (status == SL_OK) {
        status = read_messages(&r, bytes, 4, &scope);
    }
    if (status == SL_OK) {
        status = read_enums(&r, bytes, 5, &scope);
    }
    if (status == SL_OK) {
        status = sl_descriptor_read_extensions(&r, bytes, 7, &scope);
    }
    if (status == SL_OK) {
        status = read_services(&r, bytes, scope.name);
    }
    return status;
}
