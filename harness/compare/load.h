/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_LOAD_H
#define HAR_COMPARE_LOAD_H

/*
 * A report (sluice.report/1) read back from its file, checked whole before anything is made of it.
 *
 * Ownership: a run keeps the JSON tree; strings and json_t of it are borrowed until har_compare_run_release.
 * Limits: HAR_COMPARE_FILE_MAX bytes, HAR_COMPARE_WEIGHT_MAX values (the tree takes some 60 bytes a value), and so many results,
 * in all and of one id.
 */
#include <jansson.h>
#include <stdint.h>

#include "harness/engine/verdict.h"

#define HAR_COMPARE_FILE_MAX   ((size_t)256 * 1024 * 1024)
#define HAR_COMPARE_WEIGHT_MAX ((size_t)16 * 1024 * 1024) /* an object or array counts as 6 */

enum {
    HAR_COMPARE_RESULTS_MAX = 200 * 1000,
    HAR_COMPARE_REPEATS_MAX = 10 * 1000,
};

/* One result; every json_t may be NULL. */
struct har_compare_result {
    const char *id, *title, *level;
    const char *reason;                 /* "" where there is none */
    const char *why, *rerun, *evidence; /* NULL where there is none */
    enum har_outcome outcome;
    bool is_known, is_mistake;
    double duration_ms;
    size_t index; /* in the file's results */
    json_t *rules, *failures, *latency, *story;
};

struct har_compare_run {
    const char *file;  /* borrowed, as is label */
    const char *label; /* "A" unless the user names it */
    json_t *root;
    const char *target, *profile, *binding;
    const char *error; /* the target could not be reached; NULL */
    uint64_t seed;
    double duration_ms, hiccup_p99_ms, hiccup_max_ms;
    struct har_compare_result *results; /* by id, those of one id as they stand in the file */
    size_t count;
    json_t *findings, *calibration;
};

/* file "-" is the standard input. An error has the file in its text, and the JSON path or line. On failure there is nothing to
 * release. */
SL_MUST_USE enum sl_status har_compare_load(const char *file, const char *label,
                                            struct har_compare_run *ret_run,
                                            struct sl_error *reterr_error);
/* The same of text that is in memory; file: what errors call it. */
SL_MUST_USE enum sl_status har_compare_parse(const char *text, size_t len, const char *file,
                                             const char *label, struct har_compare_run *ret_run,
                                             struct sl_error *reterr_error);
void har_compare_run_release(struct har_compare_run *run); /* a zeroed one is fine */

#endif
