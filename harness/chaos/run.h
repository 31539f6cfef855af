/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_RUN_H
#define HAR_CHAOS_RUN_H

/*
 * Chaos: round after round against one target, until the time is up; a round that fails is played again, shrunk and written
 * as a scenario file.
 *
 *     generate -> play -> (fails) play again -> shrink -> play the result -> file, evidence, verdict
 *
 * Each play is a suite of one scenario (harness/engine/suite.h), so a server of --exec is started anew for it: what a file
 * needs to fail stands in the file. What is kept is bounded: passes only up to HAR_CHAOS_PASSES_MAX, the others are counted.
 */
#include "harness/chaos/generate.h"
#include "harness/chaos/shrink.h"
#include "harness/engine/suite.h"

enum {
    HAR_CHAOS_PASSES_MAX = 200,
    HAR_CHAOS_FAILURES_MAX = 50, /* rounds with another verdict than pass; then the run ends */
    HAR_CHAOS_CONFIRM = 3,       /* plays of what failed, and of what it was shrunk to, at most */
};

struct har_chaos_live;

struct har_chaos_config {
    struct har_suite_config suite; /* its scenarios, count, repeat, jobs and budget do not matter */
    struct har_chaos_options options;
    uint64_t for_ns, shrink_ns; /* shrinking is beyond for_ns, each time at most this long */
    unsigned from;              /* the first round that is played */
    unsigned rounds;            /* at most so many; 0: no bound */
    bool
        keeps_going; /* after a failure; one of a rule that was shrunk before is told, not shrunk */
    const char *folder; /* for scenario files */
};

/* A round that failed, and what became of it. */
struct har_chaos_failure {
    struct har_chaos_schedule found, shrunk;
    char rule[HAR_RULE_MAX];
    unsigned again,
        plays; /* it failed in `again` of so many more plays, in the end of what it was shrunk to */
    unsigned tries;   /* plays of the shrinking */
    bool is_shrunk;   /* else it never failed again, or its rule was known */
    bool is_complete; /* the shrinking had time enough: every fault is needed */
    char path[512];   /* of the file; "" when none could be written */
};

struct har_chaos_run {
    struct har_chaos_config config;
    struct har_suite *suite;            /* borrowed: what comes out, for the reports */
    struct har_chaos_coverage chosen;   /* of all rounds up to now, for the choice of the next */
    struct har_chaos_coverage coverage; /* of those that were played */
    unsigned played, passed, passes_kept, inconclusive;
    struct har_chaos_failure failures[HAR_CHAOS_FAILURES_MAX];
    size_t failure_count;
    struct har_scenario **scenarios; /* of the results */
    size_t scenario_count, scenario_capacity;
    uint64_t begin_ns, shrinking_ns;     /* time that was not playing */
    uint64_t deadline_ns;                /* of the shrinking */
    struct har_chaos_failure *shrinking; /* NULL: a round is played */
    struct har_chaos_live *live;         /* its line goes away before something is told */
    const struct har_chaos_schedule *playing;
    bool is_interrupted, has_mistake;
    uv_signal_t signals[3];
    unsigned handles_open;
};

/* Plays until it is over; the results are then in suite (to be released by har_suite_release before
 * har_chaos_run_release). */
void har_chaos_run(struct har_chaos_run *run, const struct har_chaos_config *config,
                   struct har_suite *suite);
/* The round that a scenario of the results is. */
unsigned har_chaos_round(const struct har_scenario *scenario);
/* The file of the round when it failed; NULL: it did not, or the file could not be written. */
const char *har_chaos_file(const struct har_chaos_run *run, const struct har_scenario *scenario);
void har_chaos_run_release(struct har_chaos_run *run);

#endif
