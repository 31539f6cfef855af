/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/selftest/print.h"

#include <stdio.h>
#include <string.h>

enum {
    LINE = 100, /* of the matrix, where it breaks */
    LINE_SHOWN_MAX = 1024,
};

const char *har_selftest_word(const struct har_case *item)
{
    if (!item->is_done) {
        return "not run";
    }
    if (item->outcome == HAR_INCONCLUSIVE && !item->is_good) {
        return "unclear";
    }
    switch (item->kind) {
    case HAR_CASE_CLEAN:
        return item->outcome == HAR_SKIP ? "skip"
               : item->is_known          ? "known"
               : item->is_good           ? "ok"
                                         : "BROKEN";
    case HAR_CASE_CLAIMED:
        return item->is_good               ? "caught"
               : item->outcome == HAR_FAIL ? "MISTAKEN" /* the failure names another rule */
                                           : "SURVIVED";
    case HAR_CASE_DRAWN:
        return item->is_telling ? "caught"
               : item->is_known ? "known"
                                : har_outcome_name(item->outcome);
    case HAR_CASE_IDLE:
        break;
    }
    return item->is_good ? "no pass" : "VACUOUS";
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
    (void)fprintf(file, "%-9s %-38s %-28s %-4s", har_selftest_word(item), item->scenario->id, name,
                  item->frontend);
    if (item->rule[0] != '\0') {
        (void)fprintf(file, " %s", item->rule);
    }
    if (!item->is_good) {
        (void)fprintf(file, " %s", item->reason);
    }
    (void)fprintf(file, "\n");
    (void)fflush(file);
}

static bool is_of(const struct har_case *item, enum har_case_kind kind,
                  const struct har_scenario *scenario)
{
    return item->kind == kind && item->scenario == scenario;
}

/* "scenario  grpc ok, h2 ok, a caught (RULE), b caught (RULE), c SURVIVED" */
static size_t print_row(FILE *file, const struct har_cases *cases, size_t first)
{
    const struct har_scenario *scenario = cases->items[first].scenario;
    const char *separator = " ";
    size_t i = first;
    int column = fprintf(file, "%-40s", scenario->id);
    for (; i < cases->count; i++) {
        const struct har_case *item = &cases->items[i];
        if (is_of(item, HAR_CASE_CLEAN, scenario)) {
            column +=
                fprintf(file, "%sclean %s %s", separator, item->frontend, har_selftest_word(item));
        } else if (is_of(item, HAR_CASE_CLAIMED, scenario)) {
            if (column > LINE) {
                column = fprintf(file, ",\n%40s", "") - 2;
                separator = " ";
            }
            column +=
                fprintf(file, "%s%s %s", separator, item->mutant_name, har_selftest_word(item));
            if (item->is_good) {
                column += fprintf(file, " (%s)", item->rule);
            }
        } else {
            break;
        }
        separator = ", ";
    }
    (void)fprintf(file, "\n");
    return i;
}

static void print_totals(FILE *file, const struct har_selftest_totals *totals)
{
    (void)fprintf(
        file,
        "\n%u of %u wrong servers caught, in %u runs: %u survived (%u of them failed by a "
        "rule that they do not break)\n",
        totals->caught, totals->expected, totals->runs, totals->survived, totals->blamed);
    (void)fprintf(file,
                  "clean servers: %u of %u runs as they must be, %u of them skipped, %u known\n",
                  totals->clean - totals->clean_failed, totals->clean, totals->clean_skipped,
                  totals->clean_known);
    (void)fprintf(file, "drawn: %u runs, %u failed, %u by a rule that is broken\n", totals->drawn,
                  totals->drawn_failed, totals->drawn_telling);
    if (totals->is_idle_missing) {
        (void)fprintf(file, "vacuous: nobody knows: the list has no server that does nothing\n");
    } else {
        (void)fprintf(file, "servers that do nothing: %u runs, %u vacuous passes\n", totals->idle,
                      totals->vacuous);
    }
    (void)fprintf(file, "inconclusive, or not run: %u\n", totals->inconclusive);
}

void har_selftest_print(FILE *file, const struct har_matrix *matrix)
{
    const struct har_cases *cases = matrix->cases;
    struct har_selftest_totals totals = har_cases_count(cases, matrix->mutants);
    (void)fprintf(file, "\n");
    for (size_t i = 0; i < cases->count;) {
        bool is_row =
            cases->items[i].kind == HAR_CASE_CLEAN || cases->items[i].kind == HAR_CASE_CLAIMED;
        i = is_row ? print_row(file, cases, i) : i + 1;
    }
    for (size_t i = 0; i < matrix->mutants->count; i++) {
        const struct har_mutant *mutant = &matrix->mutants->items[i];
        if (mutant->is_expected && !mutant->is_caught) {
            (void)fprintf(file, "%-40s not caught by any scenario (breaks %s)\n", mutant->name,
                          mutant->rules);
        }
    }
    for (size_t i = 0; i < cases->count; i++) {
        const struct har_case *item = &cases->items[i];
        if (item->is_done && !item->is_good) {
            har_selftest_print_case(file, item);
        }
    }
    print_totals(file, &totals);
    (void)fprintf(file, "seed %llu; %.0f s, %.0f s of processors\n",
                  (unsigned long long)matrix->wish->seed, matrix->seconds, matrix->cpu_seconds);
}
