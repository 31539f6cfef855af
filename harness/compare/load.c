/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/compare/load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/shape.h"
#include "harness/report/shown.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"

enum {
    CONTAINER_WEIGHT = 6,
    NAME_SHOWN = 100,
    UTF8_BYTES_MAX = 4,
};

static const struct har_shape hiccup_shape[] = {
    {"p99", HAR_SHAPE_NUMBER, true, NULL},
    {"max", HAR_SHAPE_NUMBER, true, NULL},
    {0},
};
static const struct har_shape failure_shape[] = {
    {"rule", HAR_SHAPE_STRING, true, NULL},
    {"text", HAR_SHAPE_STRING, true, NULL},
    {0},
};
static const struct har_shape latency_shape[] = {
    {"count", HAR_SHAPE_COUNT, true, NULL},
    {"p50", HAR_SHAPE_NUMBER, true, NULL},
    {"p90", HAR_SHAPE_NUMBER, false, NULL},
    {"p99", HAR_SHAPE_NUMBER, true, NULL},
    {"p999", HAR_SHAPE_NUMBER, false, NULL},
    {"max", HAR_SHAPE_NUMBER, false, NULL},
    {0},
};
static const struct har_shape mark_shape[] = {
    {"name", HAR_SHAPE_STRING, true, NULL},
    {"rss_bytes", HAR_SHAPE_NUMBER, false, NULL},
    {0},
};
static const struct har_shape totals_shape[] = {
    {"sent", HAR_SHAPE_COUNT, true, NULL},
    {"received", HAR_SHAPE_COUNT, true, NULL},
    {"lost", HAR_SHAPE_COUNT, true, NULL},
    {0},
};
static const struct har_shape actor_shape[] = {
    {"name", HAR_SHAPE_STRING, true, NULL},
    {"kind", HAR_SHAPE_STRING, true, NULL},
    {"sent", HAR_SHAPE_NUMBERS, false, NULL},
    {"received", HAR_SHAPE_NUMBERS, false, NULL},
    {"lost", HAR_SHAPE_NUMBERS, false, NULL},
    {"totals", HAR_SHAPE_OBJECT, false, totals_shape},
    {0},
};
static const struct har_shape affected_shape[] = {
    {"scope", HAR_SHAPE_STRING, true, NULL},
    {"actors", HAR_SHAPE_STRINGS, false, NULL},
    {"count", HAR_SHAPE_COUNT, false, NULL},
    {0},
};
static const struct har_shape fault_shape[] = {
    {"what", HAR_SHAPE_STRING, true, NULL},
    {"actor", HAR_SHAPE_STRING, false, NULL},
    {"affected", HAR_SHAPE_OBJECTS, false, affected_shape},
    {0},
};
static const struct har_shape story_shape[] = {
    {"marks", HAR_SHAPE_OBJECTS, false, mark_shape},
    {"actors", HAR_SHAPE_OBJECTS, false, actor_shape},
    {"actors_left_out", HAR_SHAPE_COUNT, false, NULL},
    {"faults", HAR_SHAPE_OBJECTS, false, fault_shape},
    {0},
};
static const struct har_shape seen_shape[] = {
    {"actor", HAR_SHAPE_STRING, true, NULL},
    {"outcome", HAR_SHAPE_STRING, true, NULL},
    {"count", HAR_SHAPE_COUNT, false, NULL},
    {0},
};
static const struct har_shape result_shape[] = {
    {"id", HAR_SHAPE_STRING, true, NULL},
    {"title", HAR_SHAPE_STRING, false, NULL},
    {"rules", HAR_SHAPE_STRINGS, false, NULL},
    {"verdict", HAR_SHAPE_STRING, true, NULL},
    {"level", HAR_SHAPE_STRING, false, NULL},
    {"reason", HAR_SHAPE_STRING, false, NULL},
    {"duration_ms", HAR_SHAPE_NUMBER, false, NULL},
    {"latency_ms", HAR_SHAPE_MAPS, false, latency_shape},
    {"known", HAR_SHAPE_BOOL, false, NULL},
    {"mistake", HAR_SHAPE_BOOL, false, NULL},
    {"why", HAR_SHAPE_STRING, false, NULL},
    {"failures", HAR_SHAPE_OBJECTS, false, failure_shape},
    {"seen", HAR_SHAPE_OBJECTS, false, seen_shape},
    {"evidence", HAR_SHAPE_STRING, false, NULL},
    {"rerun", HAR_SHAPE_STRING, false, NULL},
    {"story", HAR_SHAPE_OBJECT, false, story_shape},
    {0},
};
static const struct har_shape finding_shape[] = {
    {"rule", HAR_SHAPE_STRING, true, NULL},
    {"level", HAR_SHAPE_STRING, true, NULL},
    {"side", HAR_SHAPE_STRING, false, NULL},
    {"count", HAR_SHAPE_COUNT, true, NULL},
    {"scenario", HAR_SHAPE_STRING, true, NULL},
    {"text", HAR_SHAPE_STRING, false, NULL},
    {0},
};
static const struct har_shape report_shape[] = {
    {"target", HAR_SHAPE_STRING, true, NULL},
    {"profile", HAR_SHAPE_STRING, false, NULL},
    {"binding", HAR_SHAPE_STRING, false, NULL},
    {"seed", HAR_SHAPE_ANY, false,
     NULL}, /* of 64 bits: one of those above 2^63 reads as a number */
    {"duration_ms", HAR_SHAPE_NUMBER, true, NULL},
    {"hiccup_ms", HAR_SHAPE_OBJECT, false, hiccup_shape},
    {"calibration", HAR_SHAPE_OBJECT, false, (const struct har_shape[]){{0}}},
    {"error", HAR_SHAPE_STRING, false, NULL},
    {"not_looked_at", HAR_SHAPE_STRING, false, NULL},
    {"results", HAR_SHAPE_OBJECTS, true, result_shape},
    {"findings", HAR_SHAPE_OBJECTS, false, finding_shape},
    {0},
};

/* "FILE: text". */
static enum sl_status refuse(struct sl_error *error, enum sl_status status, const char *file,
                             const char *text)
{
    return sl_error_set(error, status, "%.200s: %.290s", file, text);
}

/* How much of a tree the text would make. Cheap, and before the tree is built. */
static size_t weight_of(const char *text, size_t len)
{
    size_t weight = 0;
    bool is_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (is_string && c == '\\') {
            i++;
        } else if (c == '"') {
            is_string = !is_string;
        } else if (!is_string) {
            weight += c == '{' || c == '[' ? CONTAINER_WEIGHT : c == ',' || c == ':';
        }
    }
    return weight;
}

static enum sl_status check_schema(json_t *root, const char *file, struct sl_error *error)
{
    static const char family[] = "sluice.report/";
    char text[NAME_SHOWN + 120];
    json_t *schema = json_object_get(root, "schema");
    const char *name = json_string_value(schema);
    if (name == NULL) {
        return refuse(error, SL_MALFORMED, file,
                      "$.schema: this is no report of a run (run --report json=FILE writes one)");
    }
    if (strcmp(name, "sluice.report/1") == 0) {
        return SL_OK;
    }
    bool is_report = strncmp(name, family, sizeof(family) - 1) == 0;
    (void)snprintf(text, sizeof(text),
                   is_report ? "$.schema: '%.*s': a version that this program does not know; it "
                               "reads sluice.report/1"
                             : "$.schema: '%.*s' is no report of a run; wanted sluice.report/1",
                   NAME_SHOWN, name);
    return refuse(error, is_report ? SL_UNSUPPORTED : SL_MALFORMED, file, text);
}

static const char *string_of(json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? otherwise : text;
}

static double number_of(json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static enum sl_status read_result(json_t *json, size_t index, struct har_compare_result *result,
                                  struct sl_error *error)
{
    const char *verdict = string_of(json, "verdict", "");
    enum har_outcome outcome = HAR_PASS;
    while (outcome <= HAR_SKIP && strcmp(har_outcome_name(outcome), verdict) != 0) {
        outcome++;
    }
    if (outcome > HAR_SKIP) {
        return sl_error_set(error, SL_MALFORMED,
                            "$.results[%zu].verdict: '%.*s' is no verdict; wanted pass, fail, "
                            "inconclusive or skip",
                            index, NAME_SHOWN, verdict);
    }
    *result = (struct har_compare_result){
        .id = string_of(json, "id", ""),
        .title = string_of(json, "title", ""),
        .level = string_of(json, "level", "core"),
        .reason = string_of(json, "reason", ""),
        .why = string_of(json, "why", NULL),
        .rerun = string_of(json, "rerun", NULL),
        .evidence = string_of(json, "evidence", NULL),
        .outcome = outcome,
        .is_known = json_is_true(json_object_get(json, "known")),
        .is_mistake = json_is_true(json_object_get(json, "mistake")),
        .duration_ms = number_of(json, "duration_ms"),
        .index = index,
        .rules = json_object_get(json, "rules"),
        .failures = json_object_get(json, "failures"),
        .latency = json_object_get(json, "latency_ms"),
        .story = json_object_get(json, "story"),
    };
    return SL_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct har_compare_result *left = a;
    const struct har_compare_result *right = b;
    int order = strcmp(left->id, right->id);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static uint64_t seed_of(json_t *root)
{
    json_t *seed = json_object_get(root, "seed");
    double real = json_real_value(seed); /* 0 unless it is a real */
    if (json_is_integer(seed)) {
        return (uint64_t)json_integer_value(seed);
    }
    return real > 0 && real < 18446744073709551616.0 ? (uint64_t)real : 0;
}

/* results are sorted. */
static bool has_too_many_of_one(const struct har_compare_run *run)
{
    for (size_t i = HAR_COMPARE_REPEATS_MAX; i < run->count; i++) {
        if (strcmp(run->results[i].id, run->results[i - HAR_COMPARE_REPEATS_MAX].id) == 0) {
            return true;
        }
    }
    return false;
}

static enum sl_status read_run(struct har_compare_run *run, struct sl_error *error)
{
    json_t *root = run->root;
    json_t *results = json_object_get(root, "results");
    json_t *hiccup = json_object_get(root, "hiccup_ms");
    run->target = string_of(root, "target", "");
    run->profile = string_of(root, "profile", "");
    run->binding = string_of(root, "binding", "chat");
    run->error = string_of(root, "error", NULL);
    run->seed = seed_of(root);
    run->duration_ms = number_of(root, "duration_ms");
    run->hiccup_p99_ms = number_of(hiccup, "p99");
    run->hiccup_max_ms = number_of(hiccup, "max");
    run->findings = json_object_get(root, "findings");
    run->calibration = json_object_get(root, "calibration");
    run->count = json_array_size(results);
    if (run->count > HAR_COMPARE_RESULTS_MAX) {
        return sl_error_set(error, SL_LIMIT, "$.results: more than %d results",
                            HAR_COMPARE_RESULTS_MAX);
    }
    run->results = sl_calloc(run->count + 1, sizeof(run->results[0]));
    for (size_t i = 0; i < run->count; i++) {
        enum sl_status status = read_result(json_array_get(results, i), i, &run->results[i], error);
        if (status != SL_OK) {
            return status;
        }
    }
    qsort(run->results, run->count, sizeof(run->results[0]), by_id);
    return has_too_many_of_one(run)
               ? sl_error_set(error, SL_LIMIT, "$.results: more than %d results of one scenario",
                              HAR_COMPARE_REPEATS_MAX)
               : SL_OK;
}

/* Whether an object or an array ends before it is whole. A file may be cut anywhere: within a number, a word or an escape
 * too, where the parser speaks of a wrong token, and stands at the end; or within a character, where it stands before it. */
static bool is_cut_off(const char *text, size_t len, const json_error_t *problem)
{
    size_t start = 0;
    while (start < len && isspace((unsigned char)text[start])) {
        start++;
    }
    size_t seen = problem->position < 0 ? 0 : (size_t)problem->position;
    if (json_error_code(problem) == json_error_invalid_utf8) {
        seen += UTF8_BYTES_MAX - 1;
    }
    return start < len && (text[start] == '{' || text[start] == '[') && seen >= len;
}

static enum sl_status refuse_json(struct sl_error *error, const char *file, bool is_cut,
                                  const json_error_t *problem)
{
    char text[JSON_ERROR_TEXT_LENGTH + 100];
    (void)snprintf(text, sizeof(text), "line %d, column %d: %s%s", problem->line, problem->column,
                   is_cut ? "it ends in the middle: was the file cut off? " : "", problem->text);
    return refuse(error, SL_MALFORMED, file, text);
}

enum sl_status har_compare_parse(const char *text, size_t len, const char *file, const char *label,
                                 struct har_compare_run *ret_run, struct sl_error *reterr_error)
{
    struct har_compare_run run = {.file = file, .label = label};
    struct sl_error inner = {0};
    json_error_t problem;
    if (len == 0) {
        return refuse(reterr_error, SL_MALFORMED, file, "it is empty");
    }
    if (weight_of(text, len) > HAR_COMPARE_WEIGHT_MAX) {
        return refuse(reterr_error, SL_LIMIT, file, "more than 16 Mi values");
    }
    run.root = json_loadb(text, len, JSON_DECODE_ANY, &problem);
    if (run.root == NULL) {
        return refuse_json(reterr_error, file, is_cut_off(text, len, &problem), &problem);
    }
    enum sl_status status = check_schema(run.root, file, reterr_error);
    if (status == SL_OK) {
        status = har_shape_check(run.root, report_shape, &inner);
        if (status == SL_OK) {
            status = read_run(&run, &inner);
        }
        if (status != SL_OK) {
            (void)refuse(reterr_error, status, file, inner.text);
        }
    }
    if (status != SL_OK) {
        har_compare_run_release(&run);
        return status;
    }
    *ret_run = run;
    return SL_OK;
}

enum sl_status har_compare_load(const char *file, const char *label,
                                struct har_compare_run *ret_run, struct sl_error *reterr_error)
{
    struct sl_error inner = {0};
    size_t len = 0;
    const char *path = strcmp(file, "-") == 0 ? "/dev/stdin" : file;
    char *text = har_read_file(path, HAR_COMPARE_FILE_MAX, &len, &inner);
    if (text == NULL) {
        return refuse(reterr_error, inner.status, file, inner.text);
    }
    enum sl_status status = har_compare_parse(text, len, file, label, ret_run, reterr_error);
    sl_free(text);
    return status;
}

void har_compare_run_release(struct har_compare_run *run)
{
    json_decref(run->root);
    sl_free(run->results);
    *run = (struct har_compare_run){0};
}
