/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/page.h"

#include "harness/report/shown.h"

extern const unsigned char har_page_html[], har_page_css[], har_page_js[];
extern const size_t har_page_html_size, har_page_css_size, har_page_js_size;

/* Appends the template up to a marker, and steps over it. */
static void add_until(struct sl_span *rest, const char *marker, struct sl_buf *out)
{
    const uint8_t *place = memmem(rest->data, rest->len, marker, strlen(marker));
    assert(place != NULL);
    size_t head = (size_t)(place - rest->data);
    (void)sl_buf_add_span(out, sl_span_first(*rest, head));
    *rest = sl_span_from(*rest, head + strlen(marker));
}

static const char *entity(uint8_t c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void har_page_text(struct sl_buf *out, const char *text)
{
    struct sl_span rest = sl_span_str(text == NULL ? "" : text);
    while (rest.len > 0) {
        struct sl_span piece;
        if (!har_shown_piece(&rest, &piece)) {
            har_shown_escape(piece, "\\x", out);
        } else if (entity(piece.data[0]) != NULL) {
            (void)sl_buf_add_str(out, entity(piece.data[0]));
        } else {
            (void)sl_buf_add_span(out, piece);
        }
    }
}

/* What could end the element or mislead the reader of its source is an escape: it stands in strings alone. */
static void add_json(struct sl_buf *out, struct sl_span json)
{
    while (json.len > 0) {
        size_t plain = 0;
        while (plain < json.len && json.data[plain] < 0x7f && json.data[plain] != '<' &&
               json.data[plain] != '>' && json.data[plain] != '&') {
            plain++;
        }
        (void)sl_buf_add_span(out, sl_span_first(json, plain));
        json = sl_span_from(json, plain);
        if (json.len == 0) {
            break;
        }
        struct sl_span piece;
        bool is_shown = har_shown_piece(&json, &piece);
        const uint8_t *c = piece.data;
        if (piece.len == 1) {
            (void)sl_buf_addf(out, "\\u%04x", c[0]);
        } else if (!is_shown && piece.len == 2) {
            (void)sl_buf_addf(out, "\\u%04x", (unsigned)((c[0] & 0x1f) << 6 | (c[1] & 0x3f)));
        } else if (!is_shown && piece.len == 3) {
            (void)sl_buf_addf(out, "\\u%04x",
                              (unsigned)((c[0] & 0x0f) << 12 | (c[1] & 0x3f) << 6 | (c[2] & 0x3f)));
        } else {
            (void)sl_buf_add_span(out, piece);
        }
    }
}

void har_page_write(const struct har_page *page, struct sl_buf *out)
{
    struct sl_span rest = sl_span(har_page_html, har_page_html_size);
    add_until(&rest, "<!--TITLE-->", out);
    har_page_text(out, page->title);
    add_until(&rest, "<!--STYLE-->", out);
    (void)sl_buf_add_span(out, sl_span(har_page_css, har_page_css_size));
    (void)sl_buf_add_span(out, page->style);
    add_until(&rest, "<!--BODY-->", out);
    (void)sl_buf_add_span(out, page->body);
    add_until(&rest, "<!--JSON-->", out);
    add_json(out, page->json);
    add_until(&rest, "<!--SCRIPT-->", out);
    (void)sl_buf_add_span(out, sl_span(har_page_js, har_page_js_size));
    (void)sl_buf_add_span(out, page->script);
    (void)sl_buf_add_span(out, rest);
}
