/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_REPORT_H
#define HAR_CHAOS_REPORT_H

/* What a chaos run says beyond the verdicts of its rounds. */
#include <stdio.h>

#include "harness/chaos/run.h"
#include "lib/base/json_out.h"

/* The last lines for people: rounds, coverage, files. */
void har_chaos_print(const struct har_chaos_run *run, FILE *file);
/* The key "chaos" of the JSON report: rounds, coverage, and of each failure its schedule as found and as shrunk. */
void har_chaos_json(const struct har_chaos_run *run, struct sl_json_out *json);

#endif
