/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness/report/page.html with the JSON report in it, as data: a script element of type application/json, in which what could
 * end it is an escape of JSON. The page loads nothing and puts all text in as text.
 */
#include "harness/report/report.h"

extern const unsigned char har_page_html[];
extern const size_t har_page_html_size;

void har_report_html(const struct har_report *report, struct sl_buf *out)
{
    static const char marker[] = "<!--REPORT-->";
    struct sl_span page = sl_span(har_page_html, har_page_html_size);
    const uint8_t *place = memmem(page.data, page.len, marker, sizeof(marker) - 1);
    assert(place != NULL);
    size_t head = (size_t)(place - page.data);
    struct sl_buf json;
    sl_buf_init(&json, out->max);
    har_report_json(report, &json);
    (void)sl_buf_add_span(out, sl_span_first(page, head));
    for (size_t i = 0; i < json.len; i++) { /* in JSON these are in strings only */
        uint8_t c = json.data[i];
        if (c == '<' || c == '>' || c == '&') {
            (void)sl_buf_addf(out, "\\u%04x", c);
        } else {
            (void)sl_buf_add_u8(out, c);
        }
    }
    (void)sl_buf_add_span(out, sl_span_from(page, head + sizeof(marker) - 1));
    out->is_full |= json.is_full;
    sl_buf_release(&json);
}
