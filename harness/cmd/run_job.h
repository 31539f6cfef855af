/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RUN_JOB_H
#define HAR_RUN_JOB_H

/*
 * A run of chosen scenarios from the options of a command line to its reports: what `run` and `replay` share.
 */
#include "harness/baseline/baseline.h"
#include "harness/binding/load.h"
#include "harness/cmd/open_target.h"
#include "harness/cmd/run_options.h"
#include "harness/engine/suite.h"
#include "harness/report/live.h"
#include "harness/report/report.h"
#include "harness/scenario/known.h"
#include "harness/scenario/library.h"

struct har_run_job;

/* Fills chosen (to be sl_calloc'ed, freed by the job) from library; 0, or the exit status with the reason on stderr. */
typedef int har_choose_fn(struct har_run_job *job);

/* Everything that a run needs, gathered step by step and released in one place. */
struct har_run_job {
    const char
        *program; /* for messages; this and the next eight and the options are the caller's */
    har_choose_fn *choose;
    char *const *named; /* what the scenarios are chosen by, where that may be ids alone */
    size_t named_count; /* 0: choose needs all that there are */
    void (*played)(struct har_run_job *job); /* all verdicts are there; may be NULL */
    /* What fills suite, in place of har_suite_run; NULL: that. */
    void (*play)(struct har_run_job *job, const struct har_suite_config *config);
    void (*add_json)(void *owner,
                     struct sl_json_out *json); /* keys of the JSON report; may be NULL */
    void (*rerun)(void *owner, const struct har_scenario *scenario,
                  struct sl_buf *out); /* of struct har_report; may be NULL */
    void *owner;
    struct har_run_options options;
    struct har_library library;
    const struct har_scenario **chosen;
    size_t chosen_count;
    struct har_profile profile;
    struct har_binding binding;
    bool has_binding; /* else chat.v1 */
    struct har_known known;
    struct har_baselines baselines; /* from the first failure on */
    bool has_baselines;
    struct sl_pool *pool;
    struct har_cmd_target target;
    struct har_suite suite;
    struct sl_buf target_option, schema_option; /* of report */
    struct har_report report;
    struct har_live live; /* until its handle is closed with the loop */
    bool has_suite;
};

/* Plays it and reports; releases what the job holds, the options' metadata too. The exit status of the program. */
int har_run_job(struct har_run_job *job);

/* Bad usage: a line on stderr; 2. */
int har_run_usage(const struct har_run_job *job, const char *text, const char *detail);
int har_run_usage_error(const struct har_run_job *job, const struct sl_error *error);

#endif
