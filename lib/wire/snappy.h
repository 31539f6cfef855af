/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_SNAPPY_H
#define SL_SNAPPY_H

/*
 * Snappy as gRPC peers write it: one raw block (snappy "format_description.txt"), or the framing format
 * ("framing_format.txt") of the Go compressors: chunks with a masked CRC-32C each. The stream
 * identifier tells them apart. Blocks are decoded by libsnappy; chunks and checksums here.
 *
 * Ownership: borrows the payload.      Limits: the maximum of out, asked before a block is inflated.
 */
#include "lib/base/buf.h"

/* Appends what payload decodes to. SL_MALFORMED on damaged or cut input, a wrong checksum or a chunk
 * that must not be skipped; out then holds the chunks before it. SL_LIMIT when out is full. */
SL_MUST_USE enum sl_status sl_snappy_decompress(struct sl_span payload, struct sl_buf *out);

#endif
