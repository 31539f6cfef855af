/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/make.h"

#include <ctype.h>
#include <stdio.h>

#include "harness/baseline/joined.h"
#include "lib/base/json_out.h"

enum {
    REASON_MAX = 200, /* bytes that are kept */
};

/* Equal but for numbers: how many milliseconds a hang took is different each time. */
static bool is_like(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        bool is_number = isdigit((unsigned char)*a) && isdigit((unsigned char)*b);
        if (!is_number && *a != *b) {
            return false;
        }
        do {
            a++;
        } while (is_number && isdigit((unsigned char)*a));
        do {
            b++;
        } while (is_number && isdigit((unsigned char)*b));
    }
    return *a == *b;
}

/* The first so many bytes, no character of UTF-8 cut in two. */
static struct sl_span shortened(const char *text)
{
    size_t len = strlen(text);
    if (len > REASON_MAX) {
        len = REASON_MAX;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    return sl_span(text, len);
}

static bool is_as_before(const struct har_joined *now, const struct har_baseline_result *before)
{
    bool has_rule = now->rule != NULL;
    return before != NULL && before->verdict == (int)now->outcome &&
           has_rule == (before->rule != NULL) &&
           (!has_rule || strcmp(now->rule, before->rule) == 0);
}

static void add_result(const struct har_joined *now, const struct har_baseline_result *before,
                       struct sl_buf *out)
{
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "id", now->id);
    sl_json_out_key_str(&json, "verdict", har_outcome_name(now->outcome));
    if (now->rule != NULL) {
        sl_json_out_key_str(&json, "rule", now->rule);
    }
    bool is_same = is_as_before(now, before);
    if (now->outcome != HAR_PASS && now->reason[0] != '\0') {
        struct sl_span reason = shortened(now->reason);
        char text[REASON_MAX + 1];
        (void)snprintf(text, sizeof(text), "%.*s", (int)reason.len, (const char *)reason.data);
        bool is_kept = is_same && before->reason != NULL && is_like(before->reason, text);
        sl_json_out_key_str(&json, "reason", is_kept ? before->reason : text);
    }
    if (json_object_size(now->seen) > 0) {
        const char *actor = NULL;
        json_t *what = NULL;
        sl_json_out_key(&json, "seen");
        sl_json_out_begin_object(&json);
        json_object_foreach (now->seen, actor, what) {
            sl_json_out_key_span(&json, sl_span_str(actor));
            sl_json_out_str(&json, json_string_value(what));
        }
        sl_json_out_end_object(&json);
    }
    if (is_same && before->note != NULL) {
        sl_json_out_key_str(&json, "note", before->note);
    }
    if (is_same && before->confirmed != NULL) {
        sl_json_out_key_str(&json, "confirmed", before->confirmed);
    }
    sl_json_out_end_object(&json);
}

/* "key": "value", on a line of its own. */
static void add_line(struct sl_buf *out, const char *key, const char *value)
{
    struct sl_json_out json;
    if (value == NULL) {
        return;
    }
    (void)sl_buf_addf(out, "  \"%s\": ", key);
    sl_json_out_init(&json, out);
    sl_json_out_str(&json, value);
    (void)sl_buf_add_str(out, ",\n");
}

static size_t count_ids(const struct har_compare_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++) {
        count += i == 0 || strcmp(run->results[i - 1].id, run->results[i].id) != 0;
    }
    return count;
}

enum sl_status har_baseline_make(const struct har_baseline_head *head,
                                 const struct har_compare_run *run,
                                 const struct har_baseline *before, struct sl_buf *out,
                                 struct sl_error *reterr_error)
{
    const char *binding = json_string_value(json_object_get(run->root, "binding"));
    if (run->count == 0) {
        return sl_error_set(reterr_error, SL_MALFORMED, "%.200s: %.200s", run->file,
                            run->error != NULL ? run->error : "the report has no results");
    }
    if (count_ids(run) > HAR_BASELINE_RESULTS_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "%.200s: more than %d scenarios", run->file,
                            HAR_BASELINE_RESULTS_MAX);
    }
    (void)sl_buf_add_str(out, "{\n");
    add_line(out, "schema", "sluice.baseline/1");
    add_line(out, "stack", head->stack);
    add_line(out, "version", head->version);
    add_line(out, "date", head->date);
    add_line(out, "binding", binding == NULL ? "chat" : binding);
    add_line(out, "profile", run->profile);
    add_line(out, "about", head->about);
    (void)sl_buf_add_str(out, "  \"results\": [\n");
    for (size_t i = 0; i < run->count;) {
        struct har_joined now = har_join(run, &i);
        (void)sl_buf_add_str(out, "    ");
        add_result(&now, before == NULL ? NULL : har_baseline_find(before, now.id), out);
        (void)sl_buf_add_str(out, i < run->count ? ",\n" : "\n");
        json_decref(now.seen);
    }
    (void)sl_buf_add_str(out, "  ]\n}\n");
    return SL_OK;
}
