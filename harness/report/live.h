/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LIVE_H
#define HAR_LIVE_H

/*
 * What a person at a terminal sees while a run goes on: below the verdicts that fell, one line of how far it is and what is
 * running. Nothing at all where stdout is no terminal, or one that cannot erase a line (TERM=dumb).
 *
 * Ownership: the handle of libuv is the loop's until it has run after har_live_end.
 */
#include <stdio.h>
#include <uv.h>

#include "harness/engine/suite.h"

struct har_live {
    FILE *file;
    const struct har_suite *suite; /* borrowed until har_live_end */
    uint64_t begin_ns;
    bool is_on, has_colour; /* colour: NO_COLOR is not set, or empty */
    uv_timer_t timer;
};

/* Begins to show suite, which may still be empty, on a terminal. */
void har_live_begin(struct har_live *live, uv_loop_t *loop, FILE *file,
                    const struct har_suite *suite);
/* Takes the line away, before something else is written. */
void har_live_erase(struct har_live *live);
/* Writes it as things are now. */
void har_live_draw(struct har_live *live);
void har_live_end(struct har_live *live);

/* The line of a suite, at most columns wide, without an end: for a terminal of that width. */
void har_live_line(const struct har_suite *suite, uint64_t elapsed_ns, unsigned columns,
                   struct sl_buf *out);

#endif
