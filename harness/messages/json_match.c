/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/messages/json_match.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"

/* One comparison that goes down both values. */
struct walk {
    struct har_mismatch *mismatch;
    bool is_exact;
    unsigned depth;
};
/* Where it stands: what the field is, as far as the schema knows. */
struct place {
    const struct sl_message_type *type;
    const struct sl_field *field;
    char path[sizeof(((struct har_mismatch *)0)->path)];
};

static bool differs(struct walk *walk, const struct place *place, const char *format, ...)
    SL_PRINTF(3, 4);
static bool differs(struct walk *walk, const struct place *place, const char *format, ...)
{
    va_list arguments;
    (void)snprintf(walk->mismatch->path, sizeof(walk->mismatch->path), "%s", place->path);
    va_start(arguments, format);
    (void)vsnprintf(walk->mismatch->text, sizeof(walk->mismatch->text), format, arguments);
    va_end(arguments);
    return false;
}

/* "is X, wanted Y" */
static bool tell(struct walk *walk, const struct place *place, json_t *got, const char *how,
                 json_t *wanted)
{
    char *seen = got == NULL ? NULL : json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
    char *want = json_dumps(wanted, JSON_COMPACT | JSON_ENCODE_ANY);
    (void)differs(walk, place, "is %.150s, wanted %s%.150s", seen == NULL ? "absent" : seen, how,
                  want == NULL ? "something else" : want);
    free(seen);
    free(want);
    return false;
}

/* A number in text as proto3 JSON writes it: neither white space nor hex, which strtod would take. */
static bool is_number_text(const json_t *json)
{
    const char *text = json_string_value(json);
    return text != NULL && strlen(text) == json_string_length(json) &&
           (strspn(text, "0123456789+-.eE") == strlen(text) || strcmp(text, "Infinity") == 0 ||
            strcmp(text, "-Infinity") == 0 || strcmp(text, "NaN") == 0);
}

static bool is_number(const json_t *json, double *ret_number)
{
    const char *text = json_string_value(json);
    char *end = NULL;
    if (json_is_number(json)) {
        *ret_number = json_number_value(json);
        return true;
    }
    *ret_number = is_number_text(json) ? strtod(text, &end) : 0;
    return end != NULL && end != text && *end == '\0';
}

static bool is_integer(const json_t *json, long long *ret_number)
{
    const char *text = json_string_value(json);
    char *end = NULL;
    if (json_is_integer(json)) {
        *ret_number = json_integer_value(json);
        return true;
    }
    errno = 0;
    *ret_number = is_number_text(json) ? strtoll(text, &end, 10) : 0;
    return end != NULL && end != text && *end == '\0' && errno == 0;
}

static bool is_default(const struct sl_field *field, const json_t *json)
{
    double number = 0;
    const char *text = json_string_value(json);
    if (field != NULL && field->enumeration != NULL && text != NULL) {
        const char *first = sl_enum_type_name(field->enumeration, 0);
        return first != NULL && strcmp(first, text) == 0;
    }
    return json_is_null(json) || json_is_false(json) || (text != NULL && text[0] == '\0') ||
           (is_number(json, &number) && number == 0) ||
           (json_is_array(json) && json_array_size(json) == 0) ||
           (field != NULL && field->is_map && json_is_object(json) && json_object_size(json) == 0);
}

/* Numbers and their text are the same; integers are compared digit by digit, not as doubles. */
static bool is_same_scalar(json_t *wanted, json_t *got)
{
    if (json_equal(wanted, got) != 0) {
        return true;
    }
    json_t *number = json_is_number(wanted) ? wanted : got;
    json_t *text = number == wanted ? got : wanted;
    double a = 0;
    double b = 0;
    if (json_is_integer(number) && json_is_string(text)) {
        char digits[32];
        (void)snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(number));
        return strcmp(digits, json_string_value(text)) == 0;
    }
    return json_is_number(number) && is_number(wanted, &a) && is_number(got, &b) && a == b;
}

/* ---- operators ---- */

enum operator{ OP_LT, OP_LE, OP_GT, OP_GE, OP_NE, OP_IN, OP_SET, OP_HAS, OP_COUNT };
static const char *const operators[OP_COUNT] = {"$lt", "$le", "$gt",  "$ge",
                                                "$ne", "$in", "$set", "$has"};

/* The operator of {"$ge": 3}; OP_COUNT when it is no such object. */
static enum operator operator_of(json_t *wanted)
{
    const char *key =
        json_object_size(wanted) == 1 ? json_object_iter_key(json_object_iter(wanted)) : NULL;
    for (int i = 0; key != NULL && i < OP_COUNT; i++) {
        if (strcmp(key, operators[i]) == 0) {
            return (enum operator)i;
        }
    }
    return OP_COUNT;
}

/* An order of numbers; got NULL is 0. Integers as such: 64 bits are more than a double has. */
static bool compares(enum operator op, const json_t *got, const json_t *limit)
{
    long long i = 0;
    long long j = 0;
    double a = 0;
    double b = 0;
    int order = 0;
    if ((got == NULL || is_integer(got, &i)) && is_integer(limit, &j)) {
        order = (i > j) - (i < j);
    } else if ((got == NULL || is_number(got, &a)) && is_number(limit, &b) && !isnan(a) &&
               !isnan(b)) {
        order = (a > b) - (a < b);
    } else {
        return false;
    }
    return op == OP_LT   ? order < 0
           : op == OP_LE ? order <= 0
           : op == OP_GT ? order > 0
                         : order >= 0;
}

static bool has_equal(json_t *list, json_t *got, const struct sl_field *field)
{
    size_t at = 0;
    json_t *item = NULL;
    json_array_foreach (list, at, item) {
        if (got == NULL ? is_default(field, item) : is_same_scalar(item, got)) {
            return true;
        }
    }
    return false;
}

static bool matches(struct walk *walk, const struct place *place, json_t *wanted, json_t *got);

/* True when one of the list is as wanted. */
static bool has_match(struct walk *walk, const struct place *place, json_t *wanted, json_t *list)
{
    size_t at = 0;
    json_t *item = NULL;
    bool is_found = false;
    walk->depth++;
    json_array_foreach (list, at, item) {
        is_found = is_found || matches(walk, place, wanted, item);
    }
    walk->depth--;
    return is_found;
}

static bool apply(struct walk *walk, const struct place *place, enum operator op, json_t *wanted,
                  json_t *got)
{
    json_t *value = json_object_get(wanted, operators[op]);
    bool is_good = false;
    if (op == OP_SET) {
        is_good = json_is_true(value) == (got != NULL);
    } else if (op == OP_IN) {
        is_good = has_equal(value, got, place->field);
    } else if (op == OP_HAS) {
        is_good = has_match(walk, place, value, got);
    } else if (op == OP_NE) {
        is_good = !(got == NULL ? is_default(place->field, value) : is_same_scalar(value, got));
    } else {
        is_good = compares(op, got, value);
    }
    return is_good || tell(walk, place, got, "", wanted);
}

/* ---- going down ---- */

/* The place of a member; false when the type has no such field. */
static bool member_of(const struct place *place, const char *key, struct place *ret_place)
{
    const struct sl_message_type *type = place->type;
    *ret_place = (struct place){0};
    (void)snprintf(ret_place->path, sizeof(ret_place->path), "%.120s.%.36s", place->path, key);
    if (type == NULL) {
        return true;
    }
    const struct sl_field *field = sl_message_type_field_named(type, sl_span_str(key));
    ret_place->field = field;
    if (field != NULL && field->message != NULL && !field->is_map &&
        field->message->well_known == SL_WKT_NONE) {
        ret_place->type = field->message;
    }
    return field != NULL || key[0] == '[';
}

static const char *json_key(const struct place *member, const char *key)
{
    return member->field == NULL ? key : member->field->json_name;
}

static bool has_extra(struct walk *walk, const struct place *place, json_t *wanted, json_t *got)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (got, key, value) {
        struct place member;
        (void)member_of(place, key, &member);
        bool is_wanted =
            json_object_get(wanted, key) != NULL ||
            (member.field != NULL && json_object_get(wanted, member.field->name) != NULL);
        if (!is_wanted) {
            (void)differs(walk, &member, "is there, and exactly the other fields are wanted");
            return true;
        }
    }
    return false;
}

static bool matches_object(struct walk *walk, const struct place *place, json_t *wanted,
                           json_t *got)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (wanted, key, value) {
        struct place member;
        (void)member_of(place, key, &member);
        if (!matches(walk, &member, value, json_object_get(got, json_key(&member, key)))) {
            return false;
        }
    }
    return !walk->is_exact || !has_extra(walk, place, wanted, got);
}

static bool matches_array(struct walk *walk, const struct place *place, json_t *wanted, json_t *got)
{
    size_t count = json_array_size(wanted);
    if (json_array_size(got) != count) {
        return differs(walk, place, "has %zu members, wanted %zu", json_array_size(got), count);
    }
    for (size_t i = 0; i < count; i++) {
        struct place member = *place;
        (void)snprintf(member.path, sizeof(member.path), "%.120s[%zu]", place->path, i);
        if (!matches(walk, &member, json_array_get(wanted, i), json_array_get(got, i))) {
            return false;
        }
    }
    return true;
}

static bool matches(struct walk *walk, const struct place *place, json_t *wanted, json_t *got)
{
    if (walk->depth >= HAR_MATCH_DEPTH_MAX) {
        return differs(walk, place, "is nested too deeply");
    }
    enum operator op = operator_of(wanted);
    if (op != OP_COUNT) {
        return apply(walk, place, op, wanted, got);
    }
    if (got == NULL) {
        return is_default(place->field, wanted) || tell(walk, place, got, "", wanted);
    }
    walk->depth++;
    bool is_good = false;
    if (json_is_object(wanted) && json_is_object(got)) {
        is_good = matches_object(walk, place, wanted, got);
    } else if (json_is_array(wanted) && json_is_array(got)) {
        is_good = matches_array(walk, place, wanted, got);
    } else {
        is_good = is_same_scalar(wanted, got) || tell(walk, place, got, "", wanted);
    }
    walk->depth--;
    return is_good;
}

bool har_json_matches(const struct sl_message_type *type, json_t *wanted, json_t *got,
                      bool is_exact, struct har_mismatch *ret_mismatch)
{
    struct walk walk = {.mismatch = ret_mismatch, .is_exact = is_exact};
    struct place root = {.path = "$"};
    root.type = type != NULL && type->well_known == SL_WKT_NONE ? type : NULL;
    return matches(&walk, &root, wanted, got);
}

/* ---- before there is a message ---- */

/* What an operator takes, where value is not that; NULL where it is. A template may still become a number. */
static const char *operand_problem(enum operator op, const json_t *value)
{
    double number = 0;
    const char *text = json_string_value(value);
    bool is_template = text != NULL && strchr(text, '{') != NULL;
    if (op == OP_SET) {
        return json_is_boolean(value) ? NULL : "true or false";
    }
    if (op == OP_IN) {
        return json_is_array(value) ? NULL : "an array";
    }
    return op == OP_NE || is_template || is_number(value, &number) ? NULL : "a number";
}

static bool can_match(struct walk *walk, const struct place *place, json_t *wanted)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (walk->depth >= HAR_MATCH_DEPTH_MAX) {
        return differs(walk, place, "is nested too deeply");
    }
    enum operator op = operator_of(wanted);
    if (op != OP_COUNT && op != OP_HAS) {
        const char *takes = operand_problem(op, json_object_get(wanted, operators[op]));
        return takes == NULL || differs(walk, place, "%s takes %s", operators[op], takes);
    }
    walk->depth++;
    bool is_good =
        op != OP_HAS || can_match(walk, place, json_object_get(wanted, operators[OP_HAS]));
    wanted = op == OP_HAS ? NULL : wanted;
    json_object_foreach (wanted, key, value) {
        struct place member;
        if (key[0] == '$') {
            is_good =
                differs(walk, place, "there is no operator '%.40s', or not beside others", key);
        } else if (!member_of(place, key, &member)) {
            is_good = differs(walk, place, "%s has no field '%.60s'", place->type->full_name, key);
        } else {
            is_good = can_match(walk, &member, value);
        }
        if (!is_good) {
            break;
        }
    }
    for (size_t i = 0; is_good && i < json_array_size(wanted); i++) {
        struct place member = *place;
        (void)snprintf(member.path, sizeof(member.path), "%.120s[%zu]", place->path, i);
        is_good = can_match(walk, &member, json_array_get(wanted, i));
    }
    walk->depth--;
    return is_good;
}

bool har_json_can_match(const struct sl_message_type *type, json_t *wanted,
                        struct har_mismatch *ret_mismatch)
{
    struct walk walk = {.mismatch = ret_mismatch};
    struct place root = {.path = "$"};
    root.type = type != NULL && type->well_known == SL_WKT_NONE ? type : NULL;
    return can_match(&walk, &root, wanted);
}

/* ---- paths ---- */

/* One step of a path: its name, or NULL for an index. False at the end, and where the path is none. */
static bool next_part(const char **path, struct sl_span *ret_name, size_t *ret_index,
                      bool *ret_is_bad)
{
    const char *at = *path;
    *ret_name = sl_span(NULL, 0);
    if (*at == '.') {
        size_t len = strcspn(++at, ".[");
        *ret_is_bad = len == 0;
        *ret_name = sl_span(at, len);
        *path = at + len;
        return len > 0;
    }
    if (*at == '[') {
        char *end = NULL;
        unsigned long index = strtoul(at + 1, &end, 10);
        *ret_is_bad = at[1] < '0' || at[1] > '9' || *end != ']';
        *ret_index = index;
        *path = *ret_is_bad ? at : end + 1;
        return !*ret_is_bad;
    }
    *ret_is_bad = *at != '\0';
    return false;
}

json_t *har_json_at(json_t *json, const char *path)
{
    struct sl_span name;
    size_t index = 0;
    bool is_bad = false;
    const char *at = path + (path[0] == '$');
    while (json != NULL && next_part(&at, &name, &index, &is_bad)) {
        if (name.data == NULL) {
            json = json_array_get(json, index);
            continue;
        }
        char *key = sl_alloc(name.len + 1);
        memcpy(key, name.data, name.len);
        key[name.len] = '\0';
        json = json_object_get(json, key);
        sl_free(key);
    }
    return is_bad ? NULL : json;
}

const char *har_json_path_problem(const char *path)
{
    struct sl_span name;
    size_t index = 0;
    bool is_bad = path[0] != '$' || path[1] == '\0';
    const char *at = path + (path[0] == '$');
    while (!is_bad && next_part(&at, &name, &index, &is_bad)) {
    }
    return is_bad ? "wanted: a path such as \"$.seq\" or \"$.rows[0].seq\"" : NULL;
}
