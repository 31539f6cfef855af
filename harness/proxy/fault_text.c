/* SPDX-License-Identifier: Apache-2.0 */
/* Faults from a file or from the control port. */
#include <stdio.h>
#include <stdlib.h>

#include "harness/proxy/fault.h"
#include "lib/base/alloc.h"

struct text {
    struct har_reading reading;
    struct har_arena arena;
    struct har_problems problems;
    struct sl_error value_error; /* of an expression */
};

static bool resolve_nothing(void *owner, struct sl_span name, struct sl_span argument,
                            double *ret_value)
{
    (void)owner;
    (void)name;
    (void)argument;
    (void)ret_value;
    return false;
}

static double value(void *owner, const struct har_expr *expr, double fallback)
{
    struct text *text = owner;
    double number = fallback;
    if (!expr->is_set) {
        return fallback;
    }
    if (expr->text == NULL) {
        return expr->number;
    }
    if (har_expr_eval(expr->text, resolve_nothing, NULL, &number, &text->value_error) != SL_OK) {
        return -1; /* never possible: value_error says more */
    }
    return number;
}

/* The object itself, out of {"fault": {...}}; ret_is_h2 by its wrapping or its keys. */
static json_t *unwrap(json_t *json, bool *ret_is_h2, char *path, size_t path_size)
{
    json_t *plain = json_object_get(json, "fault");
    json_t *h2 = json_object_get(json, "h2fault");
    *ret_is_h2 = h2 != NULL || json_object_get(json, "frame") != NULL;
    if (json_object_size(json) != 1 || (plain == NULL && h2 == NULL)) {
        return json;
    }
    size_t len = strlen(path);
    (void)snprintf(path + len, path_size - len, ".%s", plain != NULL ? "fault" : "h2fault");
    return plain != NULL ? plain : h2;
}

static enum sl_status first_problem(const struct text *text, struct sl_error *reterr_error)
{
    const struct har_problem *problem = &text->problems.items[0];
    sl_error_at(reterr_error, "", problem->line);
    return sl_error_set(reterr_error, SL_MALFORMED, "%.180s: %.300s", problem->path, problem->text);
}

static enum sl_status read_one(struct text *text, json_t *json, const char *where,
                               struct har_fault *ret_fault, struct sl_error *reterr_error)
{
    bool is_h2 = false;
    char path[HAR_PATH_MAX];
    struct har_fault_args args = {.cut.how = 0};
    struct har_h2fault_args h2_args = {.code = 0};
    struct sl_error error = {0};
    (void)snprintf(path, sizeof(path), "%s", where);
    json = unwrap(json, &is_h2, path, sizeof(path));
    if (is_h2) {
        har_fields_read(&text->reading, json, path, har_h2fault_fields, HAR_H2FAULT_FIELDS,
                        &h2_args);
    } else {
        har_fields_read(&text->reading, json, path, har_fault_fields, HAR_FAULT_FIELDS, &args);
    }
    if (text->problems.count > 0) {
        return first_problem(text, reterr_error);
    }
    enum sl_status status = is_h2 ? har_h2fault_make(&h2_args, value, text, ret_fault, &error)
                                  : har_fault_make(&args, value, text, ret_fault, &error);
    if (status != SL_OK) {
        bool is_value = text->value_error.text[0] != '\0';
        har_problem_add(&text->reading, path, false, "%s",
                        is_value ? text->value_error.text : error.text);
        return first_problem(text, reterr_error);
    }
    return SL_OK;
}

static enum sl_status read_all(struct text *text, json_t *root, struct har_fault_list *list,
                               struct sl_error *reterr_error)
{
    list->is_array = json_is_array(root);
    size_t count = list->is_array ? json_array_size(root) : 1;
    if (count > HAR_FAULTS_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "$: more than %d faults", HAR_FAULTS_MAX);
    }
    list->faults = sl_calloc(count + 1, sizeof(list->faults[0]));
    list->texts = sl_calloc(count + 1, sizeof(list->texts[0]));
    for (size_t i = 0; i < count; i++) {
        json_t *json = list->is_array ? json_array_get(root, i) : root;
        char path[32] = "$";
        if (list->is_array) {
            (void)snprintf(path, sizeof(path), "$[%zu]", i);
        }
        enum sl_status status = read_one(text, json, path, &list->faults[i], reterr_error);
        if (status != SL_OK) {
            return status;
        }
        char *dump = json_dumps(json, JSON_COMPACT);
        list->texts[i] = sl_strdup(dump == NULL ? "{}" : dump);
        free(dump);
        list->count++;
    }
    return SL_OK;
}

enum sl_status har_faults_read(struct sl_span bytes, struct har_fault_list *ret_list,
                               struct sl_error *reterr_error)
{
    json_error_t error;
    *ret_list = (struct har_fault_list){0};
    json_t *root = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        sl_error_at(reterr_error, "", error.line > 0 ? (size_t)error.line : 0);
        return sl_error_set(reterr_error, SL_MALFORMED, "not valid JSON: %s", error.text);
    }
    struct text *text = sl_alloc(sizeof(*text)); /* the problems are too large for a stack */
    text->reading =
        (struct har_reading){.text = bytes, .arena = &text->arena, .problems = &text->problems};
    enum sl_status status = read_all(text, root, ret_list, reterr_error);
    if (status != SL_OK) {
        har_fault_list_release(ret_list);
    }
    har_arena_release(&text->arena);
    sl_free(text);
    json_decref(root);
    return status;
}

void har_fault_list_release(struct har_fault_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        sl_free(list->texts[i]);
    }
    sl_free(list->faults);
    sl_free(list->texts);
    *list = (struct har_fault_list){0};
}
