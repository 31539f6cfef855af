/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_REFLECT_CLIENT_H
#define INS_REFLECT_CLIENT_H

/*
 * Asks a server by reflection for the types of all its services: over plain HTTP/2, v1 and where that is not
 * implemented v1alpha. lib/schema/reflect.h says what is bounded in number and size, this bounds the time.
 *
 * Blocks until everything was answered, or it failed.
 */
#include "lib/base/clock.h"
#include "lib/schema/pool.h"

#define INS_REFLECT_WAIT_NS  (10 * SL_SECOND) /* for the connection, and for each answer */
#define INS_REFLECT_TOTAL_NS (60 * SL_SECOND) /* for everything together */

/* Adds what the server has to the pool, which is not linked. target: "HOST:PORT", "[::1]:PORT". wait_ns: in place of
 * INS_REFLECT_WAIT_NS, for tests. ret_left_out: what the server lists and does not give, as text; "" when it gave
 * all. SL_USAGE (no HOST:PORT), SL_NOT_FOUND (no such host), SL_CLOSED (refused, closed), SL_UNSUPPORTED (no HTTP/2,
 * no reflection), SL_TIMEOUT, SL_MALFORMED, SL_LIMIT, SL_IO; the text says it all but the target. */
SL_MUST_USE enum sl_status ins_reflect(const char *target, uint64_t wait_ns, struct sl_pool *pool,
                                       char ret_left_out[SL_ERROR_TEXT_MAX],
                                       struct sl_error *reterr_error);

#endif
