/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_SHAPE_H
#define HAR_COMPARE_SHAPE_H

/*
 * JSON that somebody else wrote, held against a table of what it must look like, before anything is read from it.
 *
 * Keys that the table does not name are fine: a newer report may have more. An error names the JSON path.
 */
#include <jansson.h>
#include <stdbool.h>

#include "lib/base/status.h"

enum har_shape_kind {
    HAR_SHAPE_STRING,
    HAR_SHAPE_NUMBER, /* at least 0 */
    HAR_SHAPE_COUNT,  /* an integer, at least 0 */
    HAR_SHAPE_BOOL,
    HAR_SHAPE_ANY,     /* whatever it is */
    HAR_SHAPE_OBJECT,  /* by the table in of */
    HAR_SHAPE_OBJECTS, /* an array of them */
    HAR_SHAPE_STRINGS, /* an array */
    HAR_SHAPE_NUMBERS, /* an array */
    HAR_SHAPE_MAP,     /* an object of any keys; its values are objects by the table in of */
    HAR_SHAPE_MAPS,    /* an object of any keys; its values are such maps */
};

struct har_shape {
    const char *key; /* NULL ends a table */
    enum har_shape_kind kind;
    bool is_required; /* else it may be absent, or null */
    const struct har_shape *of;
};

/* SL_MALFORMED with "$.results[3].verdict: wanted a string, found a number". */
SL_MUST_USE enum sl_status har_shape_check(json_t *object, const struct har_shape *shape,
                                           struct sl_error *reterr_error);

#endif
