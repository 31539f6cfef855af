/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_DESCRIPTOR_H
#define SL_DESCRIPTOR_H

/*
 * One FileDescriptorProto (google/protobuf/descriptor.proto) as the structs of pool.h, names not yet
 * resolved. For pool.c; the programs see the pool.
 *
 * Own reader and not protobuf-c's: that one follows a hostile nesting down until the stack ends, and
 * refuses a descriptor with an unknown group.
 *
 * Ownership: everything lies in the arena.
 */
#include "lib/schema/arena.h"
#include "lib/schema/pool.h"

enum {
    SL_DESCRIPTOR_NAME_MAX = 512, /* bytes of a full name */
};

/* A name that a field, extension or method mentions. */
struct sl_descriptor_ref {
    struct sl_span name;  /* with its leading dot, if it has one; empty when there is none */
    struct sl_span scope; /* full name of where it stands, for a name without a leading dot */
};

struct sl_descriptor_message {
    struct sl_message_type type;
    uint64_t fingerprint;
    struct sl_descriptor_message *next;
};

struct sl_descriptor_enum {
    struct sl_enum_type type;
    uint64_t fingerprint;
    struct sl_descriptor_enum *next;
};

/* A field whose message or enum type is to be found. */
struct sl_descriptor_use {
    struct sl_field *field;
    struct sl_descriptor_ref ref;
    bool is_type_given; /* the descriptor says whether it is a message or an enum */
    struct sl_descriptor_use *next;
};

struct sl_descriptor_extension {
    struct sl_field field;
    struct sl_descriptor_ref extendee;
    struct sl_descriptor_extension *next;
};

struct sl_descriptor_method {
    struct sl_method method;
    struct sl_descriptor_ref input, output;
    uint64_t fingerprint;
    struct sl_descriptor_method *next;
};

/* Lists in the order of the file. */
struct sl_descriptor_file {
    const char *name;
    struct sl_descriptor_message *messages; /* nested ones too */
    struct sl_descriptor_enum *enums;
    struct sl_descriptor_use *uses;
    struct sl_descriptor_extension *extensions;
    struct sl_descriptor_method *methods;
    struct sl_descriptor_file *next;
};

/* Reads the descriptor into ret_file. SL_MALFORMED, SL_LIMIT (nesting, names, the arena's budget). */
SL_MUST_USE enum sl_status sl_descriptor_read(struct sl_span bytes, struct sl_arena *arena,
                                              struct sl_descriptor_file *ret_file,
                                              struct sl_error *reterr_error);

#endif
