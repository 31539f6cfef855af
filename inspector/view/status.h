/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_STATUS_H
#define INS_STATUS_H

/*
 * How a call ended, as the fields "status" and "status_source" of its record: code, name, message with
 * its percent-encoding taken off, and the details of grpc-status-details-bin (google.rpc.Status), each
 * in the JSON form of google.protobuf.Any.
 */
#include "inspector/view/problems.h"
#include "inspector/view/view.h"
#include "lib/base/json_out.h"

enum {
    INS_STATUS_DETAILS_MAX = 256 * 1024, /* bytes of JSON */
    INS_STATUS_DETAIL_COUNT_MAX = 64,
};

/* Who ended the call otherwise than by the server's last words, and how: the key "aborted" with "by",
 * "how" and, of an RST_STREAM, "error"; nothing where none did. */
void ins_aborted_write(struct sl_json_out *out, const struct sl_call *call);

/* pool may be NULL: then details have their type and bytes only. */
void ins_status_write(struct sl_json_out *out, const struct ins_call *call,
                      const struct sl_pool *pool, struct ins_problems *problems);

#endif
