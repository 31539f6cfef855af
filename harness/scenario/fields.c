/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/fields.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "harness/scenario/lines.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

enum {
    EXPRS_MAX = 10000,
    OBJECTS_MAX = 1000,
    STRINGS_MAX = 1000,
    FIELDS_MAX = 64,
};

struct har_arena_block {
    struct har_arena_block *next;
    max_align_t content[];
};

void *har_arena_alloc(struct har_arena *arena, size_t size)
{
    struct har_arena_block *block = sl_alloc(sizeof(*block) + size);
    block->next = arena->blocks;
    arena->blocks = block;
    return block->content;
}

void har_arena_release(struct har_arena *arena)
{
    while (arena->blocks != NULL) {
        struct har_arena_block *next = arena->blocks->next;
        sl_free(arena->blocks);
        arena->blocks = next;
    }
}

void har_problem_add(struct har_reading *reading, const char *path, bool is_key, const char *format,
                     ...)
{
    struct har_problems *problems = reading->problems;
    if (problems->count++ >= HAR_PROBLEMS_MAX) {
        return;
    }
    struct har_problem *problem = &problems->items[problems->count - 1];
    (void)snprintf(problem->path, sizeof(problem->path), "%s", path);
    problem->line = har_json_line(reading->text, path, is_key);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
}

void har_problem_near(struct har_reading *reading, const char *path, const char *nearest,
                      const char *format, ...)
{
    char text[SL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    har_problem_add(reading, path, false, "%s%s%s%s", text,
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

void har_warning_add(struct har_reading *reading, const char *path, const char *text)
{
    struct har_problems *problems = reading->problems;
    har_problem_add(reading, path, true, "warning: %s", text);
    problems->warning_count++;
    if (problems->count <= HAR_PROBLEMS_MAX) {
        problems->items[problems->count - 1].is_warning = true;
    }
}

static const char *type_name(json_t *json)
{
    static const char *const names[] = {"an object", "an array", "a string", "a number",
                                        "a number",  "true",     "false",    "null"};
    return names[json_typeof(json)];
}

/* Places in the struct are found by offset; memcpy keeps strict typing out of it. */
static void put(void *out, const struct har_field *field, const void *value, size_t size)
{
    memcpy((char *)out + field->offset, value, size);
}

static bool read_expr(json_t *value, bool is_duration, const char *path, struct har_expr *ret_expr)
{
    *ret_expr = (struct har_expr){.is_set = true, .path = path};
    if (json_is_number(value)) {
        ret_expr->number = json_number_value(value);
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) != strlen(json_string_value(value))) {
        return false;
    }
    uint64_t ns = 0;
    if (is_duration && sl_units_duration(sl_span_str(json_string_value(value)), &ns) == SL_OK) {
        ret_expr->number = (double)ns / (double)SL_MS;
        return true;
    }
    ret_expr->text = json_string_value(value);
    return true;
}

static const char *read_int64(json_t *value, struct har_int64 *ret_value)
{
    *ret_value = (struct har_int64){.is_set = true};
    if (json_is_integer(value)) {
        ret_value->value = json_integer_value(value);
        return NULL;
    }
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    char *end = NULL;
    errno = 0;
    ret_value->value = strtoll(text, &end, 10);
    return *text == '\0' || *end != '\0' || errno != 0 ? "an integer" : NULL;
}

static const char *read_strings(struct har_reading *reading, json_t *value,
                                struct har_strings *ret_strings)
{
    *ret_strings = (struct har_strings){0};
    size_t count = json_is_string(value) ? 1 : json_array_size(value);
    if ((!json_is_string(value) && !json_is_array(value)) || count > STRINGS_MAX) {
        return "an array of strings";
    }
    ret_strings->items = har_arena_alloc(reading->arena, (count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_is_string(value) ? value : json_array_get(value, i);
        if (!json_is_string(item)) {
            return "an array of strings";
        }
        ret_strings->items[ret_strings->count++] = json_string_value(item);
    }
    return NULL;
}

static const char *read_range(json_t *value, const char *path, struct har_range *ret_range)
{
    if (json_is_array(value)) {
        bool is_good = json_array_size(value) == 2 &&
                       read_expr(json_array_get(value, 0), false, path, &ret_range->low) &&
                       read_expr(json_array_get(value, 1), false, path, &ret_range->high);
        return is_good ? NULL : "[low, high]";
    }
    bool is_good = read_expr(value, false, path, &ret_range->low);
    ret_range->high = ret_range->low;
    return is_good ? NULL : "a number or [low, high]";
}

static const char *read_exprs(struct har_reading *reading, json_t *value, const char *path,
                              struct har_exprs *ret_exprs)
{
    size_t count = json_array_size(value);
    *ret_exprs = (struct har_exprs){0};
    if (!json_is_array(value) || count == 0 || count > EXPRS_MAX) {
        return "an array of numbers or expressions";
    }
    ret_exprs->items = har_arena_alloc(reading->arena, count * sizeof(struct har_expr));
    for (size_t i = 0; i < count; i++) {
        if (!read_expr(json_array_get(value, i), false, path, &ret_exprs->items[i])) {
            return "an array of numbers or expressions";
        }
    }
    ret_exprs->count = count;
    return NULL;
}

static void read_choice(struct har_reading *reading, json_t *value, const char *path,
                        const struct har_field *field, void *out)
{
    size_t count = 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    struct sl_buf list;
    sl_buf_init(&list, 1000);
    for (; field->choices[count] != NULL; count++) {
        (void)sl_buf_addf(&list, "%s%s", count == 0 ? "" : ", ", field->choices[count]);
        if (strcmp(field->choices[count], text) == 0) {
            int index = (int)count;
            put(out, field, &index, sizeof(index));
            sl_buf_release(&list);
            return;
        }
    }
    const char *nearest = sl_cli_nearest(text, field->choices, count);
    har_problem_add(reading, path, false, "'%.80s' is none of %s%s%s%s", text, sl_buf_str(&list),
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
    sl_buf_release(&list);
}

/* Numbers keep their place, so that a run can say which one was wrong. */
static const char *keep_path(struct har_reading *reading, const char *path,
                             enum har_field_type type)
{
    if (type != HAR_FIELD_EXPR && type != HAR_FIELD_DURATION && type != HAR_FIELD_RANGE &&
        type != HAR_FIELD_EXPRS) {
        return NULL;
    }
    char *copy = har_arena_alloc(reading->arena, strlen(path) + 1);
    memcpy(copy, path, strlen(path) + 1);
    return copy;
}

/* The simple types: NULL, or what was wanted instead. */
static const char *read_simple(struct har_reading *reading, json_t *value, const char *path,
                               const struct har_field *field, void *out)
{
    const char *wanted = NULL;
    const char *kept = keep_path(reading, path, field->type);
    if (field->type == HAR_FIELD_STRING) {
        const char *text = json_string_value(value);
        wanted = text == NULL || strlen(text) != json_string_length(value) ? "a string" : NULL;
        put(out, field, &text, sizeof(text));
    } else if (field->type == HAR_FIELD_TEXT) {
        struct har_text text = {sl_span(json_string_value(value), json_string_length(value)), true};
        wanted = json_is_string(value) ? NULL : "a string";
        put(out, field, &text, sizeof(text));
    } else if (field->type == HAR_FIELD_EXPR || field->type == HAR_FIELD_DURATION) {
        struct har_expr expr;
        bool is_duration = field->type == HAR_FIELD_DURATION;
        bool is_good = read_expr(value, is_duration, kept, &expr);
        wanted = is_good       ? NULL
                 : is_duration ? "a duration such as \"250ms\""
                               : "a number or an expression";
        put(out, field, &expr, sizeof(expr));
    } else if (field->type == HAR_FIELD_BOOL) {
        bool is_true = json_is_true(value);
        wanted = json_is_boolean(value) ? NULL : "true or false";
        put(out, field, &is_true, sizeof(is_true));
    } else if (field->type == HAR_FIELD_STRINGS) {
        struct har_strings strings;
        wanted = read_strings(reading, value, &strings);
        put(out, field, &strings, sizeof(strings));
    } else if (field->type == HAR_FIELD_INT64) {
        struct har_int64 number;
        wanted = read_int64(value, &number);
        put(out, field, &number, sizeof(number));
    } else if (field->type == HAR_FIELD_RANGE) {
        struct har_range range = {0};
        wanted = read_range(value, kept, &range);
        put(out, field, &range, sizeof(range));
    } else if (field->type == HAR_FIELD_EXPRS) {
        struct har_exprs exprs;
        wanted = read_exprs(reading, value, kept, &exprs);
        put(out, field, &exprs, sizeof(exprs));
    } else {
        put(out, field, &value, sizeof(value));
    }
    return wanted;
}

static void read_objects(struct har_reading *reading, json_t *value, const char *path,
                         const struct har_field *field, void *out)
{
    size_t count = json_array_size(value);
    if (count == 0 || count > OBJECTS_MAX) {
        har_problem_add(reading, path, false, "this must be an array of 1 to %d objects",
                        OBJECTS_MAX);
        return;
    }
    struct har_objects objects = {
        .items = har_arena_alloc(reading->arena, count * field->item_size), .count = count};
    for (size_t i = 0; i < count; i++) {
        char inner[HAR_PATH_MAX];
        (void)snprintf(inner, sizeof(inner), "%s[%zu]", path, i);
        har_fields_read(reading, json_array_get(value, i), inner, field->fields, field->field_count,
                        (char *)objects.items + i * field->item_size);
    }
    put(out, field, &objects, sizeof(objects));
}

static void read_field(struct har_reading *reading, json_t *value, const char *path,
                       const struct har_field *field, void *out)
{
    if (field->type == HAR_FIELD_CHOICE) {
        read_choice(reading, value, path, field, out);
        return;
    }
    if (field->type == HAR_FIELD_OBJECT) {
        har_fields_read(reading, value, path, field->fields, field->field_count,
                        (char *)out + field->offset);
        return;
    }
    if (field->type == HAR_FIELD_OBJECTS) {
        read_objects(reading, value, path, field, out);
        return;
    }
    const char *wanted = read_simple(reading, value, path, field, out);
    if (wanted != NULL) {
        har_problem_add(reading, path, false, "this must be %s, not %s", wanted, type_name(value));
    }
}

static const struct har_field *find(const struct har_field *fields, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, key) == 0) {
            return &fields[i];
        }
    }
    return NULL;
}

static void unknown_key(struct har_reading *reading, const char *path, const char *key,
                        const struct har_field *fields, size_t count)
{
    const char *names[FIELDS_MAX];
    size_t known = count < FIELDS_MAX ? count : FIELDS_MAX;
    for (size_t i = 0; i < known; i++) {
        names[i] = fields[i].name;
    }
    const char *nearest = sl_cli_nearest(key, names, known);
    har_problem_add(reading, path, true, "unknown key '%.100s'%s%s%s", key,
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

void har_fields_read(struct har_reading *reading, json_t *object, const char *path,
                     const struct har_field *fields, size_t count, void *out)
{
    if (!json_is_object(object)) {
        har_problem_add(reading, path, false, "this must be an object, not %s", type_name(object));
        return;
    }
    const char *key = NULL;
    json_t *value = NULL;
    char inner[HAR_PATH_MAX];
    json_object_foreach (object, key, value) {
        (void)snprintf(inner, sizeof(inner), "%s.%s", path, key);
        const struct har_field *field = find(fields, count, key);
        if (field == NULL) {
            unknown_key(reading, inner, key, fields, count);
        } else {
            read_field(reading, value, inner, field, out);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].is_required && json_object_get(object, fields[i].name) == NULL) {
            har_problem_add(reading, path, false, "the key '%s' is missing", fields[i].name);
        }
    }
}

bool har_strings_has(const struct har_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++) {
        if (strcmp(strings->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void har_strings_show(const struct har_strings *strings, const char *otherwise, char *text,
                      size_t size)
{
    (void)snprintf(text, size, "%s", strings->count == 0 ? otherwise : strings->items[0]);
    for (size_t i = 1; i < strings->count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, size - len, "%s%s", i + 1 == strings->count ? " or " : ", ",
                       strings->items[i]);
    }
}
