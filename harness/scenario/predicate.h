/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PREDICATE_H
#define HAR_PREDICATE_H

/* Selectors and predicates of scenarios in words, for explanations and failures. */
#include "lib/base/buf.h"

/* "live,other" as "live and other"; "*" as "everybody". Returns whether it is several. */
bool har_selector_words(struct sl_buf *out, const char *selector);

/* An expression that is asked whether it is true: counters, comparisons and && in words. */
void har_predicate_words(struct sl_buf *out, const char *text);

/* The next name or counter with its actors in *text, "B" or "received(a,b)", and moves past it. Functions such as max
 * are passed over. False when there is none any more. */
bool har_predicate_next(const char **text, struct sl_span *ret_name);

#endif
