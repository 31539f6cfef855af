/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/shown.h"

#include "lib/base/utf8.h"

/* Of a well-formed character. */
static bool has_shape(struct sl_span c)
{
    if (c.len == 1) {
        return c.data[0] >= 0x20 && c.data[0] != 0x7f;
    }
    if (c.len == 2) { /* C1 */
        return c.data[0] != 0xc2 || c.data[1] >= 0xa0;
    }
    if (c.len == 3 && c.data[0] == 0xe2) {
        bool is_mark = c.data[1] == 0x80 && (c.data[2] == 0x8e || c.data[2] == 0x8f);
        /* U+2028 and U+2029 end lines; U+202A to U+202E and U+2066 to U+2069 turn text. */
        bool is_turn = c.data[1] == 0x80 && c.data[2] >= 0xa8 && c.data[2] <= 0xae;
        bool is_isolate = c.data[1] == 0x81 && c.data[2] >= 0xa6 && c.data[2] <= 0xa9;
        return !is_mark && !is_turn && !is_isolate;
    }
    /* U+FEFF, and U+FFFE and U+FFFF, which XML does not allow. */
    bool is_order_mark = c.len == 3 && c.data[0] == 0xef && c.data[1] == 0xbb && c.data[2] == 0xbf;
    bool is_none = c.len == 3 && c.data[0] == 0xef && c.data[1] == 0xbf && c.data[2] >= 0xbe;
    return !is_order_mark && !is_none;
}

bool har_shown_piece(struct sl_span *text, struct sl_span *ret_piece)
{
    size_t len = sl_utf8_char(*text);
    *ret_piece = sl_span(text->data, len == 0 ? 1 : len);
    *text = sl_span_from(*text, ret_piece->len);
    return len > 0 && has_shape(*ret_piece);
}

void har_shown_escape(struct sl_span piece, const char *begin, struct sl_buf *out)
{
    for (size_t i = 0; i < piece.len; i++) {
        (void)sl_buf_addf(out, "%s%02x", begin, piece.data[i]);
    }
}

void har_shown_add(struct sl_buf *out, struct sl_span text)
{
    struct sl_span piece;
    while (text.len > 0) {
        if (har_shown_piece(&text, &piece)) {
            (void)sl_buf_add_span(out, piece);
        } else {
            har_shown_escape(piece, "\\x", out);
        }
    }
}
