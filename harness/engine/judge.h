/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_JUDGE_H
#define HAR_JUDGE_H

/* From the failures of the last play of a scenario to its verdict. */
#include "harness/engine/suite.h"

/* What a play that is over has found, in place of what the one before it found; story_bytes: as har_story_keep. */
void har_result_collect(struct har_result *result, struct har_play *play, size_t *story_bytes);

/* Fills outcome and reason. is_noisy: nothing failed but what a noisy machine, or we ourselves, can explain. */
void har_judge(struct har_result *result, const struct har_play *play, struct har_hiccup *meter,
               bool is_noisy);

/* What was seen after the play makes it a failure. */
void har_result_break(struct har_result *result, const char *rule, const char *text);

/* What it left in the target's process: a failure where is_broken, else a note where there is something to tell. */
void har_result_left(struct har_result *result, const struct har_trail *trail, bool is_broken);

#endif
