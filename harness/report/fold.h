/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FOLD_H
#define HAR_FOLD_H

/*
 * Lines that are too long for a terminal, broken between words and indented, so that a sentence is not cut in the middle of
 * a word. What has no space, as a path, stays in one piece; several spaces are a table's, and stay.
 */
#include "lib/base/buf.h"

enum {
    HAR_FOLD_MIN = 60,    /* columns; a narrower terminal breaks lines itself */
    HAR_FOLD_INDENT = 16, /* of what follows in a line */
};

/* text is whole lines of UTF-8, with colours at most. columns: of the terminal. */
void har_fold(struct sl_span text, unsigned columns, struct sl_buf *out);

#endif
