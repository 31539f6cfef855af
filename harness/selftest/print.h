/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_PRINT_H
#define HAR_SELFTEST_PRINT_H

/* The matrix of the selftest, for people and for machines. */
#include "harness/selftest/cases.h"
#include "lib/base/buf.h"

/* How far it is, in one line of ASCII without an end. */
void har_selftest_line(const struct har_cases *cases, double seconds, struct sl_buf *out);
/* One line, as a case ends. */
void har_selftest_print_case(FILE *file, const struct har_case *item);
/* The matrix, a scenario a line; the wrong servers that nothing caught; the totals. */
void har_selftest_print(FILE *file, const struct har_cases *cases,
                        const struct har_mutants *mutants);
/* sluice.selftest/1. "verdict" is that of the run (a wrong server that is caught has "fail"); "expected" is the
 * number of wrong servers that must be caught. */
void har_selftest_json(const struct har_cases *cases, const struct har_mutants *mutants,
                       struct sl_buf *out);

#endif
