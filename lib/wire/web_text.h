/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_WEB_TEXT_H
#define SL_WEB_TEXT_H

/*
 * The base64 of gRPC-Web's text mode (PROTOCOL-WEB "Protocol differences"): a row of base64 pieces, each
 * of which may end in padding, cut anywhere.
 *
 * What is no base64 ends the decoding: nothing more comes out of this stream.
 */
#include "lib/base/span.h"

enum {
    SL_WEB_TEXT_PIECE = 1024, /* bytes of text decoded at a time */
    SL_WEB_TEXT_OUT_MAX = SL_WEB_TEXT_PIECE / 4 * 3 + 3,
};

/* A zeroed struct is one at the start of a stream. */
struct sl_web_text {
    uint32_t bits;     /* of the digits in hand */
    unsigned digits;   /* of a group of four */
    unsigned padding;  /* '=' of the group */
    bool is_malformed; /* for good */
};

/* Takes up to SL_WEB_TEXT_PIECE bytes from *text, which becomes the rest, into out; answers how many
 * bytes that gave. */
size_t sl_web_text_decode(struct sl_web_text *state, struct sl_span *text,
                          uint8_t out[SL_WEB_TEXT_OUT_MAX]);

/* The text ends here: the bytes of a last group whose padding was left out (RFC 4648 3.2), up to two;
 * answers how many. A single digit is malformed. */
size_t sl_web_text_end(struct sl_web_text *state, uint8_t out[SL_WEB_TEXT_OUT_MAX]);

#endif
