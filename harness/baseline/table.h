/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BASELINE_TABLE_H
#define HAR_BASELINE_TABLE_H

/* All baselines as one page of Markdown: what the stacks are, a table of scenarios by stacks, and of each stack its failures. */
#include "harness/baseline/baseline.h"
#include "harness/scenario/library.h"
#include "lib/base/buf.h"

/* Rows are the scenarios of the library that any of them played. */
void har_baselines_table(const struct har_baselines *set, const struct har_library *library,
                         struct sl_buf *out);

#endif
