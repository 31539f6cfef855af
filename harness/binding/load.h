/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BINDING_LOAD_H
#define HAR_BINDING_LOAD_H

/*
 * Bindings from their files (docs/HARNESS.md, "Any gRPC server"), in two steps: the file says where its schema is, and
 * its requests, where they are JSON, are of that schema.
 *
 * Errors name the file, the line and the JSON path.
 */
#include "harness/binding/binding.h"
#include "lib/schema/pool.h"

/* name_or_file: "chat" (none), "health", or a file: anything with a '/' or ending in .json. *ret_binding is yours to
 * release, whatever the outcome; for "chat" *ret_is_chat is true and it stays empty. */
SL_MUST_USE enum sl_status har_binding_load(const char *name_or_file,
                                            struct har_binding *ret_binding, bool *ret_is_chat,
                                            struct sl_error *reterr_error);

/* Its methods against the pool, and its requests to bytes. */
SL_MUST_USE enum sl_status har_binding_compile(struct har_binding *binding,
                                               const struct sl_pool *pool,
                                               struct sl_error *reterr_error);

#endif
