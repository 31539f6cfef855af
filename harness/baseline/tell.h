/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BASELINE_TELL_H
#define HAR_BASELINE_TELL_H

/*
 * Baselines in words. Stacks that did the same stand together: "grpc-go 1.85.0 and tonic 0.14.9 pass". Texts may hold what a
 * peer said: each format makes them safe.
 */
#include "harness/baseline/baseline.h"
#include "lib/base/buf.h"

enum {
    HAR_BASELINE_LINE_MAX =
        8 * 1024, /* bytes of a text of these functions; what does not fit is left out */
};

/* What came over the wire: the outcome of this actor; without one, or where it has none, all in few words:
 * "RST_STREAM(PROTOCOL_ERROR)", or "grpc-status 0 (a, b), GOAWAY(NO_ERROR) (c)". Nothing where nothing is known. */
void har_baseline_seen(const struct har_baseline_result *result, const char *actor,
                       struct sl_buf *out);

/* In one short line what all that played this scenario did: "grpc-go 1.85.0 passes (RST_STREAM(PROTOCOL_ERROR)); grpc-js
 * 1.14.7 fails it too (CALL-13)". Nothing where none did. actor: the one that a failure is about; NULL: not known. */
void har_baselines_line(const struct har_baselines *set, const char *id, const char *actor,
                        struct sl_buf *out);

/* A failure of a run, and whether a stack fails there too, by the same rule. */
struct har_baseline_failure {
    const char *id, *rule; /* rule: "" for none */
};
bool har_baseline_has(const struct har_baseline *baseline,
                      const struct har_baseline_failure *failure);
/* The stack that has the most of them, and how many; NULL where none has any. */
const struct har_baseline *har_baselines_nearest(const struct har_baselines *set,
                                                 const struct har_baseline_failure *failures,
                                                 size_t count, size_t *ret_shared);

/* Calls told for each sentence about a scenario; detail is what belongs below it, "" where there is none. */
typedef void har_baselines_told_fn(void *owner, const char *sentence, const char *detail);
void har_baselines_scenario(const struct har_baselines *set, const char *id,
                            har_baselines_told_fn *told, void *owner);

/* The same about a rule: of the scenarios that name it, and of all that failed by it. checks: their ids. */
void har_baselines_rule(const struct har_baselines *set, const char *rule,
                        const char *const *checks, size_t count, har_baselines_told_fn *told,
                        void *owner);

#endif
