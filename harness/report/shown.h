/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SHOWN_H
#define HAR_SHOWN_H

/*
 * Text that a peer may have made up, cut into what people may be shown as it is and what they are shown as escapes:
 * bytes that are no UTF-8, controls (C0, C1, DEL), the ends of lines and what turns the direction of text.
 */
#include "lib/base/buf.h"

/* Takes the next character of text, which is not empty. True when it may be shown. */
bool har_shown_piece(struct sl_span *text, struct sl_span *ret_piece);
/* The bytes of a piece as \xNN; begin: how the format writes the "\x". */
void har_shown_escape(struct sl_span piece, const char *begin, struct sl_buf *out);
/* All of text, what may not be shown as \xNN. */
void har_shown_add(struct sl_buf *out, struct sl_span text);

#endif
