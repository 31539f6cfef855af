/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/schema.h"

#include <stdio.h>

#include "lib/schema/sources.h"

static void warn(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "sluice-inspector: %s\n", text);
}

enum sl_status ins_schema_load(const struct ins_opts *opts, struct sl_pool **ret_pool,
                               struct sl_error *reterr_error)
{
    const struct sl_schema_sources sources = {
        .includes = opts->includes.items,
        .include_count = opts->includes.count,
        .protos = opts->protos.items,
        .proto_count = opts->protos.count,
        .sets = opts->descriptor_sets.items,
        .set_count = opts->descriptor_sets.count,
        .warn = warn,
    };
    *ret_pool = sl_pool_new();
    return sl_sources_load(&sources, *ret_pool, reterr_error);
}
