/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_PRINT_H
#define HAR_COMPARE_PRINT_H

/* A comparison, for people and for machines. Strings of the reports are made safe for each format. */
#include "harness/compare/model.h"
#include "lib/base/buf.h"

struct har_compare_look {
    unsigned columns; /* that lines are broken for; at least HAR_COMPARE_COLUMNS_MIN */
    bool has_colour;
    bool is_all; /* also what is the same, and differences that are noise */
};
enum {
    HAR_COMPARE_COLUMNS_MIN = 60,
    HAR_COMPARE_COLUMNS_MAX = 160,
    HAR_COMPARE_SHOWN_MAX = 1000, /* bytes of one text of a report, in text and Markdown */
};

void har_compare_text(const struct har_compare *compare, const struct har_compare_look *look,
                      struct sl_buf *out);
/* For the summary of a CI job: under HAR_MARKDOWN_MAX bytes, and it says what it leaves out. */
void har_compare_markdown(const struct har_compare *compare, struct sl_buf *out);
/* sluice.compare/1. */
void har_compare_json(const struct har_compare *compare, struct sl_buf *out);
/* One page that loads nothing, with that JSON in it. */
void har_compare_html(const struct har_compare *compare, struct sl_buf *out);

/* ---- words that several formats use ---- */

/* "FAIL, 3 of 5 passed", "PASS (known)"; "not played" of an empty tally. */
void har_compare_verdict(const struct har_compare_tally *tally, struct sl_buf *out);
/* The words of a difference, and how likely it is chance. */
void har_compare_what(const struct har_compare_pair *pair, struct sl_buf *out);
/* "2 scenarios are worse in B." and what else the exit status stands for. */
void har_compare_conclusion(const struct har_compare *compare, struct sl_buf *out);
/* Whether people should look at a pair that is the same: it does not pass, nor is it skipped. */
bool har_compare_is_open(const struct har_compare_pair *pair);
/* Whether both have it, with other verdicts. */
bool har_compare_is_changed(const struct har_compare_pair *pair);
/* "1 of the same stream, 3 of the same room at most in 20 times", "nobody" */
void har_compare_affected(const struct har_compare_fault *fault, int side, struct sl_buf *out);
/* Milliseconds or a count with three digits or so. */
void har_compare_number(double value, struct sl_buf *out);
/* "x2.00"; "-" where there is none. */
void har_compare_ratio(double a, double b, struct sl_buf *out);
/* "NEWLY FAILING" */
extern const char *const har_compare_headings[];

#endif
