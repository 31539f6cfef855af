/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/mutants.h"

#include <string.h>

#include "lib/base/alloc.h"

/* The one that is not bound to a front end is listed under this one. */
#define ANY_FRONTEND "grpc"

/* The bytes up to the first one of stops; they and it are taken from text. */
static char *take_word(struct sl_span *text, const char *stops)
{
    size_t len = 0;
    while (len < text->len && strchr(stops, text->data[len]) == NULL) {
        len++;
    }
    char *word = sl_strndup((const char *)text->data, len);
    *text = sl_span_from(*text, len < text->len ? len + 1 : len);
    return word;
}

static bool read_line(struct har_mutants *mutants, struct sl_span line)
{
    struct har_mutant *mutant = &mutants->items[mutants->count++];
    mutant->name = take_word(&line, "\t");
    struct sl_span rest = line;
    mutant->frontend = take_word(&line, ",\t");
    sl_free(take_word(&rest, "\t"));
    mutant->rules = take_word(&rest, "\t ");
    return mutant->name[0] != '\0' && mutant->frontend[0] != '\0' && mutant->rules[0] != '\0';
}

enum sl_status har_mutants_read(struct har_mutants *mutants, struct sl_span text,
                                struct sl_error *reterr_error)
{
    *mutants = (struct har_mutants){.items = sl_calloc(HAR_MUTANTS_MAX, sizeof(struct har_mutant))};
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        if (mutants->count == HAR_MUTANTS_MAX || !read_line(mutants, sl_span(text.data, len))) {
            return sl_error_set(reterr_error, SL_MALFORMED,
                                "line %zu of --misbehave list is not: name, front ends, rule",
                                mutants->count);
        }
        text = sl_span_from(text, end == NULL ? len : len + 1);
    }
    return mutants->count > 0
               ? SL_OK
               : sl_error_set(reterr_error, SL_MALFORMED, "--misbehave list names no wrong server");
}

void har_mutants_release(struct har_mutants *mutants)
{
    for (size_t i = 0; i < mutants->count; i++) {
        sl_free(mutants->items[i].name);
        sl_free(mutants->items[i].frontend);
        sl_free(mutants->items[i].rules);
    }
    sl_free(mutants->items);
    *mutants = (struct har_mutants){0};
}

struct har_mutant *har_mutants_find(const struct har_mutants *mutants, const char *name)
{
    for (size_t i = 0; i < mutants->count; i++) {
        if (strcmp(mutants->items[i].name, name) == 0) {
            return &mutants->items[i];
        }
    }
    return NULL;
}

bool har_mutant_breaks(const struct har_mutant *mutant, const char *rule)
{
    size_t len = strlen(rule);
    for (const char *word = mutant->rules; *word != '\0';) {
        size_t word_len = strcspn(word, ",");
        if (word_len == len && memcmp(word, rule, len) == 0) {
            return true;
        }
        word += word[word_len] == ',' ? word_len + 1 : word_len;
    }
    return false;
}

bool har_mutant_is_for(const struct har_mutant *mutant, const char *rule)
{
    size_t len = strlen(rule);
    return strcspn(mutant->rules, ",") == len && memcmp(mutant->rules, rule, len) == 0;
}

bool har_mutant_is_on_any(const struct har_mutant *mutant)
{
    return strcmp(mutant->frontend, ANY_FRONTEND) == 0;
}
