/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_WRITER_H
#define HAR_COMPARE_WRITER_H

/* Lines for a terminal, broken where it ends: the parts of har_compare_text write by it. */
#include "harness/compare/print.h"

#define HAR_RED    "\033[1;31m"
#define HAR_GREEN  "\033[32m"
#define HAR_YELLOW "\033[33m"
#define HAR_DIM    "\033[2m"
#define HAR_BOLD   "\033[1m"

enum {
    HAR_COMPARE_ROWS_MAX = 20, /* of lists that may be long, without --all */
    HAR_COMPARE_INDENT = 6,
    HAR_COMPARE_LINE_BYTES = 64 * 1024, /* of what is put together */
};

struct har_compare_writer {
    const struct har_compare *compare;
    const struct har_compare_look *look;
    struct sl_buf *out;
    struct sl_buf line; /* what is put together before it is broken into lines */
};

void har_compare_paint(struct har_compare_writer *text, const char *colour);
void har_compare_unpaint(struct har_compare_writer *text);
/* Text of a report, up to HAR_COMPARE_SHOWN_MAX bytes, with nothing that a terminal would obey. */
void har_compare_shown(struct sl_buf *out, const char *string);
/*
 * The line so far as lines of the output: the cursor is at column, those that follow begin at indent. A word that is longer
 * than a line stays whole. The line is empty after.
 */
void har_compare_put(struct har_compare_writer *text, size_t column, size_t indent);
/* A blank line, and the heading without an end. */
void har_compare_heading(struct har_compare_writer *text, const char *heading);

/* ---- text_tables.c ---- */
void har_compare_text_buffers(struct har_compare_writer *text);
void har_compare_text_findings(struct har_compare_writer *text);
void har_compare_text_latencies(struct har_compare_writer *text);
/* What became of the actors, where it differs. */
void har_compare_text_stories(struct har_compare_writer *text);

#endif
