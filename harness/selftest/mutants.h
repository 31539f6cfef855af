/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_MUTANTS_H
#define HAR_SELFTEST_MUTANTS_H

/*
 * The wrong servers that a server can be, as it lists them itself.
 *
 * Life: read once, released once; everything else only reads, but for the two marks of a run.
 */
#include <stdbool.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    HAR_MUTANTS_MAX = 1000,
};

/* One line of `sluice-server --misbehave list`. */
struct har_mutant {
    char *name;
    char *frontend; /* the default one, or the only one that can be it */
    char *rules;    /* what it breaks, separated by commas; the first is what it is there for */
    bool is_expected, is_caught;
};

struct har_mutants {
    struct har_mutant *items;
    size_t count;
};

/* Reads the lines "name TAB front ends TAB rules". SL_MALFORMED names the first line that is not so, or says that
 * there is none. Release it in either case. */
SL_MUST_USE enum sl_status har_mutants_read(struct har_mutants *mutants, struct sl_span text,
                                            struct sl_error *reterr_error);
void har_mutants_release(struct har_mutants *mutants);

struct har_mutant *har_mutants_find(const struct har_mutants *mutants, const char *name);
/* Whether the rule is one that it is said to break. */
bool har_mutant_breaks(const struct har_mutant *mutant, const char *rule);
/* Whether the rule is the first of these: what it is there for. */
bool har_mutant_is_for(const struct har_mutant *mutant, const char *rule);
/* Whether it has a choice of front ends: wrong in what it does, and not in how it speaks. */
bool har_mutant_is_on_any(const struct har_mutant *mutant);

#endif
