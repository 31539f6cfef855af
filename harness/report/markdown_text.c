/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/markdown_text.h"

#include "harness/report/shown.h"

void har_markdown_text(struct sl_buf *out, struct sl_span text)
{
    struct sl_span piece;
    uint8_t last = ' ';
    while (text.len > 0) {
        if (!har_shown_piece(&text, &piece)) {
            har_shown_escape(piece, "&#92;x", out);
            last = ' ';
            continue;
        }
        uint8_t c = piece.data[0];
        bool is_marked = c != 0 && strchr("&<>|`*_~[]\\#!{}$^", c) != NULL;
        /* The extension "autolinks": www., and a scheme before what follows it. */
        bool is_link = (c == '.' && last == 'w') || (c == ':' && text.len > 0 && *text.data != ' ');
        if (c == '@') {
            (void)sl_buf_add_str(out, "&#64;&#8203;"); /* nobody is called */
        } else if (piece.len == 1 && (is_marked || is_link)) {
            (void)sl_buf_addf(out, "&#%u;", c);
        } else {
            (void)sl_buf_add_span(out, piece);
        }
        last = c;
    }
}

void har_markdown_str(struct sl_buf *out, const char *text)
{
    har_markdown_text(out, sl_span_str(text));
}

void har_markdown_code(struct sl_buf *out, const char *text)
{
    (void)sl_buf_add_str(out, "<code>");
    har_markdown_str(out, text);
    (void)sl_buf_add_str(out, "</code>");
}
