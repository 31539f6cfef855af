/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_CASES_H
#define HAR_SELFTEST_CASES_H

/*
 * What the selftest has to see, and what it saw: each scenario pass on the clean servers, fail on each wrong server that
 * its `catches` names by a rule which that one breaks, and not pass on a server that does nothing. Nothing is believed that
 * was not seen to fail, so a wrong server that no scenario claims is a survivor too.
 *
 * Ownership: cases borrow the library and the list of wrong servers.
 */
#include "harness/engine/verdict.h"
#include "harness/scenario/library.h"
#include "harness/selftest/mutants.h"

enum {
    HAR_CASES_MAX = 20000,
    HAR_CASE_PLAYS = 3, /* of a run that the machine was too busy to judge */
    HAR_DRAWN = 5,      /* scenarios that a wrong server gets beside those that name it */
};

#define HAR_FRONTEND_GRPC "grpc"
#define HAR_FRONTEND_H2   "h2"

enum har_case_kind {
    HAR_CASE_CLEAN, /* must pass, or skip, or be known to fail */
    HAR_CASE_CLAIMED, /* a wrong server of the scenario's `catches`: must fail by a rule that this one breaks */
    HAR_CASE_DRAWN, /* a wrong server that the scenario does not name: told, and nothing is asked of it */
    HAR_CASE_IDLE, /* a server that does nothing: must not pass */
};

/* One run: a scenario against one server. */
struct har_case {
    enum har_case_kind kind;
    const struct har_scenario *scenario;
    const char *frontend;      /* of the server */
    const char *mutant_name;   /* NULL: the clean server */
    struct har_mutant *mutant; /* NULL: clean, or no such wrong server */
    unsigned plays;
    double seconds; /* that it took, last time */
    bool has_begun, is_running, is_done;
    enum har_outcome outcome;
    bool is_known;           /* a failure that the known-failing list has */
    bool is_good;            /* as its kind must be */
    bool is_telling;         /* failed by a rule that this wrong server breaks */
    char rule[HAR_RULE_MAX]; /* of the failure that counts; "" when nothing failed */
    char reason[HAR_REASON_MAX];
};

struct har_cases {
    /* scenario by scenario its clean runs, then its wrong servers; then, wrong server by wrong server, those that were
     * drawn; then the idle ones, scenario by scenario */
    struct har_case *items;
    size_t count;
    bool
        is_idle_missing; /* the list of wrong servers has none that does nothing: nobody knows what is vacuous */
};

/* What is wanted of all that there is. */
struct har_wish {
    const char *scenario, *mutant; /* globs; NULL: all */
    const char *frontend;          /* of servers that have a choice; NULL: clean ones on both, wrong
                                      ones on the one they are listed under */
    uint64_t seed;
    unsigned
        one_in; /* a part of the wrong servers and of the scenarios on clean and idle ones, drawn by the seed; 0, 1: all */
};

/* Plans what is wished, but scenarios that are tagged soak: they take half an hour each. With a glob of scenarios nothing
 * is drawn and nothing idle is played, unless the glob of wrong servers names one that is. Marks the wrong servers that must be
 * caught: those that the wish names and the seed draws; with a scenario glob, of these the ones that a chosen scenario claims. */
void har_cases_plan(struct har_cases *cases, const struct har_library *library,
                    struct har_mutants *mutants, const struct har_wish *wish);
void har_cases_release(struct har_cases *cases);

/* What a run's report (sluice.report/1; NULL is none) says about the case's scenario. SL_MALFORMED when it is no such
 * report, or has it not. Sets seconds, outcome, rule, reason, is_good, is_telling and, where it was caught, mutant->is_caught.
 * A wrong server that passes where a busy machine may be the reason (in a second play, or in a scenario that measures
 * while the machine pauses) is inconclusive. */
SL_MUST_USE enum sl_status har_case_judge(struct har_case *item, const json_t *report);

struct har_selftest_totals {
    unsigned expected, caught; /* wrong servers */
    unsigned runs, survived;   /* of scenarios against wrong servers that they name */
    unsigned blamed;           /* of the survivors: failed, but by rules that are not broken */
    unsigned clean, clean_failed, clean_skipped, clean_known;
    unsigned drawn, drawn_failed, drawn_telling; /* failed; by a rule that is broken */
    unsigned idle, vacuous;
    bool is_idle_missing;  /* as in the cases */
    unsigned inconclusive; /* of all */
};
struct har_selftest_totals har_cases_count(const struct har_cases *cases,
                                           const struct har_mutants *mutants);
/* 4 nothing ran; 1 a survivor, a vacuous pass (or nothing to tell it by), or the clean server failed; 3 the machine could not tell; 0. */
int har_selftest_status(const struct har_selftest_totals *totals);

#endif
