/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SUITE_H
#define HAR_SUITE_H

/*
 * A run: what they want to know of the target is measured; then the chosen scenarios against one target, one after the other, with those that mostly wait
 * beside them; a canary after each; verdicts.
 *
 * A timing failure during which the machine was noisy is played again, at most HAR_RERUNS_MAX times, and
 * so is growth of memory, which ends in time where there is no leak; any other failure stands. What a play left in the target's process
 * is looked at after the canary (harness/aftermath/). When the target stops answering, the scenario after which it did fails, and
 * what is left fails too (a spawned target is started anew first).
 */
#include "harness/aftermath/aftermath.h"
#include "harness/engine/calibrate.h"
#include "harness/engine/play.h"
#include "harness/engine/target.h"
#include "harness/evidence/folder.h"
#include "harness/evidence/trace.h"
#include "harness/story/story.h"

enum {
    HAR_RERUNS_MAX = 2,
    HAR_PLAYS_MAX = HAR_RERUNS_MAX + HAR_AFTERMATH_PLAYS, /* of one scenario, not repeated */
    HAR_NOTE_MAX = 120,
    HAR_RESULT_NOTES_MAX = 4,
    HAR_LATENCIES_MAX = 32,
    HAR_LATENCY_P999_MIN = 1000, /* samples */
};

struct har_baselines; /* harness/baseline/baseline.h */

/* Percentiles of one metric in one phase, for the report. */
struct har_latency {
    const char *phase;
    enum har_metric metric;
    size_t count;
    uint64_t p50_ns, p90_ns, p99_ns, max_ns;
    uint64_t p999_ns; /* 0: too few to tell (HAR_LATENCY_P999_MIN) */
};

/* The files of an evidence folder that are not always there. */
struct har_left {
    bool has_records, has_log, has_traffic, has_keys;
    bool has_scenario;        /* of chaos: the file of the round */
    uint64_t log_lost;        /* bytes that are left out of server.log */
    uint64_t traffic_skipped; /* bytes that are left out of traffic.pcapng */
    uint32_t connections;     /* in it */
    struct har_trace_port ports[HAR_TRACE_PORTS_MAX]; /* of servers in it */
    uint64_t begin_wall_ns;                           /* of the play; 0: there was none */
};

struct har_result {
    const struct har_scenario *scenario;
    enum har_outcome outcome;
    bool has_begun, is_done, is_known, has_unexpected_pass;
    bool is_mistaken;            /* the scenario's own mistake ended it; told among the failures */
    char reason[HAR_REASON_MAX]; /* of a fail, inconclusive or skip; of a pass what was seen */
    struct har_failure failures[HAR_FAILURES_MAX];
    size_t failure_count;
    char notes[HAR_RESULT_NOTES_MAX][HAR_NOTE_MAX];
    size_t note_count;
    struct har_seen_finding findings[HAR_FINDINGS_MAX];
    size_t finding_count;
    struct har_seen_list seen;                       /* of the last play */
    struct har_latency latencies[HAR_LATENCIES_MAX]; /* of the last play */
    size_t latency_count;
    const struct har_baselines *baselines; /* of known stacks, borrowed; NULL: none */
    uint64_t duration_ns;
    unsigned plays;                     /* 1 unless it was played again */
    char evidence[HAR_FOLDER_PATH_MAX]; /* folder; "" when there is none */
    struct har_left left;               /* what is in it */
    char *decisions;                    /* JSON lines */
    struct har_story *story;            /* of the last play; NULL: it was never played */
};

struct har_suite_config {
    uv_loop_t *loop;
    const struct har_scenario *const *scenarios;
    size_t count;
    unsigned repeat, jobs;
    const struct har_profile *profile;
    const struct har_binding *binding; /* NULL: chat.v1 */
    const char *profile_name;          /* as it was asked for: a name or a file */
    struct har_target *target;
    const struct sl_header *metadata;
    size_t metadata_count;
    struct sl_pool *pool; /* gets what the target tells by reflection, where a scenario needs it */
    const char *client;   /* the command of a client under test; NULL: none */
    uint64_t seed, budget_ns; /* budget 0: none */
    bool is_strict;
    bool has_no_canary;   /* what the play itself found is the verdict */
    const char *evidence; /* folder; NULL: none */
    void (*told)(void *owner, const struct har_result *result); /* as they end */
    void *owner;
};

struct har_suite {
    struct har_suite_config config;
    struct har_result *results; /* count * repeat, in order */
    size_t result_count;
    size_t story_bytes; /* of memory, of all stories */
    uint64_t begin_ns, end_ns;
    uint64_t hiccup_p99_ns, hiccup_max_ns;
    struct har_calibration calibration;   /* of what the chosen scenarios ask for */
    struct har_evidence *evidence;        /* NULL: nothing is to be left */
    char not_looked_at[HAR_REASON_MAX];   /* of what plays left behind, and why; "": nothing */
    bool has_start_advice;                /* start_text says what to do */
    bool could_not_start;                 /* the target is not there */
    char start_text[HAR_TARGET_TEXT_MAX]; /* why; of one that serves, how it refused us, or "" */
};

/* Runs all on the loop until it is done. SIGINT, SIGTERM and SIGHUP end it early, unless they are ignored:
 * what has no verdict by then is inconclusive, and what was spawned is ended. */
void har_suite_run(struct har_suite *suite, const struct har_suite_config *config);
void har_suite_release(struct har_suite *suite);

#endif
