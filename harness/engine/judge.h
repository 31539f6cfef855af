/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_JUDGE_H
#define HAR_JUDGE_H

/* From the failures of the last play of a scenario to its verdict. */
#include "harness/engine/suite.h"

/* Fills outcome and reason. is_noisy: nothing failed but what a noisy machine, or we ourselves, can explain. */
void har_judge(struct har_result *result, const struct har_play *play, struct har_hiccup *meter,
               bool is_noisy);

#endif
