/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/cases.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

/* ---- the wrong servers ---- */

/* The bytes up to the first one of stops; they and it are taken from text. */
static char *take_word(struct sl_span *text, const char *stops)
{
    size_t len = 0;
    while (len < text->len && strchr(stops, text->data[len]) == NULL) {
        len++;
    }
    char *word = sl_strndup((const char *)text->data, len);
    *text = sl_span_from(*text, len < text->len ? len + 1 : len);
    return word;
}

static bool read_line(struct har_mutants *mutants, struct sl_span line)
{
    struct har_mutant *mutant = &mutants->items[mutants->count++];
    mutant->name = take_word(&line, "\t");
    struct sl_span rest = line;
    mutant->frontend = take_word(&line, ",\t");
    sl_free(take_word(&rest, "\t"));
    mutant->rule = take_word(&rest, "\t ,");
    return mutant->name[0] != '\0' && mutant->frontend[0] != '\0' && mutant->rule[0] != '\0';
}

enum sl_status har_mutants_read(struct har_mutants *mutants, struct sl_span text,
                                struct sl_error *reterr_error)
{
    *mutants = (struct har_mutants){.items = sl_calloc(HAR_MUTANTS_MAX, sizeof(struct har_mutant))};
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        if (mutants->count == HAR_MUTANTS_MAX || !read_line(mutants, sl_span(text.data, len))) {
            return sl_error_set(reterr_error, SL_MALFORMED,
                                "line %zu of --misbehave list is not: name, front ends, rule",
                                mutants->count);
        }
        text = sl_span_from(text, end == NULL ? len : len + 1);
    }
    return mutants->count > 0
               ? SL_OK
               : sl_error_set(reterr_error, SL_MALFORMED, "--misbehave list names no wrong server");
}

void har_mutants_release(struct har_mutants *mutants)
{
    for (size_t i = 0; i < mutants->count; i++) {
        sl_free(mutants->items[i].name);
        sl_free(mutants->items[i].frontend);
        sl_free(mutants->items[i].rule);
    }
    sl_free(mutants->items);
    *mutants = (struct har_mutants){0};
}

static struct har_mutant *find_mutant(struct har_mutants *mutants, const char *name)
{
    for (size_t i = 0; i < mutants->count; i++) {
        if (strcmp(mutants->items[i].name, name) == 0) {
            return &mutants->items[i];
        }
    }
    return NULL;
}

/* ---- the plan ---- */

static bool matches(const char *glob, const char *text)
{
    return glob == NULL || har_glob(glob, text);
}

static void add_case(struct har_cases *cases, const struct har_scenario *scenario,
                     const char *mutant_name, struct har_mutant *mutant)
{
    if (cases->count < HAR_CASES_MAX) {
        cases->items[cases->count++] =
            (struct har_case){.scenario = scenario, .mutant_name = mutant_name, .mutant = mutant};
    }
}

/* Those of a scenario's wrong servers that are wanted. */
static size_t add_wrong(struct har_cases *cases, const struct har_scenario *scenario,
                        struct har_mutants *mutants, const char *glob)
{
    size_t before = cases->count;
    for (size_t i = 0; i < scenario->catches.count; i++) {
        const char *name = scenario->catches.items[i];
        if (!matches(glob, name)) {
            continue;
        }
        struct har_mutant *mutant = find_mutant(mutants, name);
        add_case(cases, scenario, name, mutant);
        if (mutant != NULL) {
            mutant->is_expected = true;
        }
    }
    return cases->count - before;
}

void har_cases_plan(struct har_cases *cases, const struct har_library *library,
                    struct har_mutants *mutants, const char *scenario_glob, const char *mutant_glob)
{
    *cases = (struct har_cases){.items = sl_calloc(HAR_CASES_MAX, sizeof(struct har_case))};
    for (size_t i = 0; i < library->count; i++) {
        const struct har_scenario *scenario = library->scenarios[i];
        bool is_long = scenario_glob == NULL && har_scenario_has_tag(scenario, "soak");
        if (is_long || !matches(scenario_glob, scenario->id)) {
            continue;
        }
        size_t clean = cases->count;
        add_case(cases, scenario, NULL, NULL);
        if (add_wrong(cases, scenario, mutants, mutant_glob) == 0 && mutant_glob != NULL) {
            cases->count = clean;
        }
    }
    for (size_t i = 0; i < mutants->count && scenario_glob == NULL; i++) {
        mutants->items[i].is_expected = matches(mutant_glob, mutants->items[i].name);
    }
}

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

/* True when a failure by this rule shows the wrong server for what it is. */
static bool is_telling(const struct har_case *item, const char *rule)
{
    const struct har_strings *rules = &item->scenario->rules;
    for (size_t i = 0; i < rules->count; i++) {
        if (strcmp(rules->items[i], rule) == 0) {
            return true;
        }
    }
    return item->mutant != NULL && strcmp(item->mutant->rule, rule) == 0;
}

/* The rule that counts: a telling one, or else the first. */
static void take_rule(struct har_case *item, const json_t *failures)
{
    size_t index = 0;
    const json_t *failure = NULL;
    json_array_foreach (failures, index, failure) {
        const char *rule = json_string_value(json_object_get(failure, "rule"));
        bool is_better =
            rule != NULL &&
            (item->rule[0] == '\0' || (!is_telling(item, item->rule) && is_telling(item, rule)));
        if (is_better) {
            (void)snprintf(item->rule, sizeof(item->rule), "%s", rule);
        }
    }
}

enum sl_status har_case_judge(struct har_case *item, struct sl_span report)
{
    json_t *root = json_loadb((const char *)report.data, report.len, 0, NULL);
    const json_t *results = json_object_get(root, "results");
    const json_t *result = json_array_get(results, 0);
    const char *verdict = json_string_value(json_object_get(result, "verdict"));
    const char *reason = json_string_value(json_object_get(result, "reason"));
    if (json_array_size(results) != 1 || verdict == NULL || reason == NULL) {
        json_decref(root);
        return SL_MALFORMED;
    }
    item->rule[0] = '\0';
    item->outcome = outcome_of(verdict);
    (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
    take_rule(item, json_object_get(result, "failures"));
    item->is_known = json_is_true(json_object_get(result, "known"));
    if (item->mutant_name == NULL) {
        item->is_good = item->outcome == HAR_PASS || item->outcome == HAR_SKIP || item->is_known;
    } else {
        item->is_good = item->outcome == HAR_FAIL && is_telling(item, item->rule);
    }
    if (item->is_good && item->mutant != NULL) {
        item->mutant->is_caught = true;
    }
    json_decref(root);
    return SL_OK;
}

/* ---- totals ---- */

static void count_case(const struct har_case *item, struct har_selftest_totals *totals)
{
    bool is_unclear = item->outcome == HAR_INCONCLUSIVE || !item->is_done;
    if (item->mutant_name == NULL) {
        totals->clean++;
        totals->clean_skipped += item->outcome == HAR_SKIP;
        totals->clean_inconclusive += is_unclear;
        totals->clean_failed += !item->is_good && !is_unclear;
        return;
    }
    totals->runs++;
    totals->inconclusive += is_unclear;
    totals->survived += !item->is_good && !is_unclear;
}

struct har_selftest_totals har_cases_count(const struct har_cases *cases,
                                           const struct har_mutants *mutants)
{
    struct har_selftest_totals totals = {0};
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
    if (totals->clean == 0 && totals->runs == 0) {
        return 4;
    }
    bool is_unclear = totals->inconclusive + totals->clean_inconclusive > 0;
    if (totals->survived > 0 || totals->clean_failed > 0 ||
        (totals->caught < totals->expected && !is_unclear)) {
        return 1;
    }
    return is_unclear || totals->caught < totals->expected ? 3 : 0;
}
