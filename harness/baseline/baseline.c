/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/baseline.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/scenario/known.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"

/* In the order of enum har_outcome. */
static const char *const verdicts[] = {"pass", "fail", "inconclusive", "skip", NULL};

#define AT(member) offsetof(struct har_baseline_result, member)
static const struct har_field result_fields[] = {
    {"id", HAR_FIELD_STRING, AT(id), .is_required = true},
    {"verdict", HAR_FIELD_CHOICE, AT(verdict), .is_required = true, .choices = verdicts},
    {"rule", HAR_FIELD_STRING, AT(rule), .is_required = false},
    {"reason", HAR_FIELD_STRING, AT(reason), .is_required = false},
    {"seen", HAR_FIELD_JSON, AT(seen), .is_required = false},
    {"note", HAR_FIELD_STRING, AT(note), .is_required = false},
    {"confirmed", HAR_FIELD_STRING, AT(confirmed), .is_required = false},
};
#undef AT
#define AT(member)   offsetof(struct har_baseline, member)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static const struct har_field fields[] = {
    {"schema", HAR_FIELD_STRING, AT(schema), .is_required = true},
    {"stack", HAR_FIELD_STRING, AT(stack), .is_required = true},
    {"version", HAR_FIELD_STRING, AT(version), .is_required = true},
    {"date", HAR_FIELD_STRING, AT(date), .is_required = true},
    {"binding", HAR_FIELD_STRING, AT(binding), .is_required = true},
    {"profile", HAR_FIELD_STRING, AT(profile), .is_required = true},
    {"about", HAR_FIELD_STRING, AT(about), .is_required = false},
    {"results", HAR_FIELD_OBJECTS, AT(read), .is_required = true, .fields = result_fields,
     .field_count = COUNT(result_fields), .item_size = sizeof(struct har_baseline_result)},
};
#undef AT

bool har_baseline_is_name(const char *text)
{
    static const char known[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    size_t len = strlen(text);
    return len > 0 && len <= HAR_BASELINE_NAME_MAX && strspn(text, known) == len;
}

/* ---- what the tables cannot say ---- */

static void check_seen(struct har_reading *reading, json_t *seen, const char *path)
{
    const char *actor = NULL;
    json_t *text = NULL;
    char place[HAR_PATH_MAX];
    if (!json_is_object(seen)) {
        (void)snprintf(place, sizeof(place), "%s.seen", path);
        har_problem_add(reading, place, false, "this must be an object: actors and what they saw");
        return;
    }
    if (json_object_size(seen) > HAR_BASELINE_SEEN_MAX) {
        har_problem_add(reading, path, false, "more than %d actors in 'seen'",
                        HAR_BASELINE_SEEN_MAX);
    }
    json_object_foreach (seen, actor, text) {
        if (!json_is_string(text)) {
            (void)snprintf(place, sizeof(place), "%s.seen.%.100s", path, actor);
            har_problem_add(reading, place, false, "this must be a string");
        }
    }
}

static void check_head(struct har_reading *reading, const struct har_baseline *baseline)
{
    static const char names[] = "letters, digits and ._+-, at most 40 of them, are a name";
    if (baseline->schema != NULL && strcmp(baseline->schema, "sluice.baseline/1") != 0) {
        har_problem_add(reading, "$.schema", false, "'%.60s'; this program reads sluice.baseline/1",
                        baseline->schema);
    }
    if (baseline->stack != NULL && !har_baseline_is_name(baseline->stack)) {
        har_problem_add(reading, "$.stack", false, names);
    }
    if (baseline->version != NULL && !har_baseline_is_name(baseline->version)) {
        har_problem_add(reading, "$.version", false, names);
    }
    if (baseline->date != NULL && !har_is_date(baseline->date)) {
        har_problem_add(reading, "$.date", false, "this must be a date such as 2026-11-29");
    }
}

/* Told before the keys are, which would each be one that is not known. */
static bool is_report(json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    return schema != NULL && strcmp(schema, "sluice.report/1") == 0;
}

static int by_id(const void *a, const void *b)
{
    const struct har_baseline_result *left = a;
    const struct har_baseline_result *right = b;
    int order = strcmp(left->id, right->id);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Only after the tables found nothing wrong. */
static void check_results(struct har_reading *reading, struct har_baseline *baseline)
{
    char path[HAR_PATH_MAX];
    for (size_t i = 0; i < baseline->count; i++) {
        struct har_baseline_result *result = &baseline->results[i];
        result->index = i;
        (void)snprintf(path, sizeof(path), "$.results[%zu]", i);
        if (result->seen != NULL) {
            check_seen(reading, result->seen, path);
        }
        if (result->verdict == HAR_FAIL && result->rule == NULL && result->reason == NULL) {
            har_problem_add(reading, path, false, "a fail needs its 'rule', or a 'reason'");
        }
    }
    if (baseline->count > 0) {
        qsort(baseline->results, baseline->count, sizeof(baseline->results[0]), by_id);
    }
    for (size_t i = 1; i < baseline->count; i++) {
        const struct har_baseline_result *result = &baseline->results[i];
        if (strcmp(result[-1].id, result->id) == 0) {
            (void)snprintf(path, sizeof(path), "$.results[%zu].id", result->index);
            har_problem_add(reading, path, false, "'%.200s' has a result already", result->id);
        }
    }
}

static void read_all(struct har_reading *reading, struct har_baseline *baseline)
{
    if (!json_is_object(baseline->root)) {
        har_problem_add(reading, "$", false, "this must be an object");
        return;
    }
    if (is_report(baseline->root)) {
        har_problem_add(
            reading, "$.schema", false,
            "this is a report of a run, and no baseline: 'sluice-harness baseline "
            "write REPORT.json --stack NAME --release VERSION -o FILE' makes one of it");
        return;
    }
    har_fields_read(reading, baseline->root, "$", fields, COUNT(fields), baseline);
    check_head(reading, baseline);
    if (reading->problems->count == 0) {
        baseline->results = baseline->read.items;
        baseline->count = baseline->read.count;
        check_results(reading, baseline);
    }
}

enum sl_status har_baseline_parse(struct sl_span text, const char *path,
                                  struct har_baseline *ret_baseline, struct sl_error *reterr_error)
{
    struct sl_error error = {0};
    enum sl_status status = SL_OK;
    json_error_t json_error;
    *ret_baseline = (struct har_baseline){0};
    sl_error_at(&error, path, 0);
    struct har_problems *problems = sl_calloc(1, sizeof(*problems));
    struct har_reading reading = {text, &ret_baseline->arena, problems};
    ret_baseline->root =
        json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &json_error);
    if (ret_baseline->root == NULL) {
        error.line = json_error.line < 0 ? 0 : (size_t)json_error.line;
        status = sl_error_set(&error, SL_MALFORMED, "not valid JSON: %s", json_error.text);
    } else {
        read_all(&reading, ret_baseline);
    }
    if (problems->count > 0) {
        error.line = problems->items[0].line;
        status = sl_error_set(&error, SL_MALFORMED, "%s: %s", problems->items[0].path,
                              problems->items[0].text);
    }
    sl_free(problems);
    if (status != SL_OK) {
        har_baseline_release(ret_baseline);
        if (reterr_error != NULL) {
            *reterr_error = error;
        }
    }
    return status;
}

enum sl_status har_baseline_load(const char *path, struct har_baseline *ret_baseline,
                                 struct sl_error *reterr_error)
{
    size_t len = 0;
    struct sl_error error = {0};
    *ret_baseline = (struct har_baseline){0};
    sl_error_at(&error, path, 0);
    char *text = har_read_file(path, HAR_BASELINE_FILE_MAX, &len, &error);
    if (text == NULL) {
        if (reterr_error != NULL) {
            *reterr_error = error;
        }
        return error.status;
    }
    enum sl_status status =
        har_baseline_parse(sl_span(text, len), path, ret_baseline, reterr_error);
    sl_free(text);
    return status;
}

void har_baseline_release(struct har_baseline *baseline)
{
    json_decref(baseline->root);
    har_arena_release(&baseline->arena);
    *baseline = (struct har_baseline){0};
}

const struct har_baseline_result *har_baseline_find(const struct har_baseline *baseline,
                                                    const char *id)
{
    size_t low = 0;
    size_t high = baseline->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(baseline->results[middle].id, id);
        if (order == 0) {
            return &baseline->results[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
