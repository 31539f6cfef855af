/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/source/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/schema/proto_rd.h"
#include "lib/schema/source/folders.h"
#include "lib/schema/source/protoc.h"
#include "lib/schema/source/set_file.h"

/* Names of proto files below the includes. */
struct names {
    char **items;
    size_t count, capacity;
};

struct loader {
    const struct sl_schema_sources *sources;
    struct sl_pool *pool;
    struct sl_protoc *protoc;
    size_t failed_count; /* files under the includes that do not compile */
    struct sl_error *error;
};

static void warn(const struct loader *l, const char *text)
{
    if (l->sources->warn != NULL) {
        l->sources->warn(l->sources->warn_context, text);
    }
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        sl_free(names->items[i]);
    }
    sl_free(names->items);
}

static void names_add(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        names->items = sl_realloc(names->items, names->capacity * sizeof(*names->items));
    }
    names->items[names->count++] = sl_strdup(name);
}

/* Puts the name of the file before protoc's text, which may speak of an import alone. */
static void name_file(struct sl_error *error, const char *name)
{
    if (error->status == SL_MALFORMED && strncmp(error->text, name, strlen(name)) != 0) {
        struct sl_error plain = *error;
        (void)sl_error_set(error, plain.status, "%.200s: %.300s", name, plain.text);
    }
}

/* Compiles the files and adds the outcome to the pool. */
static enum sl_status compile(struct loader *l, const char *const *files, size_t count,
                              struct sl_error *reterr_error)
{
    struct sl_buf set;
    sl_buf_init(&set, SL_POOL_SET_MAX);
    enum sl_status status = sl_protoc_compile(l->protoc, files, count, &set, reterr_error);
    if (status == SL_OK) {
        status = sl_pool_add_set(l->pool, sl_buf_span(&set), reterr_error);
    }
    sl_buf_release(&set);
    return status;
}

/* Compiles what can be compiled. protoc answers nothing at all when one file is bad, so a batch that
 * fails is halved until the bad ones are alone. */
static enum sl_status compile_batch(struct loader *l, const char *const *files, size_t count)
{
    struct sl_error error = {0};
    enum sl_status status = compile(l, files, count, &error);
    if (status == SL_OK) {
        return SL_OK;
    }
    if (status == SL_NOT_FOUND || status == SL_IO) {
        return sl_error_set(l->error, status, "%s", error.text);
    }
    if (count == 1) {
        name_file(&error, files[0]);
        if (l->failed_count++ < SL_SOURCES_FAILED_MAX) {
            warn(l, error.text);
        }
        return SL_OK;
    }
    status = compile_batch(l, files, count / 2);
    if (status == SL_OK) {
        status = compile_batch(l, files + count / 2, count - count / 2);
    }
    return status;
}

/* Tells of a folder that was added, and makes protoc look there. */
static enum sl_status use_added(struct loader *l, const struct sl_folders *folders)
{
    enum sl_status status = SL_OK;
    for (size_t i = folders->given_count; i < folders->folder_count && status == SL_OK; i++) {
        char text[SL_ERROR_TEXT_MAX];
        (void)snprintf(text, sizeof(text), "imports are looked up under %.300s too",
                       folders->folders[i]);
        warn(l, text);
        status = sl_protoc_add_include(l->protoc, folders->folders[i], l->error);
    }
    return status;
}

static void tell_left_out(const struct loader *l, const struct sl_folders *folders)
{
    char text[SL_ERROR_TEXT_MAX];
    if (l->failed_count > SL_SOURCES_FAILED_MAX) {
        (void)snprintf(text, sizeof(text), "%zu more files do not compile",
                       l->failed_count - SL_SOURCES_FAILED_MAX);
        warn(l, text);
    }
    if (folders->left_out > 0) {
        (void)snprintf(text, sizeof(text), "%zu files whose path begins with '-' are left out",
                       folders->left_out);
        warn(l, text);
    }
}

static enum sl_status load_includes(struct loader *l)
{
    struct sl_folders folders;
    enum sl_status status =
        sl_folders_find(l->sources->includes, l->sources->include_count, &folders, l->error);
    if (status == SL_OK) {
        status = use_added(l, &folders);
    }
    const char *batch[SL_PROTOC_BATCH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < folders.file_count && status == SL_OK; i++) {
        batch[count++] = folders.files[i].name;
        if (count == SL_PROTOC_BATCH_MAX || i + 1 == folders.file_count) {
            status = compile_batch(l, batch, count);
            count = 0;
        }
    }
    if (status == SL_OK && l->sources->include_count > 0 && folders.file_count == 0) {
        warn(l, "there is no .proto file below the -I folders");
    }
    tell_left_out(l, &folders);
    sl_folders_release(&folders);
    return status;
}

/* The name of a --proto below the includes, yours; the folder of a path that is below none of them
 * becomes one more include. NULL when there is no such file. */
static char *locate(struct loader *l, const char *proto, enum sl_status *ret_status)
{
    *ret_status = SL_OK;
    for (size_t i = 0; i < l->sources->include_count; i++) {
        const char *include = l->sources->includes[i];
        char *path = sl_asprintf("%s/%s", include, proto);
        bool is_there = access(path, R_OK) == 0;
        sl_free(path);
        size_t len = strlen(include);
        if (is_there) {
            return sl_strdup(proto);
        }
        if (strncmp(proto, include, len) == 0 && proto[len] == '/' && access(proto, R_OK) == 0) {
            return sl_strdup(proto + len + 1); /* given with the include's path before it */
        }
    }
    if (access(proto, R_OK) != 0) {
        *ret_status = sl_error_set(l->error, SL_NOT_FOUND,
                                   "%s: not found under the -I folders, nor as a path", proto);
        return NULL;
    }
    const char *slash = strrchr(proto, '/');
    char *folder = slash == NULL    ? sl_strdup(".")
                   : slash == proto ? sl_strdup("/")
                                    : sl_strndup(proto, (size_t)(slash - proto));
    *ret_status = sl_protoc_add_include(l->protoc, folder, l->error);
    sl_free(folder);
    return *ret_status == SL_OK ? sl_strdup(slash == NULL ? proto : slash + 1) : NULL;
}

static enum sl_status load_proto(struct loader *l, const char *proto)
{
    enum sl_status status;
    char *name = locate(l, proto, &status);
    if (name != NULL) {
        struct sl_error error = {0};
        status = name[0] == '-' ? sl_error_set(&error, SL_USAGE, "%s: begins with '-'", name)
                                : compile(l, (const char *const *)&name, 1, &error);
        if (status != SL_OK) {
            name_file(&error, name);
            (void)sl_error_set(l->error, status, "%s", error.text);
        }
    }
    sl_free(name);
    return status;
}

static enum sl_status load_set(struct loader *l, const char *path)
{
    struct sl_buf set;
    struct sl_error error = {0};
    sl_buf_init(&set, SL_POOL_SET_MAX);
    enum sl_status status = sl_set_file_read(path, &set, l->error);
    if (status == SL_OK) {
        /* The pool takes anything that is protobuf: a set without one file is none. */
        bool is_set = set.len > 0 && set.data[0] == (1 << 3 | SL_WIRE_LEN);
        status = is_set ? sl_pool_add_set(l->pool, sl_buf_span(&set), &error)
                        : sl_error_set(&error, SL_MALFORMED, "this is no FileDescriptorSet");
        if (status != SL_OK) {
            (void)sl_error_set(l->error, status, "%s: %s", path, error.text);
        }
    }
    sl_buf_release(&set);
    return status;
}

/* Mentions of types that no file declares: each type is told once. */
struct missing {
    const struct loader *loader;
    struct names types;
};

static void on_missing(void *context, struct sl_span type, const char *where)
{
    struct missing *missing = context;
    char text[SL_ERROR_TEXT_MAX];
    for (size_t i = 0; i < missing->types.count; i++) {
        if (sl_span_is(type, missing->types.items[i])) {
            return;
        }
    }
    if (missing->types.count == SL_SOURCES_MISSING_MAX) {
        return;
    }
    char *name = sl_strndup((const char *)type.data, type.len);
    names_add(&missing->types, name);
    (void)snprintf(text, sizeof(text),
                   "%.160s is declared by no file that was given (%.160s has it); its values are "
                   "shown by field number%s",
                   name, where,
                   missing->types.count == SL_SOURCES_MISSING_MAX ? "; more is missing" : "");
    warn(missing->loader, text);
    sl_free(name);
}

/* What the user should know of what was loaded. */
static void tell(const struct loader *l)
{
    struct missing missing = {.loader = l};
    const char *text = NULL;
    size_t count = sl_pool_conflict_count(l->pool);
    for (size_t i = 0; (text = sl_pool_conflict_at(l->pool, i)) != NULL; i++) {
        warn(l, text);
    }
    if (count > SL_POOL_CONFLICTS_MAX) {
        warn(l, "more types were declared twice, and otherwise");
    }
    sl_pool_each_missing(l->pool, on_missing, &missing);
    names_release(&missing.types);
}

enum sl_status sl_sources_load(const struct sl_schema_sources *sources, struct sl_pool *pool,
                               struct sl_error *reterr_error)
{
    struct loader l = {.sources = sources, .pool = pool, .error = reterr_error};
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < sources->set_count && status == SL_OK; i++) {
        status = load_set(&l, sources->sets[i]);
    }
    if (status == SL_OK && sources->include_count + sources->proto_count > 0) {
        status = sl_protoc_new(sources->includes, sources->include_count, &l.protoc, reterr_error);
    }
    for (size_t i = 0; i < sources->proto_count && status == SL_OK; i++) {
        status = load_proto(&l, sources->protos[i]);
    }
    if (status == SL_OK) {
        status = load_includes(&l);
    }
    sl_protoc_free(l.protoc);
    if (status == SL_OK && sources->more != NULL) {
        status = sources->more(sources->more_context, pool, reterr_error);
    }
    if (status != SL_OK) {
        return status;
    }
    sl_pool_add_builtin(pool);
    status = sl_pool_link(pool, reterr_error);
    tell(&l);
    return status;
}
