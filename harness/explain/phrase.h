/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PHRASE_H
#define HAR_PHRASE_H

/*
 * Sentences from the JSON of a scenario, by templates.
 *
 * A template is text with
 *   [s] [is/are]        what a single subject says / what several say
 *   {key:text}          where the key is there; % in text is its value, %t it as a time, %w as a predicate in words,
 *                       %~ as a range
 *   {key:text|else}     and else where it is not
 *   {key=value:text|else}  where it has this value, else else; both parts may use %
 *   {a.b:text}          of an object in it
 *   {!a,b:text}         where none of the keys is there
 * Keys that the template does not speak of follow behind, "; key value", so that nothing is left out.
 */
#include <jansson.h>

#include "lib/base/buf.h"

/* names: of keys that are told elsewhere, NULL-terminated. */
void har_phrase_add(struct sl_buf *out, const char *template, const json_t *args, bool is_plural,
                    const char *const *names);

/* A JSON value as a part of a sentence; what is longer than a line or so is cut. */
void har_phrase_value(struct sl_buf *out, const json_t *value);

#endif
