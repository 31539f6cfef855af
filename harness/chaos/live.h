/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_LIVE_H
#define HAR_CHAOS_LIVE_H

/*
 * What a person at a terminal sees of a chaos run: one line with the round, the time, what was covered, what was found and what
 * is being played. Nothing where the file is no terminal.
 *
 * Ownership: the handle of libuv is the loop's until it has run after har_chaos_live_end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <uv.h>

struct har_chaos_run;

struct har_chaos_live {
    const struct har_chaos_run *run; /* borrowed until har_chaos_live_end */
    FILE *file;
    bool is_on;
    uv_timer_t timer;
};

void har_chaos_live_begin(struct har_chaos_live *live, struct har_chaos_run *run, FILE *file);
/* Takes the line away, before something else is written. */
void har_chaos_live_erase(struct har_chaos_live *live);
void har_chaos_live_end(struct har_chaos_live *live);

#endif
