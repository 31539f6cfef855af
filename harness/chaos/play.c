/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/play.h"

#include <stdio.h>

#include "harness/scenario/parse.h"
#include "harness/story/story.h"
#include "lib/base/alloc.h"

void har_chaos_id(const struct har_chaos_schedule *schedule, char id[HAR_CHAOS_ID_MAX])
{
    (void)snprintf(id, HAR_CHAOS_ID_MAX, "chaos-%llu-%u", (unsigned long long)schedule->seed,
                   schedule->round);
}

void har_chaos_play(const struct har_suite_config *config, const char *text, const char *path,
                    const char *id, const char *evidence, struct har_chaos_outcome *outcome)
{
    *outcome = (struct har_chaos_outcome){0};
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    outcome->scenario = har_scenario_parse(sl_span_str(text), path, id, problems);
    if (outcome->scenario == NULL) {
        (void)snprintf(outcome->problem, sizeof(outcome->problem), "%.100s: %.300s",
                       problems->count == 0 ? "" : problems->items[0].path,
                       problems->count == 0 ? "?" : problems->items[0].text);
        sl_free(problems);
        return;
    }
    sl_free(problems);
    const struct har_scenario *scenarios[] = {outcome->scenario};
    struct har_suite_config one = *config;
    one.scenarios = scenarios;
    one.count = one.repeat = one.jobs = 1;
    one.budget_ns = 0;
    one.evidence = evidence;
    one.told = NULL;
    struct har_suite suite;
    har_suite_run(&suite, &one);
    outcome->could_not_start = suite.could_not_start;
    (void)snprintf(outcome->start_text, sizeof(outcome->start_text), "%s", suite.start_text);
    outcome->hiccup_p99_ns = suite.hiccup_p99_ns;
    outcome->hiccup_max_ns = suite.hiccup_max_ns;
    outcome->result = suite.results[0]; /* with all that it owns */
    suite.result_count = 0;
    har_suite_release(&suite);
}

void har_chaos_outcome_release(struct har_chaos_outcome *outcome)
{
    har_story_free(outcome->result.story);
    sl_free(outcome->result.decisions);
    har_scenario_free(outcome->scenario);
    *outcome = (struct har_chaos_outcome){0};
}
