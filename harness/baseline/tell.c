/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/tell.h"

#include <stdio.h>

enum {
    OUTCOMES_SHOWN = 6,
    ACTORS_SHOWN = 4, /* of one outcome */
    IDS_SHOWN = 8,
};

/* ---- what came ---- */

/* The actors that saw what; behind it where there are several outcomes. */
static void add_actors(json_t *seen, const char *what, struct sl_buf *out)
{
    const char *actor = NULL;
    json_t *text = NULL;
    size_t count = 0;
    json_object_foreach (seen, actor, text) {
        if (strcmp(json_string_value(text), what) != 0) {
            continue;
        }
        if (count < ACTORS_SHOWN) {
            (void)sl_buf_addf(out, "%s%s", count == 0 ? " (" : ", ", actor);
        }
        count++;
    }
    if (count > ACTORS_SHOWN) {
        (void)sl_buf_addf(out, " and %zu more", count - ACTORS_SHOWN);
    }
    (void)sl_buf_add_str(out, ")");
}

/* True when an actor before this one saw the same. */
static bool was_seen(json_t *seen, const char *before, const char *what)
{
    const char *actor = NULL;
    json_t *text = NULL;
    json_object_foreach (seen, actor, text) {
        if (strcmp(actor, before) == 0) {
            return false;
        }
        if (strcmp(json_string_value(text), what) == 0) {
            return true;
        }
    }
    return false;
}

void har_baseline_seen(const struct har_baseline_result *result, const char *actor,
                       struct sl_buf *out)
{
    json_t *seen = result->seen;
    json_t *own = actor == NULL ? NULL : json_object_get(seen, actor);
    const char *name = NULL;
    json_t *text = NULL;
    size_t outcomes = 0;
    if (own != NULL) {
        (void)sl_buf_add_str(out, json_string_value(own));
        return;
    }
    json_object_foreach (seen, name, text) {
        outcomes += !was_seen(seen, name, json_string_value(text));
    }
    size_t shown = 0;
    json_object_foreach (seen, name, text) {
        const char *what = json_string_value(text);
        if (was_seen(seen, name, what)) {
            continue;
        }
        if (shown == OUTCOMES_SHOWN) {
            (void)sl_buf_add_str(out, ", ...");
            return;
        }
        (void)sl_buf_addf(out, "%s%s", shown++ == 0 ? "" : ", ", what);
        if (outcomes > 1) {
            add_actors(seen, what, out);
        }
    }
}

/* ---- stacks that did the same ---- */

static const char *text_or(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static bool is_same(const struct har_baseline_result *a, const struct har_baseline_result *b,
                    const char *actor)
{
    struct sl_buf left;
    struct sl_buf right;
    sl_buf_init(&left, HAR_BASELINE_LINE_MAX);
    sl_buf_init(&right, HAR_BASELINE_LINE_MAX);
    har_baseline_seen(a, actor, &left);
    har_baseline_seen(b, actor, &right);
    bool is = a->verdict == b->verdict && strcmp(sl_buf_str(&left), sl_buf_str(&right)) == 0 &&
              strcmp(text_or(a->rule, ""), text_or(b->rule, "")) == 0;
    sl_buf_release(&left);
    sl_buf_release(&right);
    return is;
}

/* Appends a name to a list of them, the last of count behind "and". */
static void add_name(struct sl_buf *out, const struct har_baseline *baseline, size_t number,
                     size_t count)
{
    const char *between = number == 0 ? "" : number + 1 == count ? " and " : ", ";
    (void)sl_buf_addf(out, "%s%s %s", between, baseline->stack, baseline->version);
}

/* The results of one scenario, by stack; NULL where it was not judged. */
struct row {
    const struct har_baselines *set;
    const struct har_baseline_result *of[HAR_BASELINES_MAX];
    bool is_told[HAR_BASELINES_MAX];
};

static void read_row(struct row *row, const struct har_baselines *set, const char *id)
{
    *row = (struct row){.set = set};
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct har_baseline_result *result = har_baseline_find(&set->items[i], id);
        bool is_judged =
            result != NULL && (result->verdict == HAR_PASS || result->verdict == HAR_FAIL);
        row->of[i] = is_judged ? result : NULL;
        row->is_told[i] = !is_judged;
    }
}

/* The names of the stacks that did what stack number first did, which are then told. How many they are. */
static size_t take_group(struct row *row, size_t first, const char *actor, struct sl_buf *out)
{
    size_t members[HAR_BASELINES_MAX];
    size_t count = 0;
    for (size_t i = first; i < row->set->count; i++) {
        if (!row->is_told[i] && is_same(row->of[first], row->of[i], actor)) {
            row->is_told[i] = true;
            members[count++] = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        add_name(out, &row->set->items[members[i]], i, count);
    }
    return count;
}

void har_baselines_line(const struct har_baselines *set, const char *id, const char *actor,
                        struct sl_buf *out)
{
    struct row row;
    read_row(&row, set, id);
    for (int verdict = HAR_PASS; verdict <= HAR_FAIL; verdict++) {
        for (size_t i = 0; set != NULL && i < set->count; i++) {
            const struct har_baseline_result *result = row.of[i];
            if (row.is_told[i] || result->verdict != verdict) {
                continue;
            }
            struct sl_buf seen;
            sl_buf_init(&seen, HAR_BASELINE_LINE_MAX);
            har_baseline_seen(result, actor, &seen);
            (void)sl_buf_add_str(out, out->len == 0 ? "" : "; ");
            bool is_one = take_group(&row, i, actor, out) == 1;
            const char *verb = verdict == HAR_PASS ? (is_one ? "passes" : "pass")
                                                   : (is_one ? "fails it too" : "fail it too");
            const char *rule = verdict == HAR_FAIL ? text_or(result->rule, "") : "";
            (void)sl_buf_addf(out, " %s", verb);
            if (rule[0] != '\0' || seen.len > 0) {
                (void)sl_buf_addf(out, " (%s%s%s)", rule,
                                  rule[0] != '\0' && seen.len > 0 ? ": " : "", sl_buf_str(&seen));
            }
            sl_buf_release(&seen);
        }
    }
}

void har_baselines_scenario(const struct har_baselines *set, const char *id,
                            har_baselines_told_fn *told, void *owner)
{
    struct row row;
    struct sl_buf line;
    sl_buf_init(&line, HAR_BASELINE_LINE_MAX);
    read_row(&row, set, id);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct har_baseline_result *result = row.of[i];
        if (row.is_told[i]) {
            continue;
        }
        sl_buf_clear(&line);
        bool is_one = take_group(&row, i, NULL, &line) == 1;
        if (result->verdict == HAR_PASS) {
            (void)sl_buf_addf(&line, is_one ? " passes" : " pass");
        } else {
            (void)sl_buf_addf(&line, "%s %s", is_one ? " fails it" : " fail it",
                              result->rule == NULL ? "" : "by ");
            (void)sl_buf_add_str(&line, text_or(result->rule, ""));
        }
        if (json_object_size(result->seen) > 0) {
            (void)sl_buf_add_str(&line, ": ");
            har_baseline_seen(result, NULL, &line);
        }
        struct sl_buf detail;
        sl_buf_init(&detail, HAR_BASELINE_LINE_MAX);
        if (result->verdict == HAR_FAIL && result->reason != NULL) {
            (void)sl_buf_add_str(&detail, result->reason);
        }
        if (result->note != NULL) {
            (void)sl_buf_addf(&detail, "%s%s", detail.len == 0 ? "" : "; ", result->note);
        }
        if (result->confirmed != NULL) {
            (void)sl_buf_addf(&detail, "%sconfirmed on the wire: %s", detail.len == 0 ? "" : "; ",
                              result->confirmed);
        }
        told(owner, sl_buf_str(&line), sl_buf_str(&detail));
        sl_buf_release(&detail);
    }
    sl_buf_release(&line);
}

/* ---- a whole run ---- */

bool har_baseline_has(const struct har_baseline *baseline,
                      const struct har_baseline_failure *failure)
{
    const struct har_baseline_result *theirs = har_baseline_find(baseline, failure->id);
    return theirs != NULL && theirs->verdict == HAR_FAIL &&
           strcmp(text_or(theirs->rule, ""), failure->rule) == 0;
}

const struct har_baseline *har_baselines_nearest(const struct har_baselines *set,
                                                 const struct har_baseline_failure *failures,
                                                 size_t count, size_t *ret_shared)
{
    const struct har_baseline *nearest = NULL;
    *ret_shared = 0;
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        size_t shared = 0;
        for (size_t j = 0; j < count; j++) {
            shared += har_baseline_has(&set->items[i], &failures[j]);
        }
        if (shared > *ret_shared) {
            *ret_shared = shared;
            nearest = &set->items[i];
        }
    }
    return nearest;
}

/* ---- rules ---- */

static bool is_check(const char *id, const char *const *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(checks[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* How one stack did by a rule. */
struct tally {
    size_t passed, failed;
    struct sl_buf ids; /* of those that failed by it */
};

static void count_up(struct tally *tally, const struct har_baseline *baseline, const char *rule,
                     const char *const *checks, size_t count)
{
    sl_buf_init(&tally->ids, HAR_BASELINE_LINE_MAX);
    for (size_t i = 0; i < baseline->count; i++) {
        const struct har_baseline_result *result = &baseline->results[i];
        if (result->verdict == HAR_FAIL && strcmp(text_or(result->rule, ""), rule) == 0) {
            if (tally->failed < IDS_SHOWN) {
                (void)sl_buf_addf(&tally->ids, "%s%s", tally->failed == 0 ? "" : ", ", result->id);
            }
            tally->failed++;
        } else if (result->verdict == HAR_PASS && is_check(result->id, checks, count)) {
            tally->passed++;
        }
    }
    if (tally->failed > IDS_SHOWN) {
        (void)sl_buf_addf(&tally->ids, " and %zu more", tally->failed - IDS_SHOWN);
    }
}

void har_baselines_rule(const struct har_baselines *set, const char *rule,
                        const char *const *checks, size_t count, har_baselines_told_fn *told,
                        void *owner)
{
    struct sl_buf line;
    struct sl_buf keep;
    size_t members[HAR_BASELINES_MAX];
    size_t keeping = 0;
    sl_buf_init(&line, HAR_BASELINE_LINE_MAX);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct har_baseline *baseline = &set->items[i];
        struct tally tally = {0};
        count_up(&tally, baseline, rule, checks, count);
        if (tally.failed == 0 && tally.passed > 0) {
            members[keeping++] = i;
        } else if (tally.failed > 0) {
            sl_buf_clear(&line);
            (void)sl_buf_addf(&line, "%s %s breaks it in %s", baseline->stack, baseline->version,
                              sl_buf_str(&tally.ids));
            if (tally.passed > 0) {
                (void)sl_buf_addf(&line, "; %zu of its scenarios pass", tally.passed);
            }
            told(owner, sl_buf_str(&line), "");
        }
        sl_buf_release(&tally.ids);
    }
    sl_buf_init(&keep, HAR_BASELINE_LINE_MAX);
    for (size_t i = 0; i < keeping; i++) {
        add_name(&keep, &set->items[members[i]], i, keeping);
    }
    if (keeping > 0) {
        (void)sl_buf_addf(&keep, keeping == 1 ? " keeps it" : " keep it");
        told(owner, sl_buf_str(&keep), "");
    }
    sl_buf_release(&keep);
    sl_buf_release(&line);
}
