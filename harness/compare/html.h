/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_HTML_H
#define HAR_COMPARE_HTML_H

/* The tables of the page below its verdicts; each appends markup, or nothing where there is nothing to tell. */
#include "harness/compare/model.h"
#include "lib/base/buf.h"

void har_compare_html_latencies(const struct har_compare *compare, struct sl_buf *out);
void har_compare_html_stories(const struct har_compare *compare, struct sl_buf *out);
void har_compare_html_buffers(const struct har_compare *compare, struct sl_buf *out);
void har_compare_html_findings(const struct har_compare *compare, struct sl_buf *out);

#endif
