/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_METHODS_H
#define HAR_METHODS_H

/* The methods that a scenario names, against the schema of a run. */
#include "harness/scenario/fields.h"
#include "harness/scenario/model.h"
#include "lib/schema/pool.h"

enum {
    HAR_METHODS_MAX = 256, /* different ones in the scenarios of one run */
};

/* Methods that no schema knows; borrowed from the scenarios. */
struct har_missing {
    const char *paths[HAR_METHODS_MAX];
    const struct har_scenario *of[HAR_METHODS_MAX]; /* the first that names it ... */
    const char *places[HAR_METHODS_MAX];            /* ... and where */
    size_t count;
};

/* Adds those of this scenario that need a schema and are not in the pool. What is beyond the limit is left
 * out: its scenario fails when it comes to it. */
void har_methods_missing(const struct har_scenario *scenario, const struct sl_pool *pool,
                         struct har_missing *missing);

/* A mistake that the schema shows. */
typedef void har_methods_fn(void *owner, const char *path, const char *text);
/* Tells each message, and each thing that is wanted of one, which is not of its method's type. Methods that
 * the pool does not have are left out. */
void har_methods_check(const struct har_scenario *scenario, const struct sl_pool *pool,
                       har_methods_fn *tell, void *owner);

#endif
