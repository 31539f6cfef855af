/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/schema.h"

#include <stdio.h>

#include "inspector/reflect/client.h"
#include "lib/schema/source/sources.h"

static void warn(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "sluice-inspector: %s\n", text);
}

/* The types of the servers that --reflect names. */
static enum sl_status ask_servers(const void *context, struct sl_pool *pool,
                                  struct sl_error *reterr_error)
{
    const struct ins_opts *opts = context;
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < opts->reflects.count && status == SL_OK; i++) {
        char left_out[SL_ERROR_TEXT_MAX];
        struct sl_error error = {0};
        const char *target = opts->reflects.items[i];
        status = ins_reflect(target, INS_REFLECT_WAIT_NS, pool, left_out, &error);
        if (status != SL_OK) {
            (void)sl_error_set(reterr_error, status, "--reflect %s: %s", target, error.text);
        } else if (left_out[0] != '\0') {
            (void)fprintf(stderr, "sluice-inspector: --reflect %s: %s\n", target, left_out);
        }
    }
    return status;
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
        .more = ask_servers,
        .more_context = opts,
        .warn = warn,
    };
    *ret_pool = sl_pool_new();
    return sl_sources_load(&sources, *ret_pool, reterr_error);
}
