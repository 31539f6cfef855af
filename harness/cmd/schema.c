/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/schema.h"

#include <stdio.h>

#include "lib/schema/source/sources.h"

enum {
    PATHS_MAX = HAR_LIST_MAX + HAR_BINDING_FILES_MAX,
};

static void warn(void *context, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n", (const char *)context, text);
}

/* Those of the command line first: they win. */
static size_t join(const struct har_list *given, const struct har_strings *bound,
                   const char *paths[PATHS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < given->count; i++) {
        paths[count++] = given->items[i];
    }
    for (size_t i = 0; bound != NULL && i < bound->count && count < PATHS_MAX; i++) {
        paths[count++] = bound->items[i];
    }
    return count;
}

struct sl_pool *har_cmd_schema(const char *program, const struct har_run_options *options,
                               const struct har_binding *binding)
{
    const char *protos[PATHS_MAX];
    const char *sets[PATHS_MAX];
    size_t proto_count = join(&options->protos, binding == NULL ? NULL : &binding->protos, protos);
    size_t set_count =
        join(&options->descriptor_sets, binding == NULL ? NULL : &binding->sets, sets);
    char name[64];
    (void)snprintf(name, sizeof(name), "%s", program);
    const struct sl_schema_sources sources = {
        .includes = options->includes.items,
        .include_count = options->includes.count,
        .protos = protos,
        .proto_count = proto_count,
        .sets = sets,
        .set_count = set_count,
        .warn = warn,
        .warn_context = name,
    };
    struct sl_error error = {0};
    struct sl_pool *pool = sl_pool_new();
    if (sl_sources_load(&sources, pool, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: %s%s%s\n", program, error.source,
                      error.source[0] == '\0' ? "" : ": ", error.text);
        sl_pool_free(pool);
        return NULL;
    }
    return pool;
}
