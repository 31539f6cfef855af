/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/pool_parts.h"

#include <stdio.h>

enum {
    SCOPES_MAX = 4, /* scopes that a relative name is looked up in; protoc writes full names only */
};

/* The symbol that a mention means: a name with a leading dot is full, any other is looked up from the
 * innermost scope outward, as protoc does, but not in scopes without end: a set may be hostile. */
static struct sl_pool_symbol *resolve(const struct sl_pool *pool,
                                      const struct sl_descriptor_ref *ref)
{
    if (ref->name.len > 0 && ref->name.data[0] == '.') {
        return sl_pool_find(pool->types, sl_span_from(ref->name, 1));
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
        struct sl_pool_symbol *found =
            sl_pool_find(pool->types, sl_span(full, before + ref->name.len));
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
    struct sl_pool_symbol *symbol = resolve(pool, &use->ref);
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
    struct sl_pool_symbol *extendee = resolve(pool, &extension->extendee);
    struct sl_pool_symbol *own = sl_pool_find(pool->types, sl_span_str(extension->field.name));
    if (extendee == NULL || extendee->message == NULL) {
        return false;
    }
    if (own == NULL || own->extension != &extension->field) {
        return true; /* another one of that name won */
    }
    struct sl_pool_symbol *taken = NULL;
    own->extendee = extendee->message;
    own->key = sl_pool_key_of(extendee->message, extension->field.number);
    HASH_FIND(by_number, pool->extensions, &own->key, sizeof(own->key), taken);
    if (taken == NULL) {
        HASH_ADD(by_number, pool->extensions, key, sizeof(own->key), own);
    }
    return true;
}

static bool link_method(struct sl_pool *pool, struct sl_descriptor_method *declared)
{
    struct sl_pool_symbol *input = resolve(pool, &declared->input);
    struct sl_pool_symbol *output = resolve(pool, &declared->output);
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

/* Calls fn with the place "scope.name". */
static void tell(sl_pool_missing_fn *fn, void *context, const struct sl_descriptor_ref *ref,
                 const char *name)
{
    char where[2 * SL_DESCRIPTOR_NAME_MAX + 2];
    (void)snprintf(where, sizeof(where), "%.*s%s%s", SL_SPAN_ARG(ref->scope),
                   ref->scope.len == 0 ? "" : ".", name);
    fn(context, sl_span_from(ref->name, sl_span_starts(ref->name, ".") ? 1 : 0), where);
}

void sl_pool_each_missing(const struct sl_pool *pool, sl_pool_missing_fn *fn, void *context)
{
    for (const struct sl_descriptor_use *use = pool->open_uses; use != NULL; use = use->next) {
        tell(fn, context, &use->ref, use->field->name);
    }
    for (const struct sl_descriptor_extension *x = pool->open_extensions; x != NULL; x = x->next) {
        fn(context, sl_span_from(x->extendee.name, sl_span_starts(x->extendee.name, ".") ? 1 : 0),
           x->field.name);
    }
    for (const struct sl_descriptor_method *m = pool->open_methods; m != NULL; m = m->next) {
        const struct sl_descriptor_ref *ref = m->method.input == NULL ? &m->input : &m->output;
        fn(context, sl_span_from(ref->name, sl_span_starts(ref->name, ".") ? 1 : 0),
           m->method.path);
    }
}
