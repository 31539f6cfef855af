/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_PLAY_H
#define HAR_CHAOS_PLAY_H

/* One schedule as a scenario, and one play of it. */
#include "harness/chaos/schedule.h"
#include "harness/engine/suite.h"

enum { HAR_CHAOS_ID_MAX = 64 };

/* "chaos-7-12" */
void har_chaos_id(const struct har_chaos_schedule *schedule, char id[HAR_CHAOS_ID_MAX]);

/* What a play came to. scenario and result are the caller's: har_chaos_outcome_release. */
struct har_chaos_outcome {
    struct har_scenario *scenario; /* NULL: what was written does not parse, which is our own bug */
    struct har_result result;
    bool could_not_start;
    char start_text[HAR_TARGET_TEXT_MAX];
    uint64_t hiccup_p99_ns, hiccup_max_ns;
    char problem[HAR_REASON_MAX]; /* why scenario is NULL */
};

/* Plays text, the file of schedule at path, by the suite's config; evidence: a folder, or NULL. */
void har_chaos_play(const struct har_suite_config *config, const char *text, const char *path,
                    const char *id, const char *evidence, struct har_chaos_outcome *outcome);
void har_chaos_outcome_release(struct har_chaos_outcome *outcome);

#endif
