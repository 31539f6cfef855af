/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FAILURE_H
#define HAR_FAILURE_H

/*
 * README.md of the folder that a result without a pass leaves (run --evidence): what a person needs to act on it, to be
 * read as it is or as Markdown. Text that a peer may have made up stands in indented blocks, a line each, where Markdown
 * reads no markup.
 */
#include "harness/report/report.h"

enum {
    HAR_FAILURE_MAX = 1024 * 1024, /* bytes of it */
};

void har_report_failure(const struct har_report *report, const struct har_result *result,
                        struct sl_buf *out);

#endif
