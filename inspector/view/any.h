/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_ANY_H
#define INS_ANY_H

/* google.protobuf.Any outside of a message: in the details of a status. */
#include "lib/base/json_out.h"
#include "lib/base/rd.h"
#include "lib/schema/pool.h"

/* One serialised Any. Where its type is known the schema's own writer does it, else "@type" and the bytes.
 * pool may be NULL. */
void ins_any_write(struct sl_json_out *out, const struct sl_pool *pool, struct sl_span any);

/* The next field's payload; fails the reader when it runs past the end. */
struct sl_span ins_pb_take_bytes(struct sl_rd *rd);
/* Skips the value of a field whose tag was read. */
void ins_pb_skip_field(struct sl_rd *rd, uint64_t tag);

#endif
