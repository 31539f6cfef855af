/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BASELINE_MAKE_H
#define HAR_BASELINE_MAKE_H

/*
 * A run's report as a baseline, and a run against a baseline.
 *
 * Results of one scenario (run --repeat) are joined: it fails when one of them does, else it is inconclusive when one is.
 */
#include "harness/baseline/baseline.h"
#include "harness/compare/load.h"
#include "lib/base/buf.h"

/* What the report does not say. */
struct har_baseline_head {
    const char *stack, *version, *date;
    const char *about; /* NULL: none */
};

/* Appends the file, a line a result, sorted by id. before: the baseline that it replaces, or NULL: notes of what is still
 * so are kept, and the words of a reason that differ in numbers only. SL_MALFORMED: the report has no results. */
SL_MUST_USE enum sl_status har_baseline_make(const struct har_baseline_head *head,
                                             const struct har_compare_run *run,
                                             const struct har_baseline *before, struct sl_buf *out,
                                             struct sl_error *reterr_error);

struct har_baseline_diff {
    unsigned same, changed; /* verdicts and rules */
    unsigned seen;          /* the same verdict, and something else on the wire */
    unsigned added, gone, unclear;
};
/* Appends a line for each difference. */
struct har_baseline_diff har_baseline_compare(const struct har_baseline *baseline,
                                              const struct har_compare_run *run,
                                              struct sl_buf *out);

#endif
