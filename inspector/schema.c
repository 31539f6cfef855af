/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/schema.h"

enum sl_status ins_schema_load(const struct ins_opts *opts, struct sl_pool **ret_pool,
                               struct sl_error *reterr_error)
{
    if (opts->includes.count + opts->protos.count + opts->descriptor_sets.count > 0) {
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "-I, --proto and -d: this build has the built-in types only");
    }
    struct sl_pool *pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    *ret_pool = pool;
    return sl_pool_link(pool, reterr_error);
}
