/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_HTML_H
#define INS_HTML_H

/*
 * --format html: one page that loads nothing, report.html with the records in it. The records are data
 * there (a script element of type application/json, in which "<", ">" and "&" are written as escapes), and
 * the page's own script puts all of their text in as text: nothing that a peer sent can be markup.
 *
 * Limits: the first INS_HTML_CALLS calls, INS_HTML_STALLS stalls, INS_HTML_FINDINGS findings and
 * INS_HTML_WINDOWS window graphs, INS_HTML_BYTES in all; the rest is counted, and the page says so.
 */
#include "inspector/output/lines.h"

enum {
    INS_HTML_CALLS = 10000,
    INS_HTML_STALLS = 10000,
    INS_HTML_FINDINGS = 10000,
    INS_HTML_WINDOWS = 2000,
    INS_HTML_BYTES = 64 * 1024 * 1024,
    INS_HTML_CALL_MESSAGES = 10, /* of each side, when nothing else is asked for */
};

/* For ins_lines_render. */
struct ins_renderer *ins_html_renderer(void);

#endif
