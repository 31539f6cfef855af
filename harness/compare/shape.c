/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/compare/shape.h"

#include "lib/base/buf.h"

enum {
    PATH_BYTES = 200, /* shown of a path: its keys may be long */
};

struct walk {
    struct sl_buf path;
    struct sl_error *error;
};

static const char *const wanted[] = {
    "a string",
    "a number of at least 0",
    "an integer of at least 0",
    "a boolean",
    "anything",
    "an object",
    "an array",
    "an array",
    "an array",
    "an object",
    "an object",
};

static const char *found(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(json) < 0 ? "a negative number" : "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
    default:
        return "null";
    }
}

static enum sl_status refuse(struct walk *walk, enum har_shape_kind kind, const char *what)
{
    const char *path = sl_buf_str(&walk->path);
    size_t len = strlen(path);
    return sl_error_set(walk->error, SL_MALFORMED, "%.*s%s: wanted %s, found %s", PATH_BYTES, path,
                        len > PATH_BYTES ? "..." : "", wanted[kind], what);
}

static bool has_kind(const json_t *json, enum har_shape_kind kind)
{
    switch (kind) {
    case HAR_SHAPE_STRING:
        return json_is_string(json);
    case HAR_SHAPE_NUMBER:
        return json_is_number(json) && json_number_value(json) >= 0;
    case HAR_SHAPE_COUNT:
        return json_is_integer(json) && json_integer_value(json) >= 0;
    case HAR_SHAPE_BOOL:
        return json_is_boolean(json);
    case HAR_SHAPE_OBJECT:
    case HAR_SHAPE_MAP:
    case HAR_SHAPE_MAPS:
        return json_is_object(json);
    case HAR_SHAPE_OBJECTS:
    case HAR_SHAPE_STRINGS:
    case HAR_SHAPE_NUMBERS:
        return json_is_array(json);
    case HAR_SHAPE_ANY:
    default:
        return true;
    }
}

static enum sl_status check_value(struct walk *walk, json_t *json, enum har_shape_kind kind,
                                  const struct har_shape *of);

/* Of an array or a map: its kind and that of what is in it. */
static enum har_shape_kind inner(enum har_shape_kind kind)
{
    switch (kind) {
    case HAR_SHAPE_STRINGS:
        return HAR_SHAPE_STRING;
    case HAR_SHAPE_NUMBERS:
        return HAR_SHAPE_NUMBER;
    case HAR_SHAPE_MAPS:
        return HAR_SHAPE_MAP;
    case HAR_SHAPE_STRING:
    case HAR_SHAPE_NUMBER:
    case HAR_SHAPE_COUNT:
    case HAR_SHAPE_BOOL:
    case HAR_SHAPE_ANY:
    case HAR_SHAPE_OBJECT:
    case HAR_SHAPE_OBJECTS:
    case HAR_SHAPE_MAP:
    default:
        return HAR_SHAPE_OBJECT;
    }
}

static enum sl_status check_members(struct walk *walk, json_t *object, const struct har_shape *of)
{
    enum sl_status status = SL_OK;
    size_t mark = walk->path.len;
    for (; of->key != NULL && status == SL_OK; of++) {
        json_t *value = json_object_get(object, of->key);
        (void)sl_buf_addf(&walk->path, ".%s", of->key);
        if (value != NULL && !(json_is_null(value) && !of->is_required)) {
            status = check_value(walk, value, of->kind, of->of);
        } else if (of->is_required) {
            status = refuse(walk, of->kind, value == NULL ? "nothing" : "null");
        }
        sl_buf_truncate(&walk->path, mark);
    }
    return status;
}

static enum sl_status check_items(struct walk *walk, json_t *array, enum har_shape_kind kind,
                                  const struct har_shape *of)
{
    enum sl_status status = SL_OK;
    size_t mark = walk->path.len;
    for (size_t i = 0; i < json_array_size(array) && status == SL_OK; i++) {
        json_t *item = json_array_get(array, i);
        if (of == NULL && has_kind(item, inner(kind))) {
            continue; /* of long lists of numbers no paths are written */
        }
        (void)sl_buf_addf(&walk->path, "[%zu]", i);
        status = check_value(walk, item, inner(kind), of);
        sl_buf_truncate(&walk->path, mark);
    }
    return status;
}

static enum sl_status check_map(struct walk *walk, json_t *map, enum har_shape_kind kind,
                                const struct har_shape *of)
{
    enum sl_status status = SL_OK;
    size_t mark = walk->path.len;
    const char *key;
    json_t *value;
    json_object_foreach (map, key, value) {
        (void)sl_buf_addf(&walk->path, ".%.*s", PATH_BYTES, key);
        status = check_value(walk, value, inner(kind), of);
        sl_buf_truncate(&walk->path, mark);
        if (status != SL_OK) {
            break;
        }
    }
    return status;
}

static enum sl_status check_value(struct walk *walk, json_t *json, enum har_shape_kind kind,
                                  const struct har_shape *of)
{
    if (!has_kind(json, kind)) {
        return refuse(walk, kind, found(json));
    }
    switch (kind) {
    case HAR_SHAPE_OBJECT:
        return check_members(walk, json, of);
    case HAR_SHAPE_OBJECTS:
    case HAR_SHAPE_STRINGS:
    case HAR_SHAPE_NUMBERS:
        return check_items(walk, json, kind, of);
    case HAR_SHAPE_MAP:
    case HAR_SHAPE_MAPS:
        return check_map(walk, json, kind, of);
    case HAR_SHAPE_STRING:
    case HAR_SHAPE_NUMBER:
    case HAR_SHAPE_COUNT:
    case HAR_SHAPE_BOOL:
    case HAR_SHAPE_ANY:
    default:
        return SL_OK;
    }
}

enum sl_status har_shape_check(json_t *object, const struct har_shape *shape,
                               struct sl_error *reterr_error)
{
    struct walk walk = {.error = reterr_error};
    sl_buf_init(&walk.path, 16 * 1024); /* keys of maps are cut; the tables nest a few levels */
    (void)sl_buf_add_str(&walk.path, "$");
    enum sl_status status = check_value(&walk, object, HAR_SHAPE_OBJECT, shape);
    sl_buf_release(&walk.path);
    return status;
}
