/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_GRPC_STATUS_H
#define SL_GRPC_STATUS_H

/* gRPC status codes, and the derivations that a client makes where the wire carries none. */
#include "lib/base/buf.h"

enum sl_grpc_status {
#define X(name, value) SL_GRPC_##name = (value),
#include "lib/wire/tbl/grpc_status.def"
#undef X
};

/* "UNAVAILABLE"; NULL for a code out of range. */
const char *sl_grpc_status_name(uint32_t code);

/* The code of an upper-case name. SL_NOT_FOUND for an unknown one. */
SL_MUST_USE enum sl_status sl_grpc_status_parse(struct sl_span name, uint32_t *ret_code);

/* The grpc-status field: decimal digits, no sign, no leading zero, at most 32 bits (PROTOCOL-HTTP2
 * "Status"). SL_MALFORMED otherwise; *ret_code then holds what a lenient reader would see, or
 * SL_GRPC_UNKNOWN. */
SL_MUST_USE enum sl_status sl_grpc_status_read(struct sl_span field, uint32_t *ret_code);

/* PROTOCOL-HTTP2 "Errors": the status of a stream that the server reset with this HTTP/2 code. */
enum sl_grpc_status sl_grpc_status_from_h2(uint32_t error);

/* grpc http-grpc-status-mapping.md, and Connect "HTTP to Error Code", which is the same table: the status of a
 * response that tells none. */
enum sl_grpc_status sl_grpc_status_from_http(unsigned http_status);

/* grpc-message percent-decoding (PROTOCOL-HTTP2 "Status-Message"): never fails; an invalid escape stays
 * as it is. Appends to out. */
enum sl_status sl_grpc_message_decode(struct sl_span field, struct sl_buf *out);

/* Percent-encoding: bytes outside 0x20-0x7E and '%' are escaped. Appends to out. */
enum sl_status sl_grpc_message_encode(struct sl_span text, struct sl_buf *out);

/* grpc-timeout (PROTOCOL-HTTP2 "Timeout"): 1 to 8 digits and one of H M S m u n. Saturates at
 * UINT64_MAX nanoseconds. SL_MALFORMED otherwise. */
SL_MUST_USE enum sl_status sl_grpc_timeout_read(struct sl_span field, uint64_t *ret_ns);

/* Appends ns as a grpc-timeout, in the finest unit that fits 8 digits, rounded up. */
enum sl_status sl_grpc_timeout_write(struct sl_buf *out, uint64_t ns);

#endif
