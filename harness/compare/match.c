/* SPDX-License-Identifier: Apache-2.0 */
/* Which result belongs to which, and what became of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/model.h"
#include "lib/base/alloc.h"

#define CHANCE_MAX 0.05 /* less is no chance */

const char *const har_compare_group_names[] = {"newly_failing", "newly_passing", "differs",
                                               "only_a",        "only_b",        "same"};

double har_compare_chance(size_t a_runs, size_t a_bad, size_t b_runs, size_t b_bad)
{
    double total = (double)(a_runs + b_runs);
    double bad = (double)(a_bad + b_bad);
    double sum = 0;
    for (size_t k = b_bad; k <= b_runs && k <= a_bad + b_bad; k++) {
        double rest = bad - (double)k; /* on a */
        if (rest <= (double)a_runs) {
            double x = (double)k;
            double b = (double)b_runs;
            double a = (double)a_runs;
            sum += exp(lgamma(b + 1) - lgamma(x + 1) - lgamma(b - x + 1) + lgamma(a + 1) -
                       lgamma(rest + 1) - lgamma(a - rest + 1) - lgamma(total + 1) +
                       lgamma(bad + 1) + lgamma(total - bad + 1));
        }
    }
    return sum < 1 ? sum : 1;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median_duration(const struct har_compare_result *results, size_t count)
{
    double *values = sl_calloc(count, sizeof(values[0]));
    for (size_t i = 0; i < count; i++) {
        values[i] = results[i].duration_ms;
    }
    qsort(values, count, sizeof(values[0]), by_value);
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    sl_free(values);
    return median;
}

static bool has_rule(const struct har_compare_tally *tally, const char *rule)
{
    for (size_t i = 0; i < tally->rule_count; i++) {
        if (strcmp(tally->rules[i], rule) == 0) {
            return true;
        }
    }
    return false;
}

static void add_rules(struct har_compare_tally *tally, const struct har_compare_result *result)
{
    for (size_t i = 0; i < json_array_size(result->failures); i++) {
        const char *rule =
            json_string_value(json_object_get(json_array_get(result->failures, i), "rule"));
        if (rule[0] == '\0' || has_rule(tally, rule)) {
            continue;
        }
        if (tally->rule_count < HAR_COMPARE_RULES_MAX) {
            tally->rules[tally->rule_count++] = rule;
        } else {
            tally->rules_left_out++;
        }
    }
}

static void count(struct har_compare_tally *tally, const struct har_compare_result *results,
                  size_t runs)
{
    static const enum har_outcome order[] = {HAR_FAIL, HAR_INCONCLUSIVE, HAR_PASS, HAR_SKIP};
    *tally = (struct har_compare_tally){.results = results, .runs = runs};
    for (size_t i = 0; i < runs; i++) {
        tally->outcomes[results[i].outcome]++;
        tally->known += results[i].outcome == HAR_FAIL && results[i].is_known;
        if (results[i].outcome == HAR_FAIL) {
            add_rules(tally, &results[i]);
        }
    }
    for (size_t i = sizeof(order) / sizeof(order[0]); i-- > 0;) {
        if (tally->outcomes[order[i]] > 0) {
            tally->outcome = order[i];
        }
    }
    /* Of failures one that is not known, if there is one. */
    bool wants_unknown = tally->outcomes[HAR_FAIL] > tally->known;
    for (size_t i = 0; i < runs && tally->told == NULL; i++) {
        bool is_wanted = !(results[i].is_known && wants_unknown && tally->outcome == HAR_FAIL);
        tally->told = results[i].outcome == tally->outcome && is_wanted ? &results[i] : NULL;
    }
    tally->duration_ms = runs == 0 ? 0 : median_duration(results, runs);
}

static bool level_counts(const struct har_compare *compare, const struct har_compare_tally *tally)
{
    const char *level = tally->told->level;
    bool is_finding = strcmp(level, "I") == 0 || strcmp(level, "S") == 0;
    return !is_finding || compare->options.is_strict;
}

bool har_compare_fails(const struct har_compare *compare, const struct har_compare_tally *tally)
{
    return tally->outcomes[HAR_FAIL] > tally->known && level_counts(compare, tally);
}

static bool has_same_rules(const struct har_compare_tally *a, const struct har_compare_tally *b)
{
    bool is_same = a->rule_count == b->rule_count && a->rules_left_out == b->rules_left_out;
    for (size_t i = 0; i < a->rule_count && is_same; i++) {
        is_same = has_rule(b, a->rules[i]);
    }
    return is_same;
}

/* Failing on both sides. */
static void judge_failures(struct har_compare_pair *pair)
{
    const struct har_compare_tally *a = &pair->sides[HAR_COMPARE_A];
    const struct har_compare_tally *b = &pair->sides[HAR_COMPARE_B];
    size_t a_bad = a->outcomes[HAR_FAIL];
    size_t b_bad = b->outcomes[HAR_FAIL];
    double more = har_compare_chance(a->runs, a_bad, b->runs, b_bad);
    double less = har_compare_chance(b->runs, b_bad, a->runs, a_bad);
    pair->group = HAR_COMPARE_DIFFERS;
    if (more < CHANCE_MAX || less < CHANCE_MAX) {
        pair->what = more < less ? "fails more often in B" : "fails less often in B";
        pair->chance = more < less ? more : less;
    } else if ((a->known == a_bad) != (b->known == b_bad)) {
        pair->what =
            a->known == a_bad ? "fails in both; known in A only" : "fails in both; known in B only";
    } else if (!has_same_rules(a, b)) {
        pair->what = "fails in both, by other rules";
    } else {
        pair->group = HAR_COMPARE_SAME;
        pair->what = "fails in both";
    }
}

static void judge_both(struct har_compare_pair *pair)
{
    static const char *const texts[HAR_SKIP + 1][HAR_SKIP + 1] = {
        {"passes in both", "passed, now fails", "passed, now inconclusive", "passed, now skipped"},
        {"failed, now passes", NULL, "failed, now inconclusive", "failed, now skipped"},
        {"was inconclusive, now passes", "was inconclusive, now fails", "inconclusive in both",
         "was inconclusive, now skipped"},
        {"was skipped, now passes", "was skipped, now fails", "was skipped, now inconclusive",
         "skipped in both"},
    };
    const struct har_compare_tally *a = &pair->sides[HAR_COMPARE_A];
    const struct har_compare_tally *b = &pair->sides[HAR_COMPARE_B];
    size_t a_bad = a->outcomes[HAR_FAIL];
    size_t b_bad = b->outcomes[HAR_FAIL];
    if (a->outcome == HAR_FAIL && b->outcome == HAR_FAIL) {
        judge_failures(pair);
        return;
    }
    pair->what = texts[a->outcome][b->outcome];
    pair->group = a->outcome == b->outcome ? HAR_COMPARE_SAME : HAR_COMPARE_DIFFERS;
    if (a->outcome == HAR_PASS && b->outcome == HAR_FAIL) {
        pair->group = HAR_COMPARE_NEWLY_FAILING;
    } else if (a->outcome == HAR_FAIL && b->outcome == HAR_PASS) {
        pair->group = HAR_COMPARE_NEWLY_PASSING;
    }
    if (a->runs + b->runs > 2 && a_bad + b_bad > 0) {
        pair->chance = b_bad > 0 ? har_compare_chance(a->runs, a_bad, b->runs, b_bad)
                                 : har_compare_chance(b->runs, b_bad, a->runs, a_bad);
    }
}

static void judge(const struct har_compare *compare, struct har_compare_pair *pair)
{
    const struct har_compare_tally *a = &pair->sides[HAR_COMPARE_A];
    const struct har_compare_tally *b = &pair->sides[HAR_COMPARE_B];
    pair->chance = -1;
    if (a->runs == 0 || b->runs == 0) {
        pair->group = a->runs == 0 ? HAR_COMPARE_ONLY_B : HAR_COMPARE_ONLY_A;
        pair->what = a->runs == 0 ? "not in A" : "not in B";
    } else {
        judge_both(pair);
    }
    bool fails_more = pair->group == HAR_COMPARE_DIFFERS && a->outcome == HAR_FAIL &&
                      pair->chance >= 0 &&
                      b->outcomes[HAR_FAIL] * a->runs > a->outcomes[HAR_FAIL] * b->runs;
    if (b->runs > 0 && har_compare_fails(compare, b)) {
        pair->is_worse = a->outcomes[HAR_FAIL] == 0 || fails_more;
    } else if (compare->options.is_strict && a->runs > 0 && a->outcome == HAR_PASS) {
        pair->is_worse = b->runs == 0 || b->outcome == HAR_INCONCLUSIVE || b->outcome == HAR_SKIP;
    }
}

/* How many results from at on have its id. */
static size_t run_of(const struct har_compare_run *run, size_t at)
{
    size_t end = at;
    while (end < run->count && strcmp(run->results[end].id, run->results[at].id) == 0) {
        end++;
    }
    return end - at;
}

static int by_group(const void *a, const void *b)
{
    const struct har_compare_pair *left = a;
    const struct har_compare_pair *right = b;
    if (left->group != right->group) {
        return left->group < right->group ? -1 : 1;
    }
    if (left->is_worse != right->is_worse) {
        return left->is_worse ? -1 : 1;
    }
    return strcmp(left->id, right->id);
}

void har_compare_match(struct har_compare *compare)
{
    const struct har_compare_run *a = compare->runs[HAR_COMPARE_A];
    const struct har_compare_run *b = compare->runs[HAR_COMPARE_B];
    compare->pairs = sl_calloc(a->count + b->count + 1, sizeof(compare->pairs[0]));
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        int order = i == a->count   ? 1
                    : j == b->count ? -1
                                    : strcmp(a->results[i].id, b->results[j].id);
        struct har_compare_pair *pair = &compare->pairs[compare->pair_count++];
        size_t a_runs = order <= 0 ? run_of(a, i) : 0;
        size_t b_runs = order >= 0 ? run_of(b, j) : 0;
        count(&pair->sides[HAR_COMPARE_A], a->results + i, a_runs);
        count(&pair->sides[HAR_COMPARE_B], b->results + j, b_runs);
        const struct har_compare_result *first = b_runs > 0 ? &b->results[j] : &a->results[i];
        pair->id = first->id;
        pair->title = first->title;
        pair->level = first->level;
        judge(compare, pair);
        compare->groups[pair->group]++;
        compare->worse += pair->is_worse;
        i += a_runs;
        j += b_runs;
    }
    qsort(compare->pairs, compare->pair_count, sizeof(compare->pairs[0]), by_group);
}
