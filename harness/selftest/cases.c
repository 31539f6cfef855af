/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/cases.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

/* A machine that pauses so much may hide what is late: so long once, or so long one time in a hundred. */
#define NOISE_MAX_MS 30
#define NOISE_P99_MS 3

void har_cases_release(struct har_cases *cases)
{
    sl_free(cases->items);
    *cases = (struct har_cases){0};
}

/* ---- verdicts ---- */

static enum har_outcome outcome_of(const char *verdict)
{
    static const enum har_outcome all[] = {HAR_PASS, HAR_FAIL, HAR_SKIP};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(verdict, har_outcome_name(all[i])) == 0) {
            return all[i];
        }
    }
    return HAR_INCONCLUSIVE;
}

/* How well a failure by the rule speaks of the wrong server. */
enum worth {
    WORTH_NOTHING,
    WORTH_SOMETHING, /* a failure */
    WORTH_TELLING,   /* by a rule that is broken */
    WORTH_MOST,      /* by the one that the wrong server is there for */
};

static enum worth worth_of(const struct har_mutant *mutant, const char *rule)
{
    if (mutant == NULL || !har_mutant_breaks(mutant, rule)) {
        return WORTH_SOMETHING;
    }
    return har_mutant_is_for(mutant, rule) ? WORTH_MOST : WORTH_TELLING;
}

/* The rule that counts: that of the failure that is worth most, of several the first. */
static void take_rule(struct har_case *item, const json_t *failures)
{
    size_t index = 0;
    const json_t *failure = NULL;
    enum worth most = WORTH_NOTHING;
    item->rule[0] = '\0';
    json_array_foreach (failures, index, failure) {
        const char *rule = json_string_value(json_object_get(failure, "rule"));
        enum worth worth = rule == NULL ? WORTH_NOTHING : worth_of(item->mutant, rule);
        if (worth > most) {
            most = worth;
            (void)snprintf(item->rule, sizeof(item->rule), "%s", rule);
        }
    }
    item->is_telling = most >= WORTH_TELLING;
}

static bool is_as_it_must_be(const struct har_case *item)
{
    switch (item->kind) {
    case HAR_CASE_CLEAN:
        return item->outcome == HAR_PASS || item->outcome == HAR_SKIP || item->is_known;
    case HAR_CASE_CLAIMED:
        return item->is_telling;
    case HAR_CASE_DRAWN:
        return item->outcome != HAR_INCONCLUSIVE;
    case HAR_CASE_IDLE:
        break;
    }
    return item->outcome != HAR_PASS;
}

static const json_t *find_result(const json_t *report, const char *id)
{
    size_t index = 0;
    const json_t *result = NULL;
    json_array_foreach (json_object_get(report, "results"), index, result) {
        const char *of = json_string_value(json_object_get(result, "id"));
        if (of != NULL && strcmp(of, id) == 0) {
            return result;
        }
    }
    return NULL;
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* What a wrong server that is wrong in time shows can drown in what a busy machine adds: then its pass tells nothing. */
static bool may_be_timing(const struct har_case *item, const json_t *result, const json_t *report)
{
    const json_t *hiccup = json_object_get(report, "hiccup_ms");
    bool is_noisy =
        number_of(hiccup, "max") >= NOISE_MAX_MS || number_of(hiccup, "p99") >= NOISE_P99_MS;
    return item->kind == HAR_CASE_CLAIMED && item->outcome == HAR_PASS &&
           (number_of(result, "plays") > 1 || (item->scenario->is_alone && is_noisy));
}

enum sl_status har_case_judge(struct har_case *item, const json_t *report)
{
    const json_t *result = find_result(report, item->scenario->id);
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const char *reason = json_string_value(json_object_get(result, "reason"));
    if (verdict == NULL || reason == NULL) {
        return SL_MALFORMED;
    }
    item->seconds = json_number_value(json_object_get(result, "duration_ms")) / 1e3;
    item->outcome = outcome_of(verdict);
    bool is_timing = may_be_timing(item, result, report);
    item->outcome = is_timing ? HAR_INCONCLUSIVE : item->outcome;
    (void)snprintf(item->reason, sizeof(item->reason), "%s%.300s",
                   is_timing ? "it passed, as it may on a machine that is this busy: " : "",
                   reason);
    take_rule(item, json_object_get(result, "failures"));
    item->is_telling &= item->outcome == HAR_FAIL;
    item->is_known = json_is_true(json_object_get(result, "known"));
    item->is_good = is_as_it_must_be(item);
    bool is_asked = item->kind == HAR_CASE_CLAIMED || item->kind == HAR_CASE_IDLE;
    if (is_asked && item->is_telling) { /* drawn ones are luck */
        item->mutant->is_caught = true;
    }
    return SL_OK;
}

/* ---- totals ---- */

static void count_case(const struct har_case *item, struct har_selftest_totals *totals)
{
    bool is_unclear = !item->is_done || (item->outcome == HAR_INCONCLUSIVE && !item->is_good);
    bool is_bad = !item->is_good && !is_unclear;
    bool is_failed = item->is_done && item->outcome == HAR_FAIL;
    totals->inconclusive += is_unclear;
    switch (item->kind) {
    case HAR_CASE_CLEAN:
        totals->clean++;
        totals->clean_skipped += item->outcome == HAR_SKIP;
        totals->clean_known += item->is_known;
        totals->clean_failed += is_bad;
        break;
    case HAR_CASE_CLAIMED:
        totals->runs++;
        totals->survived += is_bad;
        totals->blamed += is_bad && is_failed;
        break;
    case HAR_CASE_DRAWN:
        totals->drawn++;
        totals->drawn_failed += is_failed && !item->is_known;
        totals->drawn_telling += item->is_telling;
        break;
    case HAR_CASE_IDLE:
        totals->idle++;
        totals->vacuous += is_bad;
        break;
    }
}

struct har_selftest_totals har_cases_count(const struct har_cases *cases,
                                           const struct har_mutants *mutants)
{
    struct har_selftest_totals totals = {.is_idle_missing = cases->is_idle_missing};
    for (size_t i = 0; i < cases->count; i++) {
        count_case(&cases->items[i], &totals);
    }
    for (size_t i = 0; i < mutants->count; i++) {
        totals.expected += mutants->items[i].is_expected;
        totals.caught += mutants->items[i].is_expected && mutants->items[i].is_caught;
    }
    return totals;
}

int har_selftest_status(const struct har_selftest_totals *totals)
{
    if (totals->clean + totals->runs + totals->drawn + totals->idle == 0) {
        return 4;
    }
    bool is_unclear = totals->inconclusive > 0;
    if (totals->survived + totals->clean_failed + totals->vacuous > 0 || totals->is_idle_missing ||
        (totals->caught < totals->expected && !is_unclear)) {
        return 1;
    }
    return is_unclear || totals->caught < totals->expected ? 3 : 0;
}
