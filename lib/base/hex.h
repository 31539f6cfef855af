/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HEX_H
#define SL_HEX_H

/* Hex digits and base64 (RFC 4648). */
#include "lib/base/buf.h"

/* The value of a hex digit of either case, or -1. */
int sl_hex_value(uint8_t digit);

/* Appends two lower-case digits a byte. SL_LIMIT when out is full. */
enum sl_status sl_hex_encode(struct sl_span bytes, struct sl_buf *out);

/* Appends the bytes of an even number of hex digits of either case. SL_MALFORMED otherwise; out may
 * then hold a part. */
SL_MUST_USE enum sl_status sl_hex_decode(struct sl_span text, struct sl_buf *out);

/* Appends the standard alphabet, with '=' padding when asked. SL_LIMIT when out is full. */
enum sl_status sl_base64_encode(struct sl_span bytes, bool has_padding, struct sl_buf *out);

/* Appends what text decodes to. Takes the standard and the URL-safe alphabet, padded or not, as the
 * protobuf JSON mapping and gRPC's "-bin" metadata ask for. SL_MALFORMED otherwise; out may then
 * hold a part. */
SL_MUST_USE enum sl_status sl_base64_decode(struct sl_span text, struct sl_buf *out);

#endif
