/* SPDX-License-Identifier: Apache-2.0 */
/* A run against a baseline. */
#include "harness/baseline/joined.h"
#include "harness/baseline/make.h"
#include "harness/report/shown.h"

static const char *text_or(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

/* "fail (CALL-13)". */
static void add_verdict(struct sl_buf *out, int verdict, const char *rule)
{
    (void)sl_buf_add_str(out, har_outcome_name((enum har_outcome)verdict));
    if (rule != NULL) {
        (void)sl_buf_add_str(out, " (");
        har_shown_add(out, sl_span_str(rule));
        (void)sl_buf_add_str(out, ")");
    }
}

static void add_id(struct sl_buf *out, const char *what, const char *id)
{
    (void)sl_buf_addf(out, "%-8s", what);
    har_shown_add(out, sl_span_str(id));
    (void)sl_buf_add_str(out, ": ");
}

static void add_change(const struct har_baseline_result *before, const struct har_joined *now,
                       struct sl_buf *out)
{
    bool is_worse = now->outcome == HAR_FAIL && before->verdict != HAR_FAIL;
    bool is_better = now->outcome == HAR_PASS && before->verdict == HAR_FAIL;
    add_id(out, is_worse ? "worse" : is_better ? "better" : "other", now->id);
    add_verdict(out, before->verdict, before->rule);
    (void)sl_buf_add_str(out, " before, now ");
    add_verdict(out, (int)now->outcome, now->rule);
    if (now->outcome != HAR_PASS) {
        (void)sl_buf_add_str(out, ": ");
        har_shown_add(out, sl_span_str(now->reason));
    }
    (void)sl_buf_add_str(out, "\n");
}

/* True when an actor saw something else, or another actor saw something. */
static bool add_seen(const struct har_baseline_result *before, const struct har_joined *now,
                     struct sl_buf *out)
{
    const char *actor = NULL;
    json_t *what = NULL;
    bool has_changed = false;
    json_object_foreach (now->seen, actor, what) {
        const char *text = json_string_value(what);
        const char *old = text_or(json_string_value(json_object_get(before->seen, actor)), "-");
        if (strcmp(text, old) != 0) {
            add_id(out, "seen", now->id);
            har_shown_add(out, sl_span_str(actor));
            (void)sl_buf_add_str(out, ": ");
            har_shown_add(out, sl_span_str(old));
            (void)sl_buf_add_str(out, " before, now ");
            har_shown_add(out, sl_span_str(text));
            (void)sl_buf_add_str(out, "\n");
            has_changed = true;
        }
    }
    return has_changed;
}

static void compare(const struct har_baseline_result *before, const struct har_joined *now,
                    struct har_baseline_diff *diff, struct sl_buf *out)
{
    if (before == NULL) {
        diff->added++;
        add_id(out, "new", now->id);
        add_verdict(out, (int)now->outcome, now->rule);
        (void)sl_buf_add_str(out, "\n");
    } else if (now->outcome == HAR_INCONCLUSIVE || before->verdict == HAR_INCONCLUSIVE) {
        diff->unclear++;
        add_id(out, "unclear", now->id);
        har_shown_add(out, sl_span_str(now->reason));
        (void)sl_buf_add_str(out, "\n");
    } else if (before->verdict != (int)now->outcome ||
               (now->outcome == HAR_FAIL &&
                strcmp(text_or(before->rule, ""), text_or(now->rule, "")) != 0)) {
        diff->changed++;
        add_change(before, now, out);
    } else {
        diff->same++;
        diff->seen += add_seen(before, now, out);
    }
}

struct har_baseline_diff har_baseline_compare(const struct har_baseline *baseline,
                                              const struct har_compare_run *run, struct sl_buf *out)
{
    struct har_baseline_diff diff = {0};
    size_t next = 0; /* both are sorted by id */
    for (size_t i = 0; i < run->count;) {
        struct har_joined now = har_join(run, &i);
        for (; next < baseline->count && strcmp(baseline->results[next].id, now.id) < 0; next++) {
            diff.gone++;
            add_id(out, "gone", baseline->results[next].id);
            (void)sl_buf_add_str(out, "was not played\n");
        }
        bool is_in = next < baseline->count && strcmp(baseline->results[next].id, now.id) == 0;
        compare(is_in ? &baseline->results[next] : NULL, &now, &diff, out);
        next += is_in;
        json_decref(now.seen);
    }
    for (; next < baseline->count; next++) {
        diff.gone++;
        add_id(out, "gone", baseline->results[next].id);
        (void)sl_buf_add_str(out, "was not played\n");
    }
    return diff;
}
