/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_REFLECT_H
#define HAR_REFLECT_H

/*
 * Asks a server by reflection for the schema of methods: v1, then v1alpha where it says UNIMPLEMENTED. On a connection
 * of its own, over the h2 transport. lib/schema/reflect.h says what is bounded; the time is, here.
 *
 * Life: as har_conn. har_reflect_free may be called from done().
 */
#include "harness/transport/transport.h"
#include "lib/schema/pool.h"

enum {
    HAR_REFLECT_TEXT_MAX = 400,
};

struct har_reflect;

/* SL_OK: the server was asked for everything; text is what it did not have, or "". Otherwise why it could not be
 * asked. The pool is linked, with whatever came. */
typedef void har_reflect_fn(void *owner, enum sl_status status, const char *text);

struct har_reflect_config {
    struct har_conn_config conn;      /* its handler and owner are not used */
    const struct sl_header *metadata; /* kept */
    size_t metadata_count;
    struct sl_pool *pool;       /* borrowed until freed */
    const char *const *methods; /* "/package.Service/Method"; read during har_reflect_new */
    size_t method_count;
    uint64_t timeout_ns; /* for everything together */
    har_reflect_fn *done;
    void *owner;
};

struct har_reflect *har_reflect_new(uv_loop_t *loop, const struct har_reflect_config *config);
void har_reflect_free(
    struct har_reflect *reflect); /* NULL is fine; done() does not come any more */

#endif
