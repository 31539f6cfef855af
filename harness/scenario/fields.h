/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FIELDS_H
#define HAR_FIELDS_H

/*
 * JSON objects into structs, by one table of typed fields per kind of object.
 *
 * The same table gives the parsing, the errors ("unknown key 'raet'; did you mean 'rate'?") and, with
 * its help texts, the documentation. Every problem of a file is collected, not only the first.
 *
 * Ownership: what is read borrows the json_t; structs and arrays live in the arena.
 */
#include <jansson.h>

#include "harness/scenario/expr.h"
#include "lib/base/buf.h"

enum {
    HAR_PROBLEMS_MAX = 50,
    HAR_PATH_MAX = 400,
};

/* What is freed together. */
struct har_arena {
    struct har_arena_block *blocks;
};
void *har_arena_alloc(struct har_arena *arena, size_t size); /* zeroed */
void har_arena_release(struct har_arena *arena);

/* One thing wrong in a file. */
struct har_problem {
    char path[HAR_PATH_MAX]; /* JSON path; "" for the file as a whole */
    size_t line;             /* 0 when unknown */
    char text[SL_ERROR_TEXT_MAX];
    bool is_warning;
};
struct har_problems {
    struct har_problem items[HAR_PROBLEMS_MAX];
    size_t warning_count; /* of count */
    size_t count;         /* of all; the first HAR_PROBLEMS_MAX are kept */
};

struct har_strings {
    const char **items;
    size_t count;
};

/* Bytes of a JSON string; may hold NUL. data NULL: the key was absent. */
struct har_text {
    struct sl_span bytes;
    bool is_set;
};

struct har_int64 {
    int64_t value;
    bool is_set;
};

bool har_strings_has(const struct har_strings *strings, const char *text);
/* "A, B or C" into text; otherwise: of none. What does not fit is left out. */
void har_strings_show(const struct har_strings *strings, const char *otherwise, char *text,
                      size_t size);

/* [low, high]; one number stands for both. */
struct har_range {
    struct har_expr low, high;
};

/* Numbers, or expressions. */
struct har_exprs {
    struct har_expr *items;
    size_t count;
};

/* Structs of one table, read from an array of objects. */
struct har_objects {
    void *items;
    size_t count;
};

/* A place in the file that is being read. */
struct har_reading {
    struct sl_span text;
    struct har_arena *arena;
    struct har_problems *problems;
};

enum har_field_type {
    HAR_FIELD_STRING,   /* const char * */
    HAR_FIELD_TEXT,     /* struct har_text */
    HAR_FIELD_EXPR,     /* struct har_expr: number or expression */
    HAR_FIELD_DURATION, /* struct har_expr in milliseconds: "250ms", number or expression */
    HAR_FIELD_BOOL,     /* bool */
    HAR_FIELD_CHOICE,   /* int: index in choices */
    HAR_FIELD_STRINGS,  /* struct har_strings: array of strings, or one string */
    HAR_FIELD_INT64,    /* struct har_int64: number, or digits in a string */
    HAR_FIELD_RANGE,    /* struct har_range */
    HAR_FIELD_OBJECT,   /* a struct of its own at offset, by the table in fields */
    HAR_FIELD_JSON,     /* json_t *, whatever it is */
    HAR_FIELD_EXPRS,    /* struct har_exprs: array of numbers or expressions */
    HAR_FIELD_OBJECTS,  /* struct har_objects: array of objects, each by the table in fields */
};

struct har_field {
    const char *name;
    enum har_field_type type;
    size_t offset;
    bool is_required;
    const char *const *choices; /* NULL-terminated */
    const struct har_field *fields;
    size_t field_count;
    size_t item_size; /* HAR_FIELD_OBJECTS: bytes of one struct */
    const char *help;
};

/* Notes a problem at path. */
void har_problem_add(struct har_reading *reading, const char *path, bool is_key, const char *format,
                     ...) SL_PRINTF(4, 5);

/* The same, with "; did you mean 'nearest'?" behind it where there is a nearest. */
void har_problem_near(struct har_reading *reading, const char *path, const char *nearest,
                      const char *format, ...) SL_PRINTF(4, 5);
/* Something that is allowed, and hardly meant. */
void har_warning_add(struct har_reading *reading, const char *path, const char *text);

/* Reads object into the struct at out, which the caller has set to its defaults. */
void har_fields_read(struct har_reading *reading, json_t *object, const char *path,
                     const struct har_field *fields, size_t count, void *out);

#endif
