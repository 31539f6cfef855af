/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROGRESS_H
#define SL_PROGRESS_H

/*
 * One line on a terminal that says how far long work is, drawn over itself and taken away before anything else is
 * written there. Nothing at all where the file is no terminal, or one that cannot erase a line (TERM=dumb, or
 * none), nothing where stdout is a pipe (a pager behind it has the terminal), and nothing while the program is in the
 * background of its terminal.
 *
 * A terminal that is made narrower while the line shows may break it in two, of which only the second is erased:
 * terminals differ in that, and what stands above the line is not to be lost.
 *
 * Ownership: borrows the file.      Limits: draws at most each SL_PROGRESS_MS.
 */
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/span.h"

enum {
    SL_PROGRESS_MS = 100,
    SL_PROGRESS_FIRST_MS = 500, /* work that is shorter shows nothing */
};

struct sl_progress {
    FILE *file;
    uint64_t due_ns; /* of sl_clock_mono_ns: when it is drawn next */
    bool is_on, is_shown;
};

/* Whether a line can be drawn over itself there. */
bool sl_progress_is_possible(FILE *file);
/* Columns that may be written without a wrap. */
unsigned sl_progress_columns(FILE *file);

void sl_progress_init(struct sl_progress *progress, FILE *file);
/* True when it is time to draw. Cheap, but for a look at the clock. */
bool sl_progress_is_due(const struct sl_progress *progress);
/* text is ASCII, without control characters; cut to the width of the terminal. */
void sl_progress_draw(struct sl_progress *progress, struct sl_span text);
/* Takes the line away, before something else is written; it comes again when it is due. */
void sl_progress_erase(struct sl_progress *progress);
/* For good. */
void sl_progress_end(struct sl_progress *progress);

#endif
