/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_HTML_H
#define HAR_HTML_H

/* The parts of the HTML report that need no script. They write markup; text of others goes in by har_page_text. */
#include "harness/report/report.h"

/* Totals, what failed first, and the rules that were broken, with who broke them. */
void har_html_top(const struct har_report *report, struct sl_buf *out);
/* The results, what failed first of all; each can be unfolded, and has the id "rN" by its place in the JSON. */
void har_html_rows(const struct har_report *report, struct sl_buf *out);
/* Findings, calibration, and how noisy the machine was. */
void har_html_end(const struct har_report *report, struct sl_buf *out);

/* What a rule asks for; NULL when nobody knows. own: the rules of the scenario's own, or NULL. */
const char *har_html_rule(const char *id, const json_t *own);

#endif
