/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/compare/model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

/* Runs on machines of which one paused so much more say less of the servers. */
#define PAUSES_APART 3.0
#define PAUSES_MIN   5.0 /* ms */

static void warn(struct har_compare *compare, const char *format, ...) SL_PRINTF(2, 3);
static void warn(struct har_compare *compare, const char *format, ...)
{
    if (compare->warning_count < HAR_COMPARE_WARNINGS_MAX) {
        char *text = compare->warnings[compare->warning_count++];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(compare->warnings[0]), format, args);
        va_end(args);
    }
}

static bool has_repeats(const struct har_compare *compare, int side)
{
    for (size_t i = 0; i < compare->pair_count; i++) {
        if (compare->pairs[i].sides[side].runs > 1) {
            return true;
        }
    }
    return false;
}

static void warn_of_runs(struct har_compare *compare)
{
    const struct har_compare_run *a = compare->runs[HAR_COMPARE_A];
    const struct har_compare_run *b = compare->runs[HAR_COMPARE_B];
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        const struct har_compare_run *run = compare->runs[side];
        if (run->error != NULL) {
            warn(compare, "%c has no results: its target could not be reached: %.150s", 'A' + side,
                 run->error);
        } else if (run->count == 0) {
            warn(compare, "%c has no results", 'A' + side);
        }
    }
    if (strcmp(a->profile, b->profile) != 0) {
        warn(compare,
             "the profiles differ (%.60s, %.60s): what is skipped, and by which values is judged, "
             "differs with them",
             a->profile, b->profile);
    }
    if (strcmp(a->binding, b->binding) != 0) {
        warn(compare, "the bindings differ (%.60s, %.60s): other methods play the roles",
             a->binding, b->binding);
    }
    if (a->seed != b->seed) {
        warn(compare, "the seeds differ (%llu, %llu): the two runs drew other times and faults",
             (unsigned long long)a->seed, (unsigned long long)b->seed);
    }
    double more = fmax(a->hiccup_p99_ms, b->hiccup_p99_ms);
    double less = fmin(a->hiccup_p99_ms, b->hiccup_p99_ms);
    if (more > PAUSES_MIN && more > PAUSES_APART * less) {
        warn(compare, "the machine of %c paused far more (p99 %.1f ms, the other %.1f ms)",
             a->hiccup_p99_ms > b->hiccup_p99_ms ? 'A' : 'B', more, less);
    }
    if (has_repeats(compare, HAR_COMPARE_A) != has_repeats(compare, HAR_COMPARE_B)) {
        warn(compare, "only %c repeats scenarios", has_repeats(compare, HAR_COMPARE_A) ? 'A' : 'B');
    }
}

static size_t common_of(const struct har_compare *compare)
{
    return compare->pair_count - compare->groups[HAR_COMPARE_ONLY_A] -
           compare->groups[HAR_COMPARE_ONLY_B];
}

void har_compare_make(struct har_compare *compare, const struct har_compare_run *a,
                      const struct har_compare_run *b, const struct har_compare_options *options)
{
    *compare = (struct har_compare){.runs = {a, b}, .options = *options};
    har_compare_match(compare);
    har_compare_stories(compare);
    har_compare_latencies(compare);
    har_compare_findings(compare);
    har_compare_buffers(compare);
    warn_of_runs(compare);
    if (common_of(compare) == 0 && a->count > 0 && b->count > 0) {
        warn(compare, "no scenario is in both: there is nothing to compare");
    }
}

void har_compare_release(struct har_compare *compare)
{
    for (size_t i = 0; i < compare->pair_count; i++) {
        sl_free(compare->pairs[i].story);
    }
    sl_free(compare->pairs);
    sl_free(compare->latencies);
    sl_free(compare->findings);
    sl_free(compare->buffers);
    *compare = (struct har_compare){0};
}

int har_compare_status(const struct har_compare *compare)
{
    bool is_lost =
        compare->runs[HAR_COMPARE_B]->error != NULL && compare->runs[HAR_COMPARE_A]->error == NULL;
    if (compare->worse > 0 || is_lost) {
        return 1;
    }
    return common_of(compare) == 0 ? 2 : 0;
}
