/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/pool.h"

#include <assert.h>

#include "lib/base/alloc.h"
#include "lib/schema/descriptor.h"
#include "lib/schema/proto_rd.h"
#include "lib/schema/well_known.h"

#define uthash_malloc(size)       sl_alloc(size)
#define uthash_free(memory, size) sl_free(memory)
#include <uthash.h>

/* protoc's output for the files that the program knows by itself (proto/CMakeLists.txt). */
extern const unsigned char sl_builtin_protos[];
extern const size_t sl_builtin_protos_size;

/* The second key of an extension: what it extends, and at which number, as bytes. */
struct extension_key {
    uint8_t bytes[sizeof(uintptr_t) + sizeof(uint32_t)];
};

enum {
    SCOPES_MAX = 4, /* scopes that a relative name is looked up in; protoc writes full names only */
};

/* What a name stands for: one pointer is set, or none for the name of a file. */
struct symbol {
    const char *name;
    const struct sl_message_type *message;
    const struct sl_enum_type *enumeration;
    const struct sl_field *extension;
    const struct sl_method *method;
    const struct sl_message_type *extendee; /* of an extension, when it is linked */
    struct extension_key key;
    UT_hash_handle hh;        /* by name */
    UT_hash_handle by_number; /* extensions, by key */
};

struct sl_pool {
    struct sl_arena *arenas; /* one for each add that brought something */
    size_t arena_count;
    size_t memory_left;
    struct symbol *types; /* messages, enums and extensions by full name */
    struct symbol *files;
    struct symbol *methods_by_path;
    struct symbol *extensions; /* by key */
    const struct sl_method **methods;
    size_t method_count, method_capacity;
    /* What sl_pool_link() could not resolve yet. */
    struct sl_descriptor_use *open_uses;
    struct sl_descriptor_extension *open_extensions;
    struct sl_descriptor_method *open_methods;
};

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

static struct extension_key key_of(const struct sl_message_type *extendee, uint32_t number)
{
    struct extension_key key;
    uintptr_t address = (uintptr_t)extendee;
    memcpy(key.bytes, &address, sizeof(address));
    memcpy(key.bytes + sizeof(address), &number, sizeof(number));
    return key;
}

static struct symbol *find(struct symbol *table, struct sl_span name)
{
    struct symbol *found = NULL;
    if (name.len > 0 && name.len <= SL_DESCRIPTOR_NAME_MAX + 1) {
        HASH_FIND(hh, table, name.data, name.len, found);
    }
    return found;
}

/* Adds a symbol unless its name is taken: the first one wins. True when it was added. */
static bool add_symbol(struct symbol **table, struct symbol *symbol)
{
    if (find(*table, sl_span_str(symbol->name)) != NULL) {
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

/* Makes the file's names known, unless a file of its name is there. symbols: symbol_count() of them.
 * True when the pool now uses the file. */
static bool commit(struct sl_pool *pool, struct sl_descriptor_file *file, struct symbol *symbols)
{
    symbols->name = file->name;
    if (!add_symbol(&pool->files, symbols++)) {
        return false;
    }
    for (struct sl_descriptor_message *m = file->messages; m != NULL; m = m->next) {
        m->type.well_known = sl_well_known_of(&m->type);
        symbols->name = m->type.full_name;
        symbols->message = &m->type;
        (void)add_symbol(&pool->types, symbols++);
    }
    for (struct sl_descriptor_enum *e = file->enums; e != NULL; e = e->next) {
        symbols->name = e->type.full_name;
        symbols->enumeration = &e->type;
        (void)add_symbol(&pool->types, symbols++);
    }
    for (struct sl_descriptor_extension *x = file->extensions; x != NULL; x = x->next) {
        symbols->name = x->field.name;
        symbols->extension = &x->field;
        (void)add_symbol(&pool->types, symbols++);
    }
    for (struct sl_descriptor_method *m = file->methods; m != NULL; m = m->next) {
        symbols->name = m->method.path;
        symbols->method = &m->method;
        if (add_symbol(&pool->methods_by_path, symbols++)) {
            list_method(pool, &m->method);
        }
    }
    open_lists(pool, file);
    return true;
}

/* Reads the files into the arena: a list, with the symbols that each will need. */
struct staged {
    struct sl_descriptor_file file;
    struct symbol *symbols;
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
    enum sl_status status = sl_pool_add_set(pool, sl_pool_builtin_set(), NULL);
    if (status != SL_OK) {
        assert(status == SL_LIMIT); /* only a pool that is full already can refuse our own set */
    }
}

/* The symbol that a mention means: a name with a leading dot is full, any other is looked up from the
 * innermost scope outward, as protoc does, but not in scopes without end: a set may be hostile. */
static struct symbol *resolve(const struct sl_pool *pool, const struct sl_descriptor_ref *ref)
{
    if (ref->name.len > 0 && ref->name.data[0] == '.') {
        return find(pool->types, sl_span_from(ref->name, 1));
    }
    char full[2 * SL_DESCRIPTOR_NAME_MAX + 3];
    size_t scope = ref->scope.len;
    for (size_t tried = 0;; tried++) {
        size_t before = 0;
        if (scope > 0) {
            memcpy(full, ref->scope.data, scope);
            full[scope] = '.';
            before = scope + 1;
        }
        if (ref->name.len > 0) {
            memcpy(full + before, ref->name.data, ref->name.len);
        }
        struct symbol *found = find(pool->types, sl_span(full, before + ref->name.len));
        if (found != NULL || scope == 0) {
            return found;
        }
        while (scope > 0 && ref->scope.data[scope - 1] != '.') {
            scope--;
        }
        scope -= scope > 0;
        scope = tried + 1 < SCOPES_MAX ? scope : 0;
    }
}

/* True when entry is what protoc makes for map<K, V>: its key must have a JSON form as a name. */
static bool is_map_entry(const struct sl_message_type *entry)
{
    if (!entry->is_map_entry || entry->field_count != 2) {
        return false;
    }
    const struct sl_field *key = &entry->fields[0];
    const struct sl_field *value = &entry->fields[1];
    bool is_key_type = key->type != SL_TYPE_DOUBLE && key->type != SL_TYPE_FLOAT &&
                       key->type != SL_TYPE_BYTES && key->type != SL_TYPE_MESSAGE &&
                       key->type != SL_TYPE_GROUP && key->type != SL_TYPE_ENUM;
    return key->number == 1 && value->number == 2 && !key->is_repeated && !value->is_repeated &&
           is_key_type;
}

/* True when the type of the field was found. */
static bool link_use(struct sl_pool *pool, const struct sl_descriptor_use *use)
{
    struct sl_field *field = use->field;
    struct symbol *symbol = resolve(pool, &use->ref);
    bool is_enum_field = field->type == SL_TYPE_ENUM;
    bool is_message_field = field->type == SL_TYPE_MESSAGE || field->type == SL_TYPE_GROUP;
    if (symbol == NULL) {
        return false;
    }
    if (symbol->enumeration != NULL && (is_enum_field || !use->is_type_given)) {
        field->type = SL_TYPE_ENUM;
        field->enumeration = symbol->enumeration;
        return true;
    }
    if (symbol->message == NULL || !is_message_field) {
        return false;
    }
    field->message = symbol->message;
    if (field->is_repeated && is_map_entry(symbol->message)) {
        field->is_map = true;
        field->type = SL_TYPE_MESSAGE; /* a map entry is never delimited */
    }
    return true;
}

static bool link_extension(struct sl_pool *pool, const struct sl_descriptor_extension *extension)
{
    struct symbol *extendee = resolve(pool, &extension->extendee);
    struct symbol *own = find(pool->types, sl_span_str(extension->field.name));
    if (extendee == NULL || extendee->message == NULL) {
        return false;
    }
    if (own == NULL || own->extension != &extension->field) {
        return true; /* another one of that name won */
    }
    struct symbol *taken = NULL;
    own->extendee = extendee->message;
    own->key = key_of(extendee->message, extension->field.number);
    HASH_FIND(by_number, pool->extensions, &own->key, sizeof(own->key), taken);
    if (taken == NULL) {
        HASH_ADD(by_number, pool->extensions, key, sizeof(own->key), own);
    }
    return true;
}

static bool link_method(struct sl_pool *pool, struct sl_descriptor_method *declared)
{
    struct symbol *input = resolve(pool, &declared->input);
    struct symbol *output = resolve(pool, &declared->output);
    declared->method.input = input == NULL ? NULL : input->message;
    declared->method.output = output == NULL ? NULL : output->message;
    return declared->method.input != NULL && declared->method.output != NULL;
}

enum sl_status sl_pool_link(struct sl_pool *pool, struct sl_error *reterr_error)
{
    (void)reterr_error;
    struct sl_descriptor_use **use = &pool->open_uses;
    while (*use != NULL) {
        if (link_use(pool, *use)) {
            *use = (*use)->next;
        } else {
            use = &(*use)->next;
        }
    }
    struct sl_descriptor_extension **extension = &pool->open_extensions;
    while (*extension != NULL) {
        if (link_extension(pool, *extension)) {
            *extension = (*extension)->next;
        } else {
            extension = &(*extension)->next;
        }
    }
    struct sl_descriptor_method **method = &pool->open_methods;
    while (*method != NULL) {
        if (link_method(pool, *method)) {
            *method = (*method)->next;
        } else {
            method = &(*method)->next;
        }
    }
    return SL_OK;
}

bool sl_pool_has_file(const struct sl_pool *pool, struct sl_span name)
{
    return find(pool->files, name) != NULL;
}

const struct sl_message_type *sl_pool_message(const struct sl_pool *pool, struct sl_span full_name)
{
    struct symbol *symbol = find(pool->types, full_name);
    return symbol == NULL ? NULL : symbol->message;
}

const struct sl_enum_type *sl_pool_enum(const struct sl_pool *pool, struct sl_span full_name)
{
    struct symbol *symbol = find(pool->types, full_name);
    return symbol == NULL ? NULL : symbol->enumeration;
}

const struct sl_method *sl_pool_method(const struct sl_pool *pool, struct sl_span path)
{
    struct symbol *symbol = find(pool->methods_by_path, path);
    return symbol == NULL ? NULL : symbol->method;
}

const struct sl_field *sl_pool_extension(const struct sl_pool *pool,
                                         const struct sl_message_type *extendee, uint32_t number)
{
    struct symbol *found = NULL;
    struct extension_key key = key_of(extendee, number);
    HASH_FIND(by_number, pool->extensions, &key, sizeof(key), found);
    return found == NULL ? NULL : found->extension;
}

const struct sl_field *sl_pool_extension_named(const struct sl_pool *pool,
                                               const struct sl_message_type *extendee,
                                               struct sl_span full_name)
{
    struct symbol *symbol = find(pool->types, full_name);
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
