/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EXPR_H
#define HAR_EXPR_H

/*
 * Small arithmetic for scenarios: "2*B + 10", "received(sub) >= 100 && open(sub) == 1".
 *
 *     or     := and ("||" and)*            compare := sum [("=="|"!="|"<"|"<="|">"|">=") sum]
 *     and    := compare ("&&" compare)*    sum     := product (("+"|"-") product)*
 *     product := unary (("*"|"/") unary)*  unary   := "-" unary | "!" unary | primary
 *     primary := number | name | name "(" actor ")" | function "(" or ("," or)* ")" | "(" or ")"
 *
 * The functions are min, max, ceil, floor and abs; every other name is asked of a resolver. Truth is
 * 1 and 0. Division by zero is an error.
 *
 * Limits: HAR_EXPR_MAX bytes of text, HAR_EXPR_DEPTH_MAX parentheses.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    HAR_EXPR_MAX = 1000,
    HAR_EXPR_DEPTH_MAX = 32,
};

/* A number of a scenario: given as such, or to be computed when it is needed. Borrows the text. */
struct har_expr {
    const char *text; /* NULL: number holds */
    double number;
    bool is_set;      /* the key was there */
    const char *path; /* in the file it was read from; NULL: none */
};

/* The value of a name, or of name(argument); argument has data NULL without parentheses. False when the
 * name is not known. */
typedef bool har_resolve_fn(void *owner, struct sl_span name, struct sl_span argument,
                            double *ret_value);

/* SL_MALFORMED for bad syntax, SL_NOT_FOUND for a name that resolve does not know. The error's text says
 * what and, for an unknown name, begins with it in quotes. */
SL_MUST_USE enum sl_status har_expr_eval(const char *text, har_resolve_fn *resolve, void *owner,
                                         double *ret_value, struct sl_error *reterr_error);

#endif
