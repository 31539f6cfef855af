/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_POOL_PARTS_H
#define SL_POOL_PARTS_H

/* What pool.c and pool_link.c share; nobody else includes it. */
#include "lib/base/alloc.h"
#include "lib/schema/descriptor.h"
#include "lib/schema/pool.h"

#define uthash_malloc(size)       sl_alloc(size)
#define uthash_free(memory, size) sl_free(memory)
#include <uthash.h>

/* The second key of an extension: what it extends, and at which number, as bytes. */
struct sl_pool_extension_key {
    uint8_t bytes[sizeof(uintptr_t) + sizeof(uint32_t)];
};

/* What a name stands for: one pointer is set, or none for the name of a file. */
struct sl_pool_symbol {
    const char *name;
    const struct sl_message_type *message;
    const struct sl_enum_type *enumeration;
    const struct sl_field *extension;
    const struct sl_method *method;
    const struct sl_message_type *extendee; /* of an extension, when it is linked */
    uint64_t fingerprint;                   /* of a message, enum or method */
    struct sl_pool_extension_key key;
    UT_hash_handle hh;        /* by name */
    UT_hash_handle by_number; /* extensions, by key */
};

struct sl_pool {
    struct sl_arena *arenas; /* one for each add that brought something */
    size_t arena_count;
    size_t memory_left;
    struct sl_pool_symbol *types; /* messages, enums and extensions by full name */
    struct sl_pool_symbol *files;
    struct sl_pool_symbol *methods_by_path;
    struct sl_pool_symbol *extensions; /* by key */
    const struct sl_method **methods;
    size_t method_count, method_capacity;
    size_t conflict_count;
    char conflicts[SL_POOL_CONFLICTS_MAX][SL_POOL_CONFLICT_TEXT_MAX];
    /* What sl_pool_link() could not resolve yet. */
    struct sl_descriptor_use *open_uses;
    struct sl_descriptor_extension *open_extensions;
    struct sl_descriptor_method *open_methods;
};

/* By name; NULL when there is none, and for a name that no descriptor can have. */
struct sl_pool_symbol *sl_pool_find(struct sl_pool_symbol *table, struct sl_span name);
struct sl_pool_extension_key sl_pool_key_of(const struct sl_message_type *extendee,
                                            uint32_t number);

#endif
