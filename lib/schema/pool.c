/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/pool_parts.h"

#include <assert.h>
#include <stdio.h>

#include "lib/schema/proto_rd.h"
#include "lib/schema/well_known.h"

/* protoc's output for the files that the program knows by itself (proto/CMakeLists.txt). */
extern const unsigned char sl_builtin_protos[];
extern const size_t sl_builtin_protos_size;

struct sl_pool *sl_pool_new(void)
{
    struct sl_pool *pool = sl_alloc(sizeof(*pool));
    pool->memory_left = SL_POOL_MEMORY_MAX;
    return pool;
}

void sl_pool_free(struct sl_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    HASH_CLEAR(hh, pool->types);
    HASH_CLEAR(hh, pool->files);
    HASH_CLEAR(hh, pool->methods_by_path);
    HASH_CLEAR(by_number, pool->extensions);
    for (size_t i = 0; i < pool->arena_count; i++) {
        sl_arena_release(&pool->arenas[i]);
    }
    sl_free(pool->arenas);
    sl_free(pool->methods);
    sl_free(pool);
}

struct sl_pool_extension_key sl_pool_key_of(const struct sl_message_type *extendee, uint32_t number)
{
    struct sl_pool_extension_key key;
    uintptr_t address = (uintptr_t)extendee;
    memcpy(key.bytes, &address, sizeof(address));
    memcpy(key.bytes + sizeof(address), &number, sizeof(number));
    return key;
}

struct sl_pool_symbol *sl_pool_find(struct sl_pool_symbol *table, struct sl_span name)
{
    struct sl_pool_symbol *found = NULL;
    if (name.len > 0 && name.len <= SL_DESCRIPTOR_NAME_MAX + 1) {
        HASH_FIND(hh, table, name.data, name.len, found);
    }
    return found;
}

/* Adds a symbol unless its name is taken: the first one wins. True when it was added. */
static bool add_symbol(struct sl_pool_symbol **table, struct sl_pool_symbol *symbol)
{
    if (sl_pool_find(*table, sl_span_str(symbol->name)) != NULL) {
        return false;
    }
    HASH_ADD_KEYPTR(hh, *table, symbol->name, strlen(symbol->name), symbol);
    return true;
}

static void list_method(struct sl_pool *pool, const struct sl_method *method)
{
    if (pool->method_count == pool->method_capacity) {
        pool->method_capacity = pool->method_capacity == 0 ? 16 : pool->method_capacity * 2;
        pool->methods =
            sl_realloc(pool->methods, pool->method_capacity * sizeof(struct sl_method *));
    }
    pool->methods[pool->method_count++] = method;
}

static size_t symbol_count(const struct sl_descriptor_file *file)
{
    size_t count = 1;
    for (struct sl_descriptor_message *m = file->messages; m != NULL; m = m->next) {
        count++;
    }
    for (struct sl_descriptor_enum *e = file->enums; e != NULL; e = e->next) {
        count++;
    }
    for (struct sl_descriptor_extension *x = file->extensions; x != NULL; x = x->next) {
        count++;
    }
    for (struct sl_descriptor_method *m = file->methods; m != NULL; m = m->next) {
        count++;
    }
    return count;
}

/* Puts the lists of file before those that are open. */
static void open_lists(struct sl_pool *pool, struct sl_descriptor_file *file)
{
    struct sl_descriptor_use **uses = &file->uses;
    while (*uses != NULL) {
        uses = &(*uses)->next;
    }
    *uses = pool->open_uses;
    pool->open_uses = file->uses;
    struct sl_descriptor_extension **extensions = &file->extensions;
    while (*extensions != NULL) {
        extensions = &(*extensions)->next;
    }
    *extensions = pool->open_extensions;
    pool->open_extensions = file->extensions;
    struct sl_descriptor_method **methods = &file->methods;
    while (*methods != NULL) {
        methods = &(*methods)->next;
    }
    *methods = pool->open_methods;
    pool->open_methods = file->methods;
}

/* Notes that a name was declared otherwise before. The well-known types come in many editions, with every schema. */
static void note_conflict(struct sl_pool *pool, const struct sl_descriptor_file *file,
                          const char *name)
{
    if (strncmp(file->name, "google/protobuf/", strlen("google/protobuf/")) == 0) {
        return;
    }
    if (pool->conflict_count < SL_POOL_CONFLICTS_MAX) {
        (void)snprintf(pool->conflicts[pool->conflict_count], SL_POOL_CONFLICT_TEXT_MAX,
                       "%.140s of %.80s was declared otherwise before; the first is taken", name,
                       file->name);
    }
    pool->conflict_count++;
}

/* Adds a symbol unless its name is taken. True when it was added. */
static bool add_type(struct sl_pool *pool, const struct sl_descriptor_file *file,
                     struct sl_pool_symbol **table, struct sl_pool_symbol *symbol)
{
    struct sl_pool_symbol *taken = sl_pool_find(*table, sl_span_str(symbol->name));
    if (taken == NULL) {
        return add_symbol(table, symbol);
    }
    if (taken->fingerprint != symbol->fingerprint) {
        note_conflict(pool, file, symbol->name);
    }
    return false;
}

/* Makes those of the file's names known that are not taken. symbols: symbol_count() of them. True when the pool now
 * uses the file. */
static bool commit(struct sl_pool *pool, struct sl_descriptor_file *file,
                   struct sl_pool_symbol *symbols)
{
    symbols->name = file->name;
    bool is_used = add_symbol(&pool->files, symbols++);
    for (struct sl_descriptor_message *m = file->messages; m != NULL; m = m->next) {
        m->type.well_known = sl_well_known_of(&m->type);
        symbols->name = m->type.full_name;
        symbols->message = &m->type;
        symbols->fingerprint = m->fingerprint;
        is_used = add_type(pool, file, &pool->types, symbols++) || is_used;
    }
    for (struct sl_descriptor_enum *e = file->enums; e != NULL; e = e->next) {
        symbols->name = e->type.full_name;
        symbols->enumeration = &e->type;
        symbols->fingerprint = e->fingerprint;
        is_used = add_type(pool, file, &pool->types, symbols++) || is_used;
    }
    for (struct sl_descriptor_extension *x = file->extensions; x != NULL; x = x->next) {
        symbols->name = x->field.name;
        symbols->extension = &x->field;
        is_used = add_type(pool, file, &pool->types, symbols++) || is_used;
    }
    for (struct sl_descriptor_method *m = file->methods; m != NULL; m = m->next) {
        symbols->name = m->method.path;
        symbols->method = &m->method;
        symbols->fingerprint = m->fingerprint;
        if (add_type(pool, file, &pool->methods_by_path, symbols++)) {
            list_method(pool, &m->method);
            is_used = true;
        }
    }
    if (is_used) {
        open_lists(pool, file);
    }
    return is_used;
}

/* Reads the files into the arena: a list, with the symbols that each will need. */
struct staged {
    struct sl_descriptor_file file;
    struct sl_pool_symbol *symbols;
    struct staged *next;
};

static enum sl_status stage(struct sl_arena *arena, struct sl_span bytes,
                            struct staged **ret_staged, struct sl_error *reterr_error)
{
    struct staged *staged = sl_arena_calloc(arena, 1, sizeof(*staged));
    enum sl_status status = SL_LIMIT;
    if (staged != NULL) {
        status = sl_descriptor_read(bytes, arena, &staged->file, reterr_error);
        if (status != SL_OK) {
            return status;
        }
        staged->symbols =
            sl_arena_calloc(arena, symbol_count(&staged->file), sizeof(*staged->symbols));
    }
    if (staged == NULL || staged->symbols == NULL) {
        (void)sl_error_set(reterr_error, SL_LIMIT,
                           "descriptor: the types take more memory than allowed");
        return SL_LIMIT;
    }
    *ret_staged = staged;
    return SL_OK;
}

/* Commits all that is staged; the pool keeps the arena when it uses anything of it. */
static void commit_all(struct sl_pool *pool, struct staged *staged, struct sl_arena *arena)
{
    bool is_used = false;
    for (; staged != NULL; staged = staged->next) {
        is_used = commit(pool, &staged->file, staged->symbols) || is_used;
    }
    if (!is_used) {
        sl_arena_release(arena);
        return;
    }
    pool->memory_left -= arena->used;
    pool->arenas = sl_realloc(pool->arenas, (pool->arena_count + 1) * sizeof(struct sl_arena));
    pool->arenas[pool->arena_count++] = *arena;
}

enum sl_status sl_pool_add_file(struct sl_pool *pool, struct sl_span file,
                                struct sl_error *reterr_error)
{
    if (file.len > SL_POOL_SET_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "descriptor: more than %d bytes",
                            SL_POOL_SET_MAX);
    }
    struct sl_arena arena;
    struct staged *staged = NULL;
    sl_arena_init(&arena, pool->memory_left);
    enum sl_status status = stage(&arena, file, &staged, reterr_error);
    if (status != SL_OK) {
        sl_arena_release(&arena);
        return status;
    }
    commit_all(pool, staged, &arena);
    return SL_OK;
}

enum sl_status sl_pool_add_set(struct sl_pool *pool, struct sl_span set,
                               struct sl_error *reterr_error)
{
    if (set.len > SL_POOL_SET_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "descriptor set: more than %d bytes",
                            SL_POOL_SET_MAX);
    }
    struct sl_arena arena;
    struct staged *first = NULL;
    struct staged **tail = &first;
    struct sl_rd rd;
    struct sl_proto_record record;
    enum sl_status status = SL_OK;
    sl_arena_init(&arena, pool->memory_left);
    sl_rd_init(&rd, set);
    while (status == SL_OK && sl_proto_rd_next(&rd, &record)) {
        if (record.number == 1 && record.wire == SL_WIRE_LEN) {
            status = stage(&arena, record.bytes, tail, reterr_error);
            tail = status == SL_OK ? &(*tail)->next : tail;
        }
    }
    if (status == SL_OK && !sl_rd_ok(&rd)) {
        status = sl_error_set(reterr_error, SL_MALFORMED,
                              "this is no FileDescriptorSet, or it is cut short");
    }
    if (status != SL_OK) {
        sl_arena_release(&arena);
        return status;
    }
    commit_all(pool, first, &arena);
    return SL_OK;
}

struct sl_span sl_pool_builtin_set(void)
{
    return sl_span(sl_builtin_protos, sl_builtin_protos_size);
}

bool sl_pool_builtin_has_file(struct sl_span name)
{
    enum { SET_FILE = 1, FILE_NAME = 1 };
    struct sl_rd files;
    struct sl_proto_record file;
    sl_rd_init(&files, sl_pool_builtin_set());
    while (sl_proto_rd_next(&files, &file)) {
        struct sl_rd fields;
        struct sl_proto_record field;
        sl_rd_init(&fields, file.bytes);
        bool is_read = file.number == SET_FILE && sl_proto_rd_next(&fields, &field);
        if (is_read && field.number == FILE_NAME && sl_span_equal(field.bytes, name)) {
            return true; /* protoc writes the name first */
        }
    }
    return false;
}

void sl_pool_add_builtin(struct sl_pool *pool)
{
    size_t conflict_count = pool->conflict_count;
    enum sl_status status = sl_pool_add_set(pool, sl_pool_builtin_set(), NULL);
    pool->conflict_count = conflict_count; /* a user's own copy is meant to win */
    if (status != SL_OK) {
        assert(status == SL_LIMIT); /* only a pool that is full already can refuse our own set */
    }
}

size_t sl_pool_conflict_count(const struct sl_pool *pool)
{
    return pool->conflict_count;
}

const char *sl_pool_conflict_at(const struct sl_pool *pool, size_t index)
{
    bool is_kept = index < pool->conflict_count && index < SL_POOL_CONFLICTS_MAX;
    return is_kept ? pool->conflicts[index] : NULL;
}

bool sl_pool_has_file(const struct sl_pool *pool, struct sl_span name)
{
    return sl_pool_find(pool->files, name) != NULL;
}

const struct sl_message_type *sl_pool_message(const struct sl_pool *pool, struct sl_span full_name)
{
    struct sl_pool_symbol *symbol = sl_pool_find(pool->types, full_name);
    return symbol == NULL ? NULL : symbol->message;
}

const struct sl_enum_type *sl_pool_enum(const struct sl_pool *pool, struct sl_span full_name)
{
    struct sl_pool_symbol *symbol = sl_pool_find(pool->types, full_name);
    return symbol == NULL ? NULL : symbol->enumeration;
}

const struct sl_method *sl_pool_method(const struct sl_pool *pool, struct sl_span path)
{
    struct sl_pool_symbol *symbol = sl_pool_find(pool->methods_by_path, path);
    return symbol == NULL ? NULL : symbol->method;
}

const struct sl_field *sl_pool_extension(const struct sl_pool *pool,
                                         const struct sl_message_type *extendee, uint32_t number)
{
    struct sl_pool_symbol *found = NULL;
    struct sl_pool_extension_key key = sl_pool_key_of(extendee, number);
    HASH_FIND(by_number, pool->extensions, &key, sizeof(key), found);
    return found == NULL ? NULL : found->extension;
}

const struct sl_field *sl_pool_extension_named(const struct sl_pool *pool,
                                               const struct sl_message_type *extendee,
                                               struct sl_span full_name)
{
    struct sl_pool_symbol *symbol = sl_pool_find(pool->types, full_name);
    bool is_ours = symbol != NULL && symbol->extension != NULL && symbol->extendee == extendee;
    return is_ours ? symbol->extension : NULL;
}

const struct sl_method *sl_pool_method_at(const struct sl_pool *pool, size_t index)
{
    return index < pool->method_count ? pool->methods[index] : NULL;
}

size_t sl_pool_method_count(const struct sl_pool *pool)
{
    return pool->method_count;
}

const struct sl_field *sl_message_type_field(const struct sl_message_type *type, uint32_t number)
{
    /* Most types number their fields from 1 without a hole. */
    if (number - 1 < type->field_count && type->fields[number - 1].number == number) {
        return &type->fields[number - 1];
    }
    size_t low = 0;
    size_t high = type->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (type->fields[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found = low < type->field_count && type->fields[low].number == number;
    return is_found ? &type->fields[low] : NULL;
}

const struct sl_field *sl_message_type_field_named(const struct sl_message_type *type,
                                                   struct sl_span name)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct sl_field *field = &type->fields[i];
        if (sl_span_is(name, field->json_name) || sl_span_is(name, field->name)) {
            return field;
        }
    }
    return NULL;
}

const char *sl_enum_type_name(const struct sl_enum_type *type, int32_t number)
{
    size_t low = 0;
    size_t high = type->value_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (type->values[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_found = low < type->value_count && type->values[low].number == number;
    return is_found ? type->values[low].name : NULL;
}
