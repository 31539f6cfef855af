/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_POOL_H
#define SL_POOL_H

/*
 * The types and methods of any number of FileDescriptorSets, looked up by full name.
 *
 * Sets come from protoc, a file, or server reflection; they may be hostile. Types that refer to files
 * not in any set stay usable: fields of a missing type are treated as unknown.
 *
 * Ownership: the pool owns everything it answers, until sl_pool_free.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    SL_POOL_SET_MAX = 64 * 1024 * 1024,     /* bytes of one descriptor set */
    SL_POOL_MEMORY_MAX = 512 * 1024 * 1024, /* bytes of all types together */
    SL_POOL_NESTING_MAX = 64,               /* message types inside message types */
    SL_POOL_CONFLICTS_MAX = 16,             /* kept as text */
    SL_POOL_CONFLICT_TEXT_MAX = 300,
};

enum sl_field_type { /* the values of google.protobuf.FieldDescriptorProto.Type */
                     SL_TYPE_DOUBLE = 1,
                     SL_TYPE_FLOAT,
                     SL_TYPE_INT64,
                     SL_TYPE_UINT64,
                     SL_TYPE_INT32,
                     SL_TYPE_FIXED64,
                     SL_TYPE_FIXED32,
                     SL_TYPE_BOOL,
                     SL_TYPE_STRING,
                     SL_TYPE_GROUP,
                     SL_TYPE_MESSAGE,
                     SL_TYPE_BYTES,
                     SL_TYPE_UINT32,
                     SL_TYPE_ENUM,
                     SL_TYPE_SFIXED32,
                     SL_TYPE_SFIXED64,
                     SL_TYPE_SINT32,
                     SL_TYPE_SINT64,
};

struct sl_enum_value {
    const char *name;
    int32_t number;
    uint32_t order; /* in the file, from 0 */
};

struct sl_enum_type {
    const char *full_name;              /* without a leading dot */
    const struct sl_enum_value *values; /* by number; of aliases the first of the file first */
    size_t value_count;
    bool is_closed;     /* proto2: an unknown number is an unknown field */
    bool is_null_value; /* google.protobuf.NullValue: null in JSON */
};

struct sl_message_type;

struct sl_field {
    const char *name;      /* of an extension: its full name */
    const char *json_name; /* of an extension: "[full.name]" */
    uint32_t number;
    enum sl_field_type type;
    bool is_repeated, is_packed, is_map, is_extension;
    bool has_presence;    /* proto2 optional, proto3 optional, message, oneof member */
    bool is_required;     /* proto2 */
    bool is_utf8_checked; /* proto3 string */
    int oneof;            /* index in its message, or -1; synthetic oneofs are left out */
    const struct sl_message_type
        *message; /* of message and group fields; NULL when its type is missing */
    const struct sl_enum_type *enumeration; /* of enum fields; NULL when its type is missing */
};

/* The well-known types whose JSON form is special (protobuf.dev, JSON mapping). */
enum sl_well_known {
    SL_WKT_NONE,
    SL_WKT_ANY,
    SL_WKT_TIMESTAMP,
    SL_WKT_DURATION,
    SL_WKT_FIELD_MASK,
    SL_WKT_STRUCT,
    SL_WKT_VALUE,
    SL_WKT_LIST_VALUE,
    SL_WKT_WRAPPER, /* DoubleValue ... BytesValue */
    SL_WKT_EMPTY,
};

struct sl_message_type {
    const char *full_name;
    const struct sl_field *fields; /* by ascending number */
    size_t field_count;
    size_t oneof_count; /* synthetic ones too */
    enum sl_well_known well_known;
    bool is_map_entry;
    bool is_proto3;
};

struct sl_method {
    const char *path; /* "/pkg.Service/Method" */
    const char *name;
    const struct sl_message_type *input, *output; /* NULL when missing */
    bool is_client_streaming, is_server_streaming;
};

struct sl_pool;

/* An empty pool. */
struct sl_pool *sl_pool_new(void);
void sl_pool_free(struct sl_pool *pool);

/* Adds a serialised FileDescriptorSet (copied). What is declared already is left out: the first one of a
 * name wins, type by type, so a user's own set is added before the built-in one, and may hold a part of
 * it. Call sl_pool_link() after the last. SL_MALFORMED, SL_LIMIT; the pool is then unchanged. */
SL_MUST_USE enum sl_status sl_pool_add_set(struct sl_pool *pool, struct sl_span set,
                                           struct sl_error *reterr_error);
/* Adds one serialised FileDescriptorProto, as server reflection answers it. */
SL_MUST_USE enum sl_status sl_pool_add_file(struct sl_pool *pool, struct sl_span file,
                                            struct sl_error *reterr_error);
/* Adds the types built into the program: the well-known types, google.rpc, grpc.health.v1,
 * grpc.reflection.v1 and v1alpha, chat.v1. */
void sl_pool_add_builtin(struct sl_pool *pool);
/* That set itself, serialised. */
struct sl_span sl_pool_builtin_set(void);
/* Whether a file of this name is in it. */
bool sl_pool_builtin_has_file(struct sl_span name);
/* Resolves the names; may be called again after more was added. */
SL_MUST_USE enum sl_status sl_pool_link(struct sl_pool *pool, struct sl_error *reterr_error);

/* Types and methods that were declared again and otherwise, without those of google/protobuf/ and those built in;
 * and what to say of each, NULL past those that are kept. */
size_t sl_pool_conflict_count(const struct sl_pool *pool);
const char *sl_pool_conflict_at(const struct sl_pool *pool, size_t index);

/* After sl_pool_link(): calls fn for each mention of a type that no file declares. where: the field, extension or
 * method. Both borrowed for the call. */
typedef void sl_pool_missing_fn(void *context, struct sl_span type, const char *where);
void sl_pool_each_missing(const struct sl_pool *pool, sl_pool_missing_fn *fn, void *context);

/* Whether a file of this name was added. */
bool sl_pool_has_file(const struct sl_pool *pool, struct sl_span name);

/* By full name without a leading dot; NULL when there is none. */
const struct sl_message_type *sl_pool_message(const struct sl_pool *pool, struct sl_span full_name);
const struct sl_enum_type *sl_pool_enum(const struct sl_pool *pool, struct sl_span full_name);
/* By path as in :path; NULL when there is none. */
const struct sl_method *sl_pool_method(const struct sl_pool *pool, struct sl_span path);
/* The extension of this field number of a message type, or NULL. */
const struct sl_field *sl_pool_extension(const struct sl_pool *pool,
                                         const struct sl_message_type *extendee, uint32_t number);
/* By full name without a leading dot, when it extends that type; or NULL. */
const struct sl_field *sl_pool_extension_named(const struct sl_pool *pool,
                                               const struct sl_message_type *extendee,
                                               struct sl_span full_name);
/* All methods, in the order they were added; a path that was there already is left out. */
const struct sl_method *sl_pool_method_at(const struct sl_pool *pool, size_t index);
size_t sl_pool_method_count(const struct sl_pool *pool);

const struct sl_field *sl_message_type_field(const struct sl_message_type *type, uint32_t number);
/* By proto name or JSON name. */
const struct sl_field *sl_message_type_field_named(const struct sl_message_type *type,
                                                   struct sl_span name);
const char *sl_enum_type_name(const struct sl_enum_type *type, int32_t number); /* or NULL */

#endif
