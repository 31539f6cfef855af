/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_VERDICT_H
#define HAR_VERDICT_H

/* What a scenario came to. A verdict is not an error of the harness. */
#include "lib/base/status.h"
#include <stdbool.h>

enum har_outcome {
    HAR_PASS,
    HAR_FAIL,
    HAR_INCONCLUSIVE, /* the machine was too noisy, or the generator too late, to tell */
    HAR_SKIP,         /* not declared by the target */
};
const char *har_outcome_name(enum har_outcome outcome); /* "pass" */

enum {
    HAR_RULE_MAX = 16,
    HAR_REASON_MAX = 480,
    HAR_FAILURES_MAX = 8,
};

/* One thing that was not as it must be. */
struct har_failure {
    char rule[HAR_RULE_MAX];
    char text[HAR_REASON_MAX];
    char path[128];  /* the step or check in the scenario file; "" for always-on checks */
    const char *why; /* of the check; borrows the scenario; may be NULL */
    bool is_mistake; /* of the scenario itself: nobody else's failure */
    bool is_timing;  /* a pause of the machine could explain it */
    bool is_trend; /* it ends with more of the same, or it is true: played again before it counts */
    char doubt[120]; /* why the harness itself may have caused it; "": it has not */
};

/* True when there are some, and nothing among them but what a noisy machine, or we ourselves, can explain. */
bool har_failures_are_noise(const struct har_failure *failures, size_t count, bool was_noisy);
/* True when there are some, and nothing among them but what more of the same would refute. */
bool har_failures_are_trend(const struct har_failure *failures, size_t count);

#endif
