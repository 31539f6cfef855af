/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PEN_H
#define INS_PEN_H

/*
 * Writes lines for a terminal: knows which column it is at, cuts what does not fit, and lets nothing
 * through that a peer could steer a terminal with. Controls (C0, C1, DEL), characters without a shape and
 * those that turn the direction of text become \uXXXX, bytes that are no UTF-8 \xXX.
 */
#include "lib/base/buf.h"

enum {
    INS_PEN_WIDTH_MIN = 80,
    INS_PEN_WIDTH_MAX = 400,
    INS_PEN_REST = 0, /* as a limit: up to the end of the line */
};

enum ins_colour { INS_PLAIN, INS_DIM, INS_BOLD, INS_RED, INS_GREEN, INS_YELLOW, INS_BLUE };

struct ins_pen {
    struct sl_buf *out; /* borrowed */
    unsigned width;     /* columns of a line; 0: any number */
    unsigned column;
    bool has_colour;
};

/* Columns that text takes, escapes included. */
unsigned ins_pen_columns(struct sl_span text);

/* text in at most limit columns; ".." stands for the end that does not fit. */
void ins_pen_text(struct ins_pen *pen, struct sl_span text, unsigned limit);
/* The same; ".." stands for the beginning. */
void ins_pen_tail(struct ins_pen *pen, struct sl_span text, unsigned limit);
void ins_pen_str(struct ins_pen *pen, const char *text);
void ins_pen_f(struct ins_pen *pen, const char *format, ...) SL_PRINTF(2, 3);
/* All of text, on as many lines as it takes, the further ones from column indent on. */
void ins_pen_wrap(struct ins_pen *pen, struct sl_span text, unsigned indent);
/* Spaces up to a column; at least one, except at the beginning of a line. */
void ins_pen_to(struct ins_pen *pen, unsigned column);
/* A short text that ends at column (exclusive). */
void ins_pen_right(struct ins_pen *pen, const char *text, unsigned column);
/* What follows, up to INS_PLAIN or the end of the line. */
void ins_pen_colour(struct ins_pen *pen, enum ins_colour colour);
void ins_pen_end(struct ins_pen *pen);

enum {
    INS_PEN_DURATION_MAX = 24,
};
/* "85 us", "12.5 ms", "3.2 s", "7.5 min", in at most 8 columns up to a year; returns out. */
const char *ins_pen_duration(double ms, char out[INS_PEN_DURATION_MAX]);

#endif
