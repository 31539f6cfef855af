/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EVIDENCE_H
#define HAR_EVIDENCE_H

/* What a run leaves behind in --evidence DIR: decisions.jsonl always, and the records of each scenario
 * that did not pass. */
#include <stdio.h>

#include "harness/engine/suite.h"

/* Of the first line of decisions.jsonl. */
#define HAR_DECISIONS_SCHEMA "sluice.decisions/1"

/* The decision log of a play: per actor in the order of the file, then control. Yours to sl_free. */
char *har_evidence_decisions(struct har_play *play);
/* Where the scenario did not pass: records.jsonl in a folder of its own, noted in the result. */
void har_evidence_write(const struct har_suite *suite, struct har_result *result,
                        const struct har_play *play);
/* What decisions.jsonl says of the run: a line of what was asked for, by which `replay` repeats it, then what each
 * scenario decided. */
void har_evidence_decided(const struct har_suite *suite, FILE *out);
/* decisions.jsonl of the run. */
SL_MUST_USE enum sl_status har_evidence_finish(const struct har_suite *suite,
                                               struct sl_error *reterr_error);
/* Creates a folder and those above it. */
SL_MUST_USE enum sl_status har_make_folders(const char *path, struct sl_error *reterr_error);

#endif
