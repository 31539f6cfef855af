/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_JUDGE_H
#define HAR_PROBE_JUDGE_H

/*
 * What was seen, into a verdict with its reason. Pure.
 *
 * affected: the process died, others were not served, memory grew past the class's bound, or that came which must not
 * (a call without a slash served, a connection cut for one stream's metadata). bounded: a limit was seen on every
 * connection, or, where no limit is needed, nothing grew. Else: not bounded in what was sent, which is told and is no
 * proof of harm.
 */
#include "harness/probe/probe.h"

void har_probe_judge(struct har_probe_result *result);

/* "bounded", "not bounded in what was sent", "affected", "unclear", "not run"; and as JSON has it. */
const char *har_probe_verdict_text(enum har_probe_verdict verdict);
const char *har_probe_verdict_name(enum har_probe_verdict verdict);
/* Appends what of a limit was seen: "GOAWAY ENHANCE_YOUR_CALM after 1,010 streams". May be a text of the server's. */
void har_probe_limit_tell(const struct har_probe_result *result, struct sl_buf *out);
/* 123456 as "123,456". */
const char *har_probe_number(uint64_t number, char text[32]);

#endif
