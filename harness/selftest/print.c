/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/print.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/json_out.h"

enum {
    LINE = 100, /* of the matrix, where it breaks */
    LINE_SHOWN_MAX = 1024,
};

static const char *word_of(const struct har_case *item)
{
    if (!item->is_done) {
        return "not run";
    }
    if (item->outcome == HAR_INCONCLUSIVE) {
        return "unclear";
    }
    if (item->mutant_name == NULL) {
        return item->outcome == HAR_SKIP ? "skip"
               : item->is_known          ? "known"
               : item->is_good           ? "ok"
                                         : "BROKEN";
    }
    return item->is_good ? "caught" : "SURVIVED";
}

void har_selftest_line(const struct har_cases *cases, double seconds, struct sl_buf *out)
{
    size_t done = 0;
    size_t bad = 0;
    for (size_t i = 0; i < cases->count; i++) {
        done += cases->items[i].is_done;
        bad += cases->items[i].is_done && !cases->items[i].is_good;
    }
    (void)sl_buf_addf(out, "%zu of %zu  %.0f s", done, cases->count, seconds);
    if (bad > 0) {
        (void)sl_buf_addf(out, "  %zu not as they must be", bad);
    }
    const char *separator = "  running: ";
    for (size_t i = 0; i < cases->count && out->len < LINE_SHOWN_MAX; i++) {
        const struct har_case *item = &cases->items[i];
        if (item->is_running) {
            (void)sl_buf_addf(out, "%s%s on %s", separator, item->scenario->id,
                              item->mutant_name == NULL ? "the clean server" : item->mutant_name);
            separator = ", ";
        }
    }
}

void har_selftest_print_case(FILE *file, const struct har_case *item)
{
    const char *name = item->mutant_name == NULL ? "(clean)" : item->mutant_name;
    (void)fprintf(file, "%-9s %-38s %-28s", word_of(item), item->scenario->id, name);
    if (item->is_good && item->mutant_name != NULL) {
        (void)fprintf(file, " %s", item->rule);
    } else if (!item->is_good) {
        (void)fprintf(file, " %s %s", item->rule, item->reason);
    }
    (void)fprintf(file, "\n");
    (void)fflush(file);
}

/* "scenario  clean ok; caught: a (RULE), b (RULE); SURVIVED: c" */
static size_t print_row(FILE *file, const struct har_cases *cases, size_t first)
{
    const struct har_case *clean = &cases->items[first];
    size_t i = first + 1;
    int column = fprintf(file, "%-40s clean %s", clean->scenario->id, word_of(clean));
    for (; i < cases->count && cases->items[i].mutant_name != NULL; i++) {
        const struct har_case *item = &cases->items[i];
        if (column > LINE) {
            column = fprintf(file, ",\n%40s", "");
            column--;
        } else {
            column += fprintf(file, ",");
        }
        column += fprintf(file, " %s %s", item->mutant_name, word_of(item));
        if (item->is_good) {
            column += fprintf(file, " (%s)", item->rule);
        }
    }
    (void)fprintf(file, "\n");
    return i;
}

void har_selftest_print(FILE *file, const struct har_cases *cases,
                        const struct har_mutants *mutants)
{
    struct har_selftest_totals totals = har_cases_count(cases, mutants);
    (void)fprintf(file, "\n");
    for (size_t i = 0; i < cases->count;) {
        i = print_row(file, cases, i);
    }
    for (size_t i = 0; i < mutants->count; i++) {
        const struct har_mutant *mutant = &mutants->items[i];
        if (mutant->is_expected && !mutant->is_caught) {
            (void)fprintf(file, "%-40s not caught by any scenario (breaks %s)\n", mutant->name,
                          mutant->rule);
        }
    }
    (void)fprintf(file,
                  "\n%u of %u wrong servers caught, in %u runs: %u survived, %u inconclusive; "
                  "clean server: %u of %u as they must be, %u skipped\n",
                  totals.caught, totals.expected, totals.runs, totals.survived, totals.inconclusive,
                  totals.clean - totals.clean_failed - totals.clean_inconclusive, totals.clean,
                  totals.clean_skipped);
}

static void add_verdict(struct sl_json_out *json, const struct har_case *item)
{
    enum har_outcome outcome = item->is_done ? item->outcome : HAR_INCONCLUSIVE;
    sl_json_out_key_str(json, "verdict", har_outcome_name(outcome));
}

void har_selftest_json(const struct har_cases *cases, const struct har_mutants *mutants,
                       struct sl_buf *out)
{
    struct har_selftest_totals totals = har_cases_count(cases, mutants);
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", "sluice.selftest/1");
    sl_json_out_key_u64(&json, "expected", totals.expected);
    sl_json_out_key_u64(&json, "caught", totals.caught);
    sl_json_out_key(&json, "results");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < cases->count; i++) {
        const struct har_case *item = &cases->items[i];
        if (item->mutant_name == NULL) {
            continue;
        }
        sl_json_out_begin_object(&json);
        sl_json_out_key_str(&json, "scenario", item->scenario->id);
        sl_json_out_key_str(&json, "mutant", item->mutant_name);
        add_verdict(&json, item);
        sl_json_out_key_str(&json, "rule", item->rule);
        sl_json_out_key_bool(&json, "caught", item->is_good);
        sl_json_out_key_str(&json, "reason", item->reason);
        sl_json_out_end_object(&json);
    }
    sl_json_out_end_array(&json);
    sl_json_out_key(&json, "clean");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < cases->count; i++) {
        const struct har_case *item = &cases->items[i];
        if (item->mutant_name == NULL) {
            sl_json_out_begin_object(&json);
            sl_json_out_key_str(&json, "scenario", item->scenario->id);
            add_verdict(&json, item);
            if (item->is_known) {
                sl_json_out_key_bool(&json, "known", true);
            }
            sl_json_out_key_str(&json, "reason", item->reason);
            sl_json_out_end_object(&json);
        }
    }
    sl_json_out_end_array(&json);
    sl_json_out_key(&json, "uncaught");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < mutants->count; i++) {
        if (mutants->items[i].is_expected && !mutants->items[i].is_caught) {
            sl_json_out_str(&json, mutants->items[i].name);
        }
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(out, '\n');
}
