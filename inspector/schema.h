/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SCHEMA_H
#define INS_SCHEMA_H

/* The types that the options name, and the built-in ones. */
#include "inspector/opts.h"

/* The user's own come first, so that their copy of a built-in file wins. ret_pool is to be freed with
 * sl_pool_free, also after a failure. What does not compile under -I is a warning on stderr. */
SL_MUST_USE enum sl_status ins_schema_load(const struct ins_opts *opts, struct sl_pool **ret_pool,
                                           struct sl_error *reterr_error);

#endif
