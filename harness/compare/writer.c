/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/compare/writer.h"

#include "harness/report/shown.h"

void har_compare_paint(struct har_compare_writer *text, const char *colour)
{
    if (text->look->has_colour) {
        (void)sl_buf_add_str(text->out, colour);
    }
}

void har_compare_unpaint(struct har_compare_writer *text)
{
    har_compare_paint(text, "\033[0m");
}

void har_compare_shown(struct sl_buf *out, const char *string)
{
    size_t len = strlen(string);
    har_shown_add(out, sl_span_first(sl_span(string, len), HAR_COMPARE_SHOWN_MAX));
    (void)sl_buf_add_str(out, len > HAR_COMPARE_SHOWN_MAX ? "..." : "");
}

/* Columns of UTF-8: those of more than two bytes may be wide. */
static size_t columns_of(struct sl_span word)
{
    size_t columns = 0;
    for (size_t i = 0; i < word.len; i++) {
        columns += (word.data[i] & 0xc0) != 0x80;
        columns += (word.data[i] & 0xf0) >= 0xe0;
    }
    return columns;
}

void har_compare_put(struct har_compare_writer *text, size_t column, size_t indent)
{
    struct sl_span rest = sl_buf_span(&text->line);
    bool is_first = true;
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.data, ' ', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
        size_t width = columns_of(sl_span_first(rest, len));
        if (!is_first && column + 1 + width > text->look->columns) {
            (void)sl_buf_addf(text->out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            (void)sl_buf_add_u8(text->out, ' ');
            column++;
        }
        (void)sl_buf_add_span(text->out, sl_span_first(rest, len));
        column += width;
        is_first = false;
        rest = sl_span_from(rest, len + 1);
    }
    (void)sl_buf_add_u8(text->out, '\n');
    sl_buf_clear(&text->line);
}

void har_compare_heading(struct har_compare_writer *text, const char *heading)
{
    (void)sl_buf_add_u8(text->out, '\n');
    har_compare_paint(text, HAR_BOLD);
    har_compare_shown(text->out, heading);
    har_compare_unpaint(text);
}
