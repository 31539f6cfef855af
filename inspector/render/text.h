/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TEXT_H
#define INS_TEXT_H

/*
 * --format text: records as a person reads them on a terminal. A call is one line, with its messages,
 * status message, problems and findings indented below it; messages, frames and stalls are a line each;
 * the summary is a page. What is told by no line of its own (the day, the two ends of a connection) is
 * told by a heading when it changes.
 *
 * What came from a peer passes through inspector/render/pen.h, which escapes it.
 *
 * Limits: INS_TEXT_RULES rules in the table of findings; further ones count together.
 */
#include "inspector/render/json.h"
#include "inspector/render/pen.h"

enum {
    INS_TEXT_STRING_MAX =
        64 * 1024, /* bytes of a string, or of a guessed message, that are shown */
    INS_TEXT_RULES = 128,
    INS_TEXT_DAY = 10,          /* "2026-01-02" */
    INS_TEXT_WIDE = 130,        /* columns from which the two ends are in each line */
    INS_TEXT_CALL_MESSAGES = 3, /* of each side that are shown when nothing else is asked for */
    INS_TEXT_RULE_ID_MAX = 24,
};

/* What --format text makes of records, for ins_lines_render. The table of findings and the last lines
 * come with its end. */
struct ins_renderer;
struct ins_text_config;
struct ins_renderer *ins_text_renderer(const struct ins_text_config *config);

struct ins_text_config {
    unsigned width; /* columns; 0: any number */
    bool has_colour;
    bool is_detailed; /* metadata, and nothing is cut */
    bool has_lint;    /* findings have lines of their own, and a table at the end */
    bool has_stalls;  /* nothing but stalls is shown: that there is none is told */
    bool has_summary; /* the summary is a record of its own: nothing is added at the end */
};

struct ins_text {
    struct ins_text_config config;
    struct ins_pen pen;
    struct sl_buf scratch, content;
    char day[INS_TEXT_DAY + 1];    /* of the last heading */
    uint64_t connection;           /* the same */
    bool has_titles;               /* of the columns of calls */
    bool has_guessed, has_stalled; /* a message without a schema, a stall was shown */
    struct {
        char id[INS_TEXT_RULE_ID_MAX];
        uint64_t count;
        char level; /* the gravest */
    } rules[INS_TEXT_RULES];
    size_t rule_count;
    uint64_t other_findings;
};

void ins_text_init(struct ins_text *text, const struct ins_text_config *config);
void ins_text_release(struct ins_text *text);

/* Appends the lines of one record. */
void ins_text_record(struct ins_text *text, struct sl_span record, struct sl_buf *out);
/* Behind the last: the findings by rule, and what there was in all, in a line or two. summary: the
 * summary's record. */
void ins_text_end(struct ins_text *text, struct sl_span summary, struct sl_buf *out);

#endif
