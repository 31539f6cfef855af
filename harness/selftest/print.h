/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_PRINT_H
#define HAR_SELFTEST_PRINT_H

/* The matrix of the selftest, for people and for machines. */
#include "harness/selftest/cases.h"
#include "lib/base/buf.h"

/* A run of the selftest, for its reports. */
struct har_matrix {
    const struct har_cases *cases;
    const struct har_mutants *mutants;
    const struct har_wish *wish;
    unsigned jobs;
    double seconds;         /* that it took */
    double cpu_seconds;     /* of processors, in all that it ran */
    uint64_t begin_wall_ns; /* since 1970 */
};

/* What became of a case, in a word. */
const char *har_selftest_word(const struct har_case *item);

/* How far it is, in one line of ASCII without an end. */
void har_selftest_line(const struct har_cases *cases, double seconds, struct sl_buf *out);
/* One line, as a case ends. */
void har_selftest_print_case(FILE *file, const struct har_case *item);
/* The matrix, a scenario a line; the wrong servers that nothing caught; the totals. */
void har_selftest_print(FILE *file, const struct har_matrix *matrix);

/* sluice.selftest/1. "verdict" is that of the run (a wrong server that is caught has "fail"); "expected" is the
 * number of wrong servers that must be caught. */
void har_selftest_json(const struct har_matrix *matrix, struct sl_buf *out);
/* A page: the figures, what the clean ones and the idle ones did that is to be told, a line for each wrong server. No
 * time of a single run is in it, so that two pages of one seed differ in their first lines only. ci/matrix reads it. */
void har_selftest_md(const struct har_matrix *matrix, struct sl_buf *out);

#endif
