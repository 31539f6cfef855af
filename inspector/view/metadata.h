/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_METADATA_H
#define INS_METADATA_H

/*
 * Header blocks as JSON. The values of "-bin" fields become standard base64 with padding, whichever of
 * the wire forms they had: base64 padded or not, several joined by commas (PROTOCOL-HTTP2
 * "Custom-Metadata"), or true binary, a NUL and then the bytes (gRPC proposal G1).
 */
#include "lib/base/json_out.h"
#include "lib/wire/hpack.h"

/* All fields but the pseudo-headers as one object, in wire order; a name that comes again, or a joined
 * "-bin" value, as an array. */
void ins_metadata_write(struct sl_json_out *out, const struct sl_headers *headers);

/* All fields as [["name","value"],...], in wire order. */
void ins_metadata_write_pairs(struct sl_json_out *out, const struct sl_headers *headers);

/* The first of the values that a "-bin" value joins. */
struct sl_span ins_metadata_first(struct sl_span value);

/* Appends the bytes of a "-bin" value that is not joined. SL_MALFORMED when it is no base64. */
SL_MUST_USE enum sl_status ins_metadata_decode(struct sl_span value, struct sl_buf *out);

#endif
