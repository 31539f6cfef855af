/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_JSON_H
#define INS_JSON_H

/*
 * Reads the records that the views write, in place and without memory of its own: for who shows them
 * to people. Every value is the span of its text. What is read was written by lib/base/json_out.h;
 * other text is not judged, but nothing is read beyond its end.
 */
#include "lib/base/buf.h"

/* What is left of an object or array. */
struct ins_json {
    const uint8_t *at, *end;
};

/* The members or items of value; none where it is neither object nor array. */
struct ins_json ins_json_open(struct sl_span value);
/* Of an object: the next key, without its quotes, and its value. */
bool ins_json_member(struct ins_json *rest, struct sl_span *ret_key, struct sl_span *ret_value);
/* Of an array: the next value. */
bool ins_json_item(struct ins_json *rest, struct sl_span *ret_value);

/* The value of a key; empty when object has none. */
struct sl_span ins_json_get(struct sl_span object, const char *key);
/* The same one level deeper. */
struct sl_span ins_json_in(struct sl_span object, const char *outer, const char *key);

/* Absent or null. */
bool ins_json_is_null(struct sl_span value);
bool ins_json_is_true(struct sl_span value);
/* An array or object without items. */
bool ins_json_is_bare(struct sl_span value);
/* 0 where it is no number. */
uint64_t ins_json_u64(struct sl_span value);
double ins_json_double(struct sl_span value);

/* The text of a string, in scratch, of which it takes the place; what is no string as it stands. Cut to
 * scratch's maximum. */
struct sl_span ins_json_text(struct sl_span value, struct sl_buf *scratch);

#endif
