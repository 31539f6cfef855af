/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EVIDENCE_H
#define HAR_EVIDENCE_H

/*
 * What a run leaves behind in --evidence DIR: decisions.jsonl always, and a folder for each result that did not pass.
 *
 *     har_proof_new -> (plays: trace, excerpt of the server's output) -> har_proof_drop, or
 *                      har_proof_play (records) -> har_proof_settle (log, traffic, decisions) -> told: README.md
 *
 * Whether it passes is known in the end only, so a proof is kept while a scenario plays and until its verdict is told.
 *
 * Errors: what cannot be written is noted and left out, and the run goes on; har_evidence_finish says the first.
 * Memory and disk: those of a trace and an excerpt for each scenario that plays.
 */
#include <stdio.h>

#include "harness/engine/suite.h"

/* Of the first line of decisions.jsonl. */
#define HAR_DECISIONS_SCHEMA "sluice.decisions/1"

struct har_evidence; /* of a run */
struct har_proof;    /* of one play */

/* dir NULL: nothing is to be left; the answer is NULL then, and every function here takes that. */
struct har_evidence *har_evidence_new(const char *dir);
void har_evidence_free(struct har_evidence *evidence);
/* The scenarios are about to be run: what an earlier run left of them goes. */
void har_evidence_clean(struct har_evidence *evidence, const struct har_suite *suite);

/* A scenario begins. NULL (which is fine everywhere) when nothing is to be left. */
struct har_proof *har_proof_new(struct har_evidence *evidence);
/* For the connections of its play. */
struct har_trace *har_proof_trace(const struct har_proof *proof);
/* What the server writes from now on belongs to it. */
void har_proof_watch(struct har_proof *proof, struct har_target *target);
/* A play is over, or about to be given up: of one that did not pass the records are written. */
void har_proof_play(struct har_proof *proof, struct har_result *result,
                    const struct har_play *play);
/* The verdict is there: the rest is written where it is no pass. Takes the proof. */
void har_proof_settle(struct har_proof *proof, const struct har_suite *suite,
                      struct har_result *result);
/* Nothing of it is wanted. Takes the proof. */
void har_proof_drop(struct har_proof *proof);

/* One more file in the folder of a result; nothing where it has none. */
void har_evidence_add(struct har_evidence *evidence, const struct har_result *result,
                      const char *name, struct sl_span content);

/* The decision log of a play: per actor in the order of the file, then control. Yours to sl_free. */
char *har_evidence_decisions(struct har_play *play);
/* What decisions.jsonl says of the run: a line of what was asked for, by which `replay` repeats it, then what each
 * scenario decided. */
void har_evidence_decided(const struct har_suite *suite, FILE *out);
/* decisions.jsonl of the run. SL_IO when that or anything before it could not be written. */
SL_MUST_USE enum sl_status har_evidence_finish(const struct har_suite *suite,
                                               struct sl_error *reterr_error);

#endif
