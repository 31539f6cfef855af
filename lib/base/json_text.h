/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_JSON_TEXT_H
#define SL_JSON_TEXT_H

/*
 * JSON that somebody else wrote, checked and put on one line: no tree is built, numbers and escapes stay as
 * they came.
 *
 * Limits: nesting up to SL_JSON_TEXT_DEPTH_MAX.
 */
#include "lib/base/buf.h"

enum {
    SL_JSON_TEXT_DEPTH_MAX = 200,
};

/* Appends text without the white space between its tokens. SL_MALFORMED when it is no JSON value (RFC
 * 8259) in UTF-8, nests too deep or holds more behind the value; SL_LIMIT when out is full. out may then
 * hold a part. */
SL_MUST_USE enum sl_status sl_json_compact(struct sl_span text, struct sl_buf *out);

#endif
