/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_REPORT_DIGEST_H
#define HAR_REPORT_DIGEST_H

/*
 * What failed in a run of many scenarios, once more and in few lines, since the failures stand far above among what passed: a line
 * a rule, and the known stack that fails in most of them too, with what it does not share. A library's own failures are not
 * mended in the server's code, so it is the rest that one looks at first.
 */
#include <stdio.h>

#include "harness/engine/suite.h"

enum {
    HAR_DIGEST_RESULTS_MIN = 20, /* of a shorter run all is in sight */
    HAR_DIGEST_IDS_MAX = 8,      /* named in one line */
};

/* Nothing for a shorter run, and for one in which nothing failed. Known failures and those that do not count are left out. */
void har_report_digest(FILE *file, const struct har_suite *suite);

#endif
