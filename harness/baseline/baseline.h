/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BASELINE_H
#define HAR_BASELINE_H

/*
 * What a known stack did in the scenarios, as data beside them: scenarios/baselines/STACK-VERSION.json,
 *
 *     {"schema": "sluice.baseline/1", "stack": "grpc-go", "version": "1.85.0", "date": "2026-11-29", "binding": "chat",
 *      "profile": "seed", "results": [
 *       {"id": "wire/te", "verdict": "fail", "rule": "CALL-11", "reason": "...", "seen": {"other": "grpc-status 0"}, "note": "...",
 *        "confirmed": "C HEADERS s1 te: gzip, DATA END_STREAM / S HEADERS 200, DATA, HEADERS grpc-status 0"}]}
 *
 * seen: what came over the wire, by the scenario's actor; note: a person's; confirmed: of a failure that a person has read
 * on the wire and found to be the stack's own, the frames that show it (C the client, S the server).
 *
 * Ownership: a baseline keeps its JSON tree; all strings are borrowed from it. Limits: HAR_BASELINE_FILE_MAX bytes, and
 * HAR_BASELINES_MAX files of a folder.
 */
#include "harness/engine/verdict.h"
#include "harness/scenario/fields.h"

enum {
    HAR_BASELINE_FILE_MAX = 4 << 20,
    HAR_BASELINES_MAX = 64,
    HAR_BASELINE_RESULTS_MAX = 1000,
    HAR_BASELINE_SEEN_MAX = 64, /* actors of a result */
    HAR_BASELINE_NAME_MAX = 40, /* bytes of a stack's name, and of a version */
};

struct har_baseline_result {
    const char *id;
    int verdict;           /* enum har_outcome */
    const char *rule;      /* of a fail; may be NULL */
    const char *reason;    /* of a fail or skip; may be NULL */
    const char *note;      /* NULL: none */
    const char *confirmed; /* NULL: nobody has */
    json_t *seen;          /* of actor to text; NULL: nothing is known */
    size_t index;          /* in the file */
};

struct har_baseline {
    json_t *root;
    struct har_arena arena;
    const char *schema, *stack, *version, *date, *binding, *profile;
    const char *about; /* how it was measured; NULL */
    struct har_objects read;
    struct har_baseline_result *results; /* by id */
    size_t count;
};

/* A name of a stack or a version: letters, digits and "._+-". */
bool har_baseline_is_name(const char *text);

/* SL_MALFORMED with the file, its line and the JSON path. On failure there is nothing to release. */
SL_MUST_USE enum sl_status har_baseline_load(const char *path, struct har_baseline *ret_baseline,
                                             struct sl_error *reterr_error);
/* The same of text that is in memory; path: what errors call it. */
SL_MUST_USE enum sl_status har_baseline_parse(struct sl_span text, const char *path,
                                              struct har_baseline *ret_baseline,
                                              struct sl_error *reterr_error);
void har_baseline_release(struct har_baseline *baseline); /* a zeroed one is fine */

/* NULL: the scenario was not played. */
const struct har_baseline_result *har_baseline_find(const struct har_baseline *baseline,
                                                    const char *id);

/* All that are known, by name. */
struct har_baselines {
    struct har_baseline items[HAR_BASELINES_MAX];
    size_t count;
};

/* Those of scenarios/baselines; none where there is no such folder. After an error, which is of the first bad file, the
 * good ones are there. */
SL_MUST_USE enum sl_status har_baselines_load(struct har_baselines *ret_set, const char *scenarios,
                                              struct sl_error *reterr_error);
void har_baselines_release(struct har_baselines *set);

#endif
