/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_REPORT_STACKS_H
#define HAR_REPORT_STACKS_H

/* What known stacks did in a scenario that failed here (harness/baseline/). */
#include "harness/engine/suite.h"
#include "lib/base/json_out.h"

/* A line; at the step that the first failure is about where that is known. Nothing for what did not fail, and where no
 * stack is known to have played it. */
void har_report_stacks(const struct har_result *result, struct sl_buf *out);
enum { HAR_STACKS_MAX = 8 * 1024 };

/* The value of "stacks": an array, a stack each. */
void har_report_stacks_json(const struct har_result *result, struct sl_json_out *json);

#endif
