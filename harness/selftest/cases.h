/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_CASES_H
#define HAR_SELFTEST_CASES_H

/*
 * What the selftest has to see: each scenario pass on the clean server, and fail on each wrong server
 * that its `catches` names. Nothing is believed that was not seen to fail, so a wrong server that no
 * scenario claims is a survivor too.
 *
 * Ownership: cases borrow the library and the list of wrong servers.
 */
#include "harness/engine/verdict.h"
#include "harness/scenario/library.h"
#include "lib/base/span.h"

enum {
    HAR_MUTANTS_MAX = 1000,
    HAR_CASES_MAX = 20000,
    HAR_CASE_PLAYS = 3, /* of a run that the machine was too busy to judge */
};

/* One line of `sluice-server --misbehave list`. */
struct har_mutant {
    char *name;
    char *frontend; /* the default one, or the only one that can be it */
    char *rule;     /* what it breaks */
    bool is_expected, is_caught;
};

struct har_mutants {
    struct har_mutant *items;
    size_t count;
};

/* Reads the lines "name TAB front ends TAB rule". SL_MALFORMED names the first line that is not so, or says that
 * there is none. Release it in either case. */
SL_MUST_USE enum sl_status har_mutants_read(struct har_mutants *mutants, struct sl_span text,
                                            struct sl_error *reterr_error);
void har_mutants_release(struct har_mutants *mutants);

/* One run: a scenario against one server. */
struct har_case {
    const struct har_scenario *scenario;
    const char *mutant_name;   /* NULL: the clean server */
    struct har_mutant *mutant; /* NULL: clean, or no such wrong server */
    unsigned plays;
    bool has_begun, is_running, is_done;
    enum har_outcome outcome;
    bool is_known; /* a failure that the known-failing list has */
    bool is_good;  /* clean: passed, skipped or known; wrong: failed by a rule that it breaks */
    char rule[HAR_RULE_MAX]; /* of the failure that counts; "" when nothing failed */
    char reason[HAR_REASON_MAX];
};

struct har_cases {
    struct har_case
        *items; /* the clean run of a scenario, then its wrong servers, scenario by scenario */
    size_t count;
};

/* NULL globs choose all, but the scenarios that are tagged soak: they take half an hour each. Marks the
 * wrong servers that must be caught: those that the mutant glob names; with a scenario glob, of these the
 * ones that a chosen scenario claims. */
void har_cases_plan(struct har_cases *cases, const struct har_library *library,
                    struct har_mutants *mutants, const char *scenario_glob,
                    const char *mutant_glob);
void har_cases_release(struct har_cases *cases);

/* What a run's report (sluice.report/1) says about the one scenario it played. SL_MALFORMED when it is no such
 * report. Sets outcome, rule, reason, is_good and, where it was caught, mutant->is_caught. */
SL_MUST_USE enum sl_status har_case_judge(struct har_case *item, struct sl_span report);

struct har_selftest_totals {
    unsigned expected, caught;             /* wrong servers */
    unsigned runs, survived, inconclusive; /* of scenarios against wrong servers */
    unsigned clean, clean_failed, clean_inconclusive, clean_skipped;
};
struct har_selftest_totals har_cases_count(const struct har_cases *cases,
                                           const struct har_mutants *mutants);
/* 4 nothing ran; 1 a survivor, or the clean server failed; 3 the machine could not tell; 0. */
int har_selftest_status(const struct har_selftest_totals *totals);

#endif
