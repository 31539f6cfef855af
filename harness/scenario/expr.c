/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum {
    ARGUMENTS_MAX = 8,
};

struct reader {
    const char *at;
    har_resolve_fn *resolve;
    void *owner;
    unsigned depth;
    struct sl_error *error;
    enum sl_status status; /* the first failure; after it every value is 0 */
};

static double read_or(struct reader *reader);

static double fail(struct reader *reader, enum sl_status status, const char *text)
{
    if (reader->status == SL_OK) {
        reader->status = sl_error_set(reader->error, status, "%s at '%.40s'", text, reader->at);
    }
    return 0;
}

static void skip_space(struct reader *reader)
{
    while (*reader->at == ' ') {
        reader->at++;
    }
}

/* Takes the token when it comes next. */
static bool take(struct reader *reader, const char *token)
{
    skip_space(reader);
    size_t len = strlen(token);
    if (strncmp(reader->at, token, len) != 0) {
        return false;
    }
    reader->at += len;
    return true;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static struct sl_span read_word(struct reader *reader, bool is_actor)
{
    skip_space(reader);
    const char *start = reader->at;
    while (is_name_char(*reader->at) ||
           (is_actor && *reader->at != '\0' && strchr("-*,", *reader->at) != NULL)) {
        reader->at++;
    }
    return sl_span(start, (size_t)(reader->at - start));
}

static double apply(struct sl_span name, const double *arguments, size_t count)
{
    double result = arguments[0];
    for (size_t i = 1; i < count; i++) {
        bool is_min = sl_span_is(name, "min");
        result = is_min ? fmin(result, arguments[i]) : fmax(result, arguments[i]);
    }
    if (sl_span_is(name, "ceil")) {
        result = ceil(result);
    } else if (sl_span_is(name, "floor")) {
        result = floor(result);
    } else if (sl_span_is(name, "abs")) {
        result = fabs(result);
    }
    return result;
}

static double read_function(struct reader *reader, struct sl_span name)
{
    double arguments[ARGUMENTS_MAX];
    size_t count = 0;
    do {
        if (count == ARGUMENTS_MAX) {
            return fail(reader, SL_MALFORMED, "too many arguments");
        }
        arguments[count++] = read_or(reader);
    } while (take(reader, ","));
    if (!take(reader, ")")) {
        return fail(reader, SL_MALFORMED, "')' is missing");
    }
    bool is_list = sl_span_is(name, "min") || sl_span_is(name, "max");
    if (!is_list && count != 1) {
        return fail(reader, SL_MALFORMED, "this function takes one argument");
    }
    return apply(name, arguments, count);
}

static bool is_function(struct sl_span name)
{
    static const char *const functions[] = {"min", "max", "ceil", "floor", "abs"};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (sl_span_is(name, functions[i])) {
            return true;
        }
    }
    return false;
}

static double read_name(struct reader *reader)
{
    struct sl_span name = read_word(reader, false);
    struct sl_span argument = {0};
    if (take(reader, "(")) {
        if (is_function(name)) {
            return read_function(reader, name);
        }
        argument = read_word(reader, true);
        if (!take(reader, ")")) {
            return fail(reader, SL_MALFORMED, "')' is missing after the actor's name");
        }
    }
    double value = 0;
    if (reader->status == SL_OK && !reader->resolve(reader->owner, name, argument, &value)) {
        reader->status = sl_error_set(reader->error, SL_NOT_FOUND, "'%.*s%s%.*s%s' is not known",
                                      SL_SPAN_ARG(name), argument.data == NULL ? "" : "(",
                                      SL_SPAN_ARG(argument), argument.data == NULL ? "" : ")");
    }
    return value;
}

static double read_primary(struct reader *reader)
{
    skip_space(reader);
    if (reader->depth >= HAR_EXPR_DEPTH_MAX) {
        return fail(reader, SL_LIMIT, "too deeply nested");
    }
    if (take(reader, "(")) {
        reader->depth++;
        double value = read_or(reader);
        reader->depth--;
        return take(reader, ")") ? value : fail(reader, SL_MALFORMED, "')' is missing");
    }
    if (isdigit((unsigned char)*reader->at)) {
        char *end = NULL;
        double value = strtod(reader->at, &end);
        reader->at = end;
        return value;
    }
    if (isalpha((unsigned char)*reader->at)) {
        reader->depth++;
        double value = read_name(reader);
        reader->depth--;
        return value;
    }
    return fail(reader, SL_MALFORMED, "a number or a name is missing");
}

static double read_unary(struct reader *reader)
{
    unsigned minus = 0;
    unsigned nots = 0;
    for (;;) {
        if (take(reader, "-")) {
            minus++;
        } else if (*reader->at == '!' && reader->at[1] != '=' && take(reader, "!")) {
            nots++;
        } else {
            break;
        }
    }
    double value = read_primary(reader);
    value = minus % 2 == 1 ? -value : value;
    if (nots > 0) {
        bool is_true = value != 0;
        value = (nots % 2 == 1) != is_true ? 1 : 0;
    }
    return value;
}

static double read_product(struct reader *reader)
{
    double value = read_unary(reader);
    for (;;) {
        if (take(reader, "*")) {
            value *= read_unary(reader);
        } else if (take(reader, "/")) {
            double by = read_unary(reader);
            if (by == 0) {
                return fail(reader, SL_MALFORMED, "division by zero");
            }
            value /= by;
        } else {
            return value;
        }
    }
}

static double read_sum(struct reader *reader)
{
    double value = read_product(reader);
    for (;;) {
        if (take(reader, "+")) {
            value += read_product(reader);
        } else if (take(reader, "-")) {
            value -= read_product(reader);
        } else {
            return value;
        }
    }
}

static double read_compare(struct reader *reader)
{
    double left = read_sum(reader);
    if (take(reader, "==")) {
        return left == read_sum(reader);
    }
    if (take(reader, "!=")) {
        return left != read_sum(reader);
    }
    if (take(reader, "<=")) {
        return left <= read_sum(reader);
    }
    if (take(reader, ">=")) {
        return left >= read_sum(reader);
    }
    if (take(reader, "<")) {
        return left < read_sum(reader);
    }
    if (take(reader, ">")) {
        return left > read_sum(reader);
    }
    return left;
}

static double read_and(struct reader *reader)
{
    double value = read_compare(reader);
    while (take(reader, "&&")) {
        double right = read_compare(reader);
        value = value != 0 && right != 0;
    }
    return value;
}

static double read_or(struct reader *reader)
{
    double value = read_and(reader);
    while (take(reader, "||")) {
        double right = read_and(reader);
        value = value != 0 || right != 0;
    }
    return value;
}

enum sl_status har_expr_eval(const char *text, har_resolve_fn *resolve, void *owner,
                             double *ret_value, struct sl_error *reterr_error)
{
    *ret_value = 0;
    if (strlen(text) > HAR_EXPR_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "an expression has at most %d bytes",
                            HAR_EXPR_MAX);
    }
    struct reader reader = {.at = text, .resolve = resolve, .owner = owner, .error = reterr_error};
    double value = read_or(&reader);
    skip_space(&reader);
    if (reader.status == SL_OK && *reader.at != '\0') {
        (void)fail(&reader, SL_MALFORMED, "the expression does not end");
    }
    if (reader.status == SL_OK) {
        *ret_value = value;
    }
    return reader.status;
}
