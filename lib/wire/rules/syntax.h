/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RULES_SYNTAX_H
#define SL_RULES_SYNTAX_H

/*
 * Internal: what header fields and their values may look like, for the rules of requests and responses alike.
 * Everything here is a function of bytes of a peer; nothing is kept.
 */
#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum sl_base64_kind {
    SL_NO_BASE64,
    SL_BASE64_UNPADDED,
    SL_BASE64_PADDED,
};

/* RFC 9113 8.2.1, 8.2.2: what is wrong with the name of a field that is no pseudo-header field, or NULL. Follows
 * "a field NAME". */
const char *sl_syntax_wrong_name(struct sl_span name);
/* RFC 9113 8.2.1: CR, LF or NUL. */
bool sl_syntax_has_forbidden_byte(struct sl_span value);
/* RFC 9113 8.2.1: begins or ends with white space. */
bool sl_syntax_is_spaced(struct sl_span value);
/* PROTOCOL-HTTP2 "ASCII-Value" */
bool sl_syntax_is_printable(struct sl_span value);
/* RFC 9110 8.6; false for what is no number, or has more than 18 digits. */
bool sl_syntax_read_length(struct sl_span text, uint64_t *ret_length);
/* The name of a field whose value is base64. */
bool sl_syntax_is_binary(struct sl_span name);
/* RFC 4648 4, the padding optional. */
enum sl_base64_kind sl_syntax_base64(struct sl_span text);
/* The same of values that may be joined by commas: the worst of them. */
enum sl_base64_kind sl_syntax_base64_list(struct sl_span list);
/* PROTOCOL-HTTP2 "Path": what is wrong with one that begins with a slash, or NULL. Follows "the path ... ". */
const char *sl_syntax_wrong_path(struct sl_span path);

#endif
