/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CONNECT_ERROR_H
#define INS_CONNECT_ERROR_H

/* The error of a Connect call, as the members "message" and "details" of a status. */
#include "inspector/view/problems.h"
#include "lib/schema/pool.h"
#include "lib/wire/call.h"

/* Details are those of gRPC in another dress: type and value make an Any. One that cannot be read is a
 * problem of the record. */
void ins_connect_error_write(struct sl_json_out *out, const struct sl_call *call,
                             const struct sl_pool *pool, struct ins_problems *problems);

#endif
