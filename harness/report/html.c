/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report as a page: all that is text is written here, and is there without a script. What is a matter of time is drawn by
 * harness/report/report.js out of the JSON report, which is in the page as data.
 */
#include "harness/report/html.h"
#include "harness/report/page.h"

extern const unsigned char har_report_css[], har_plots_js[], har_story_js[], har_curves_js[],
    har_report_js[];
extern const size_t har_report_css_size, har_plots_js_size, har_story_js_size, har_curves_js_size,
    har_report_js_size;

void har_report_html(const struct har_report *report, struct sl_buf *out)
{
    struct sl_buf json;
    struct sl_buf body;
    struct sl_buf script;
    sl_buf_init(&json, out->max);
    sl_buf_init(&body, out->max);
    sl_buf_init(&script, out->max);
    har_report_json(report, &json);
    har_html_top(report, &body);
    har_html_rows(report, &body);
    har_html_end(report, &body);
    (void)sl_buf_add(&script, har_plots_js, har_plots_js_size);
    (void)sl_buf_add(&script, har_story_js, har_story_js_size);
    (void)sl_buf_add(&script, har_curves_js, har_curves_js_size);
    (void)sl_buf_add(&script, har_report_js, har_report_js_size);
    const struct har_page page = {.title = "sluice-harness: a run",
                                  .style = sl_span(har_report_css, har_report_css_size),
                                  .body = sl_buf_span(&body),
                                  .json = sl_buf_span(&json),
                                  .script = sl_buf_span(&script)};
    har_page_write(&page, out);
    out->is_full |= json.is_full || body.is_full;
    sl_buf_release(&script);
    sl_buf_release(&body);
    sl_buf_release(&json);
}
