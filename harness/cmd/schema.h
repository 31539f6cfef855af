/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CMD_SCHEMA_H
#define HAR_CMD_SCHEMA_H

/* -I, --proto and -d of a subcommand, and the methods that scenarios name. */
#include "harness/binding/binding.h"
#include "harness/cmd/run_options.h"
#include "lib/schema/pool.h"

/* The pool of what the command line and the binding (may be NULL) give, and of the built-in types; NULL, and a line on stderr, when it cannot
 * be loaded. Yours to sl_pool_free. */
struct sl_pool *har_cmd_schema(const char *program, const struct har_run_options *options,
                               const struct har_binding *binding);

#endif
