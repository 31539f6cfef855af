/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BASELINE_JOINED_H
#define HAR_BASELINE_JOINED_H

/* The results of one scenario in a report as one. */
#include "harness/compare/load.h"

struct har_joined {
    const char *id, *reason;
    const char *rule; /* of the first failure; NULL: none */
    enum har_outcome outcome;
    json_t *seen; /* owned: of actor to text; empty where nothing is known */
};

/* Of the results from number *at on, which is moved behind them. Release seen. */
struct har_joined har_join(const struct har_compare_run *run, size_t *at);

#endif
