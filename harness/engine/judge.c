/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/judge.h"

#include <stdio.h>

#include "harness/engine/evidence.h"
#include "harness/engine/latencies.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

void har_judge(struct har_result *result, const struct har_play *play, struct har_hiccup *meter,
               bool is_noisy)
{
    uint64_t pause_ns = har_hiccup_max(meter, play->begin_ns, play->end_ns);
    double crowded = har_hiccup_crowded(meter, play->begin_ns, play->end_ns);
    if (play->failure_count == 0) {
        result->outcome = HAR_PASS;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "%llu answers and messages checked%s", (unsigned long long)play->evidence,
                       result->plays > 1 ? "; passed when it was played again" : "");
    } else if (play->failures[0].is_mistake) {
        result->outcome = HAR_INCONCLUSIVE;
        (void)snprintf(result->reason, sizeof(result->reason),
                       "a mistake in the scenario, %.120s: %.300s", play->failures[0].path,
                       play->failures[0].text);
    } else if (is_noisy && play->failures[0].doubt[0] != '\0') {
        result->outcome = HAR_INCONCLUSIVE;
        (void)snprintf(result->reason, sizeof(result->reason), "%s: %.340s",
                       play->failures[0].doubt, play->failures[0].text);
    } else if (is_noisy) {
        result->outcome = HAR_INCONCLUSIVE;
        (void)snprintf(
            result->reason, sizeof(result->reason),
            "the machine was noisy in each of %u plays, with pauses of up to %.0f ms and "
            "too few processors for %.0f %% of the last: %.340s",
            result->plays, (double)pause_ns / (double)SL_MS, 100 * crowded, play->failures[0].text);
    } else if (har_obstacle_skips(play, result->reason, sizeof(result->reason))) {
        result->outcome = HAR_SKIP;
        result->failure_count = 0;
    } else {
        result->outcome = HAR_FAIL;
        (void)snprintf(result->reason, sizeof(result->reason), "%s", play->failures[0].text);
    }
}

void har_result_break(struct har_result *result, const char *rule, const char *text)
{
    if (result->failure_count < HAR_FAILURES_MAX) {
        struct har_failure *failure = &result->failures[result->failure_count++];
        *failure = (struct har_failure){0};
        (void)snprintf(failure->rule, sizeof(failure->rule), "%s", rule);
        (void)snprintf(failure->text, sizeof(failure->text), "%s", text);
    }
    result->outcome = HAR_FAIL;
    (void)snprintf(result->reason, sizeof(result->reason), "%s", result->failures[0].text);
}

void har_result_left(struct har_result *result, const struct har_trail *trail, bool is_broken)
{
    if (is_broken) {
        har_result_break(result, trail->rule, trail->text);
    } else if (trail->text[0] != '\0' && result->note_count < HAR_RESULT_NOTES_MAX) {
        (void)snprintf(result->notes[result->note_count++], HAR_NOTE_MAX, "%s", trail->text);
    }
}

void har_result_collect(struct har_result *result, struct har_play *play, size_t *story_bytes)
{
    result->duration_ns += play->end_ns - play->begin_ns;
    result->plays++;
    har_latencies_collect(result, play);
    result->failure_count = play->failure_count;
    memcpy(result->failures, play->failures, sizeof(result->failures));
    result->is_mistaken = play->is_mistaken;
    result->finding_count = play->finding_count;
    memcpy(result->findings, play->findings, sizeof(result->findings));
    result->seen = play->seen;
    result->note_count = 0;
    for (size_t i = 0; i < play->note_count && i < HAR_RESULT_NOTES_MAX; i++) {
        (void)snprintf(result->notes[result->note_count++], HAR_NOTE_MAX, "%s", play->notes[i]);
    }
    sl_free(result->decisions); /* of a play that is played again: it may have ended anywhere */
    result->decisions = har_evidence_decisions(play);
    har_story_keep(&result->story, play, story_bytes);
}
