/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/fold.h"

/* Bytes of the word at the front of text: spaces, then what is none. */
static size_t word_of(struct sl_span text, size_t *ret_spaces)
{
    size_t len = 0;
    while (len < text.len && text.data[len] == ' ') {
        len++;
    }
    *ret_spaces = len;
    while (len < text.len && text.data[len] != ' ' && text.data[len] != '\n') {
        len++;
    }
    return len;
}

/* Columns that it takes: characters, without colours. */
static unsigned columns_of(struct sl_span text)
{
    unsigned columns = 0;
    bool is_colour = false;
    for (size_t i = 0; i < text.len; i++) {
        is_colour |= text.data[i] == 0x1b;
        columns += !is_colour && (text.data[i] & 0xc0) != 0x80;
        is_colour &= text.data[i] != 'm';
    }
    return columns;
}

void har_fold(struct sl_span text, unsigned columns, struct sl_buf *out)
{
    unsigned column = 0;
    while (text.len > 0) {
        if (text.data[0] == '\n') {
            (void)sl_buf_add_u8(out, '\n');
            text = sl_span_from(text, 1);
            column = 0;
            continue;
        }
        size_t spaces = 0;
        size_t len = word_of(text, &spaces);
        unsigned width = columns_of(sl_span(text.data, len));
        bool is_over = column > HAR_FOLD_INDENT && column + width > columns && spaces == 1;
        if (is_over && columns >= HAR_FOLD_MIN) {
            (void)sl_buf_addf(out, "\n%*s", HAR_FOLD_INDENT, "");
            (void)sl_buf_add(out, text.data + spaces, len - spaces);
            column = HAR_FOLD_INDENT + width - (unsigned)spaces;
        } else {
            (void)sl_buf_add(out, text.data, len);
            column += width;
        }
        text = sl_span_from(text, len);
    }
}
