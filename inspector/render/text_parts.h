/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TEXT_PARTS_H
#define INS_TEXT_PARTS_H

/* Internal: what the records' lines have in common, and who writes which record. */
#include "inspector/render/text.h"

enum {
    INS_TEXT_TIME = 12, /* "10:42:33.404" */
    INS_TEXT_INDENT = 4,
};

/* The string (or other value) as it is, for now: until the next call. */
struct sl_span ins_text_of(struct ins_text *text, struct sl_span value);

/* Begins a line with the time of day; the day is a heading when it changes. */
void ins_text_time(struct ins_text *text, struct sl_span time);
/* A heading with the ends of the record's connection, where they are not in the line and it changes. */
void ins_text_connection(struct ins_text *text, struct sl_span record);
/* The path in at most limit columns, cut at its beginning; method_source may be empty. */
void ins_text_method(struct ins_text *text, struct sl_span method, struct sl_span method_source,
                     unsigned limit);
/* What a message object says of its content, up to the end of the line. */
void ins_text_content(struct ins_text *text, struct sl_span message);
/* A line for each problem. */
void ins_text_problems(struct ins_text *text, struct sl_span problems);
/* One finding without its time, on lines of its own from where the pen is: what is wrong, then who did it and what shows it. */
void ins_text_finding_body(struct ins_text *text, struct sl_span finding);
/* "8 B", "64.0 KiB". */
void ins_text_bytes(struct ins_text *text, uint64_t bytes);

void ins_text_call(struct ins_text *text, struct sl_span record);
void ins_text_message(struct ins_text *text, struct sl_span record);
void ins_text_frame(struct ins_text *text, struct sl_span record);
void ins_text_stall(struct ins_text *text, struct sl_span record);
void ins_text_finding(struct ins_text *text, struct sl_span record);
void ins_text_summary(struct ins_text *text, struct sl_span record);
/* In a line or two. */
void ins_text_totals(struct ins_text *text, struct sl_span summary);

#endif
