/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/digest.h"

#include <string.h>

#include "harness/baseline/tell.h"
#include "harness/report/report.h"
#include "lib/base/alloc.h"

/* The failures that count, in the order in which they fell. */
struct failures {
    struct har_baseline_failure *of;
    size_t count;
    const struct har_baselines *baselines;
};

static void collect(struct failures *failures, const struct har_suite *suite)
{
    *failures = (struct failures){.of = sl_calloc(suite->result_count + 1, sizeof(*failures->of))};
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        if (har_result_counts(suite, result)) {
            failures->baselines = result->baselines;
            failures->of[failures->count++] = (struct har_baseline_failure){
                .id = result->scenario->id,
                .rule = result->failure_count == 0 ? "" : result->failures[0].rule,
            };
        }
    }
}

/* Which of the failures a line is about: those by a rule, or those that a stack does not share. */
struct filter {
    const char *rule;                   /* NULL: any */
    const struct har_baseline *nearest; /* NULL: any */
};

static bool is_in(const struct filter *filter, const struct har_baseline_failure *failure)
{
    return (filter->rule == NULL || strcmp(filter->rule, failure->rule) == 0) &&
           (filter->nearest == NULL || !har_baseline_has(filter->nearest, failure));
}

static void put_ids(FILE *file, const struct failures *failures, const struct filter *filter)
{
    size_t count = 0;
    for (size_t i = 0; i < failures->count; i++) {
        if (!is_in(filter, &failures->of[i])) {
            continue;
        }
        if (count < HAR_DIGEST_IDS_MAX) {
            (void)fprintf(file, "%s%s", count == 0 ? "" : ", ", failures->of[i].id);
        }
        count++;
    }
    if (count > HAR_DIGEST_IDS_MAX) {
        (void)fprintf(file, " and %zu more", count - HAR_DIGEST_IDS_MAX);
    }
    (void)fputc('\n', file);
}

static bool was_told(const struct failures *failures, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        if (strcmp(failures->of[i].rule, failures->of[number].rule) == 0) {
            return true;
        }
    }
    return false;
}

/* A stack that shares less than half of them is another one. */
static void put_nearest(FILE *file, const struct failures *failures)
{
    size_t shared = 0;
    const struct har_baseline *nearest =
        har_baselines_nearest(failures->baselines, failures->of, failures->count, &shared);
    if (nearest == NULL || 2 * shared < failures->count) {
        return;
    }
    (void)fprintf(file, "known stacks: %s %s fails %zu of these %zu by the same rule",
                  nearest->stack, nearest->version, shared, failures->count);
    if (shared == failures->count) {
        (void)fputc('\n', file);
        return;
    }
    const struct filter rest = {.nearest = nearest};
    (void)fprintf(file, ", but not ");
    put_ids(file, failures, &rest);
}

void har_report_digest(FILE *file, const struct har_suite *suite)
{
    struct failures failures;
    if (suite->result_count < HAR_DIGEST_RESULTS_MIN) {
        return;
    }
    collect(&failures, suite);
    if (failures.count > 0) {
        (void)fprintf(file, "\nwhat failed, by rule:\n");
    }
    for (size_t i = 0; i < failures.count; i++) {
        const char *rule = failures.of[i].rule;
        if (!was_told(&failures, i)) {
            const struct filter by_rule = {.rule = rule};
            (void)fprintf(file, "  %-10s  ", rule[0] == '\0' ? "(none)" : rule);
            put_ids(file, &failures, &by_rule);
        }
    }
    if (failures.count > 0) {
        put_nearest(file, &failures);
    }
    sl_free(failures.of);
}
