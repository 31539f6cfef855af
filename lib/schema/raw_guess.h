/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RAW_GUESS_H
#define SL_RAW_GUESS_H

/*
 * What a length-delimited payload most likely is, by its content alone. For raw_write.c.
 *
 * In this order, the first that fits:
 *   string    UTF-8 without a control character, though it may parse as a message by chance
 *   message   parses to its end, and the records speak for it: small numbers in ascending order, values as encoders write
 *             them, text inside
 *   string    UTF-8 with line breaks and tabs, or nearly all of it printable
 *   fixed32s, fixed64s   a multiple of 4 or 8 bytes of which each 4 or 8 are a number that people and programs choose
 *   varints   as encoders write them, of like lengths: the more bytes, the less this is chance
 *   bytes     anything else
 * ZigZag is not guessed. tests/unit/schema/raw_guess.py measures how often this is right.
 */
#include "lib/base/span.h"

enum sl_raw_shape {
    SL_RAW_STRING,
    SL_RAW_MESSAGE,
    SL_RAW_VARINTS,
    SL_RAW_FIXED32S,
    SL_RAW_FIXED64S,
    SL_RAW_BYTES,
};

/* may_nest: a message is still allowed here. */
enum sl_raw_shape sl_raw_guess(struct sl_span bytes, bool may_nest);

/* Whether the bits of a fixed32 or fixed64 are more likely a float than an integer: 0, or of a size that people and
 * programs choose. */
bool sl_raw_is_float(uint32_t bits);
bool sl_raw_is_double(uint64_t bits);

#endif
