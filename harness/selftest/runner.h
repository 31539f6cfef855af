/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_RUNNER_H
#define HAR_SELFTEST_RUNNER_H

/*
 * Runs the cases: each is a `sluice-harness run` of its own, as its users type it, against a server of
 * its own, so that no case inherits what another one left behind, and a harness that dies takes one case with it. Those of
 * which nothing is asked, or on whose server nothing happens, share runs (harness/selftest/batch.h).
 *
 * A scenario that measures has its first play beside others; where its verdict is not as it must be, that does not count, and it plays
 * alone, after all the others. One that mostly waits runs beside all, and so do those on servers that do nothing. A run that the machine was too busy to judge is played again, HAR_CASE_PLAYS times in all. A case that
 * does not end within HAR_CASE_SECONDS, or leaves no report, is inconclusive, with the end of what it printed.
 */
#include "harness/selftest/cases.h"

enum {
    HAR_CASE_SECONDS = 300,
    HAR_SELFTEST_JOBS_MAX = 64,
};

struct har_selftest_config {
    const char *harness;                                    /* path of this program */
    const char *server;                                     /* path of the reference server */
    uint64_t seed;                                          /* of each run */
    unsigned jobs;                                          /* cases beside each other */
    void (*told)(void *owner, const struct har_case *item); /* as they end */
    void (*tick)(void *owner);                              /* ten times a second; may be NULL */
    void *owner;
};

/* What the server prints for --misbehave list, at most max bytes; NULL with the reason. Yours to sl_free. */
char *har_selftest_mutants(const char *server, size_t max, size_t *ret_len,
                           struct sl_error *reterr_error);

/* Runs all. SIGINT and SIGTERM end it early: what is not done then counts as inconclusive. SL_IO when there
 * is no place for reports. */
SL_MUST_USE enum sl_status har_selftest_run(const struct har_selftest_config *config,
                                            struct har_cases *cases, struct sl_error *reterr_error);

#endif
