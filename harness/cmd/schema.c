/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/schema.h"

#include <stdio.h>

#include "lib/schema/source/sources.h"

static void warn(void *context, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n", (const char *)context, text);
}

struct sl_pool *har_cmd_schema(const char *program, const struct har_run_options *options)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s", program);
    const struct sl_schema_sources sources = {
        .includes = options->includes.items,
        .include_count = options->includes.count,
        .protos = options->protos.items,
        .proto_count = options->protos.count,
        .sets = options->descriptor_sets.items,
        .set_count = options->descriptor_sets.count,
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
