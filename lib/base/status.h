/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_STATUS_H
#define SL_STATUS_H

/*
 * How functions of this project say that they could not do their work.
 *
 * A function with more than one way to fail returns enum sl_status and is marked SL_MUST_USE. Where
 * a person will read why, its last parameter is a struct sl_error, which may be NULL. A verdict about
 * a server under test is never a status: a status means that the program itself could not work.
 */
#include <stddef.h>

#define SL_STATUS_LIST(X)                      \
    X(OK, 0, "ok")                             \
    X(AGAIN, -1, "more input is needed")       \
    X(MALFORMED, -2, "malformed input")        \
    X(LIMIT, -3, "a limit was exceeded")       \
    X(UNSUPPORTED, -4, "not supported")        \
    X(NOT_FOUND, -5, "not found")              \
    X(IO, -6, "input or output failed")        \
    X(USAGE, -7, "bad usage")                  \
    X(STATE, -8, "not possible in this state") \
    X(TIMEOUT, -9, "timed out")                \
    X(CLOSED, -10, "the other side closed")

enum sl_status {
#define X(name, value, text) SL_##name = (value),
    SL_STATUS_LIST(X)
#undef X
};

#define SL_MUST_USE                    __attribute__((warn_unused_result))
#define SL_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

enum {
    SL_ERROR_SOURCE_MAX = 256,
    SL_ERROR_TEXT_MAX = 512,
};

/* An error that a person reads. Fixed arrays: nothing to free, safe to copy. */
struct sl_error {
    enum sl_status status;
    char source[SL_ERROR_SOURCE_MAX]; /* file, flag or peer; empty when unknown */
    size_t line;                      /* from 1; 0 when the source has no lines */
    char text[SL_ERROR_TEXT_MAX];
};

/* A short English text for status; never NULL. */
const char *sl_status_text(enum sl_status status);

/* Fills reterr_error (may be NULL) with status and the formatted text; source and line stay as they
 * are. Returns status, so that a function can end with `return sl_error_set(...)`. */
enum sl_status sl_error_set(struct sl_error *reterr_error, enum sl_status status,
                            const char *format, ...) SL_PRINTF(3, 4);

/* Says where: source is copied (cut to its array) and line noted. NULL error is ignored. */
void sl_error_at(struct sl_error *error, const char *source, size_t line);

#endif
