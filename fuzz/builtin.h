/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_BUILTIN_H
#define FUZZ_BUILTIN_H

/* The built-in types, for targets that need a schema. */
#include <assert.h>

#include "lib/schema/pool.h"

/* Lives as long as the program. */
static inline const struct sl_pool *fuzz_builtin(void)
{
    static struct sl_pool *pool;
    if (pool == NULL) {
        pool = sl_pool_new();
        sl_pool_add_builtin(pool);
        enum sl_status status = sl_pool_link(pool, NULL);
        assert(status == SL_OK);
    }
    return pool;
}

#endif
