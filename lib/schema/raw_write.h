/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RAW_WRITE_H
#define SL_RAW_WRITE_H

/* One record in the raw form of sl_raw_write(), for protojson_write.c. */
#include "lib/base/json_out.h"
#include "lib/schema/proto_rd.h"

/* path (may be NULL): where the message stands that holds the record, put in as "path". */
void sl_raw_write_record(struct sl_json_out *out, const struct sl_proto_record *record,
                         const char *path);

#endif
