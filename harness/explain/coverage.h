/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COVERAGE_H
#define HAR_COVERAGE_H

/* What checks each rule of the catalogue and what proves the check: the table at the head of docs/RULES.md. */
#include "harness/explain/topics.h"

/* A table of Markdown, a line a rule: its level, how many scenarios name it, whether it is judged on every connection,
 * and how many wrong servers break it. Where a rule of the contract asks for the same, its wrong servers count. */
void har_coverage_write(const struct har_topics *topics, struct sl_buf *out);

#endif
