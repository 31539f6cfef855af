/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DESCRIPTOR_READER_H
#define SL_DESCRIPTOR_READER_H

/*
 * What descriptor.c and descriptor_field.c share; nobody else includes it.
 *
 * All helpers that take bytes expect a well-formed message (sl_proto_rd_count() >= 0) and stop at the
 * first byte that is not.
 */
#include "lib/schema/descriptor.h"
#include "lib/schema/features.h"
#include "lib/schema/proto_rd.h"

/* Where one file's reading stands. The tails are where the lists' next member goes. */
struct sl_descriptor_reader {
    struct sl_arena *arena;
    struct sl_error *error;
    bool is_proto3;
    struct sl_descriptor_message **messages_tail;
    struct sl_descriptor_enum **enums_tail;
    struct sl_descriptor_use **uses_tail;
    struct sl_descriptor_extension **extensions_tail;
    struct sl_descriptor_method **methods_tail;
};

/* What surrounds a declaration. */
struct sl_descriptor_scope {
    struct sl_span name; /* full name, empty outside of a package */
    struct sl_features features;
    bool is_map_entry;
    size_t oneof_count;
    unsigned depth;
};

/* Both answer the status that they set. */
enum sl_status sl_descriptor_malformed(struct sl_descriptor_reader *r, const char *what);
enum sl_status sl_descriptor_no_room(struct sl_descriptor_reader *r);

/* The next payload of this field number. False when there is none. */
bool sl_descriptor_next_of(struct sl_rd *rd, uint32_t number, struct sl_span *ret_payload);
/* Number of payloads of this field. */
size_t sl_descriptor_count_of(struct sl_span bytes, uint32_t number);
/* The last payload of this field, or empty. */
struct sl_span sl_descriptor_payload_of(struct sl_span bytes, uint32_t number);
/* The last varint of this field, or 0. */
uint64_t sl_descriptor_number_of(struct sl_span bytes, uint32_t number);

/* The full name of what is declared in scope, NUL-terminated in the arena. */
SL_MUST_USE enum sl_status sl_descriptor_full_name(struct sl_descriptor_reader *r,
                                                   struct sl_span scope, struct sl_span name,
                                                   struct sl_span *ret_full);
/* A mention of a type: the name copied, the scope kept. */
SL_MUST_USE enum sl_status sl_descriptor_mention(struct sl_descriptor_reader *r,
                                                 struct sl_span name, struct sl_span scope,
                                                 struct sl_descriptor_ref *ret_ref);

/* The fields of a DescriptorProto, into type. */
SL_MUST_USE enum sl_status sl_descriptor_read_fields(struct sl_descriptor_reader *r,
                                                     struct sl_span bytes,
                                                     const struct sl_descriptor_scope *scope,
                                                     struct sl_message_type *type);
/* The extensions declared in scope; number: of `extension` in the message or file. */
SL_MUST_USE enum sl_status sl_descriptor_read_extensions(struct sl_descriptor_reader *r,
                                                         struct sl_span bytes, uint32_t number,
                                                         const struct sl_descriptor_scope *scope);

#endif
