/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PAGE_H
#define HAR_PAGE_H

/*
 * A page of HTML that loads nothing (harness/report/page.html): its Content-Security-Policy forbids it. Style and the first script are
 * shared by all pages: harness/report/page.css, whose classes are the vocabulary, and harness/report/page.js.
 *
 * Text goes in by har_page_text alone; data goes in as JSON, in which nothing looks like markup.
 */
#include "lib/base/buf.h"

struct har_page {
    const char *title;     /* text */
    struct sl_span style;  /* of this page, after the shared one; may be empty */
    struct sl_span body;   /* markup */
    struct sl_span json;   /* report() of the script; valid JSON */
    struct sl_span script; /* after the shared one */
};

/* Appends the page. A full buffer shows in out->is_full. */
void har_page_write(const struct har_page *page, struct sl_buf *out);

/*
 * Appends text, for content and for quoted attributes alike: markup is escaped, and what people must not be shown as it is
 * (harness/report/shown.h) is written as \xNN. NULL is no text.
 */
void har_page_text(struct sl_buf *out, const char *text);

#endif
