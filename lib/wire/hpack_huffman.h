/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HPACK_HUFFMAN_H
#define SL_HPACK_HUFFMAN_H

/*
 * HPACK's Huffman code (RFC 7541 5.2 and Appendix B), to bytes.
 *
 * The shortest code has 5 bits, so that a string of n bytes decodes to at most 8/5 of n.
 * Ownership: borrows both. Allocates nothing.
 */
#include "lib/base/buf.h"
#include "lib/base/span.h"

/* Bytes that the output of a coded string of this length needs; the decoder writes past what it
 * answers, but not past these. */
static inline size_t sl_huffman_room(size_t coded_len)
{
    return coded_len + coded_len / 2 + coded_len / 8 + 3;
}

/* Builds the tables, once; any number of calls from any thread. Before the first decode. */
void sl_huffman_prepare(void);

/* Decodes all of coded to out, which has sl_huffman_room() bytes. False when it holds the code of EOS,
 * or ends in anything but less than 8 bits of ones (RFC 7541 5.2). */
bool sl_huffman_decode(struct sl_span coded, uint8_t *out, size_t *ret_len);

/* Appends the code of text, its last byte filled with ones (RFC 7541 5.2). For blocks that are written by hand: it looks
 * each byte up the long way. out->is_full tells that a limit was passed. */
void sl_huffman_encode(struct sl_span text, struct sl_buf *out);

#endif
