/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/report/advice.h"
#include "harness/report/digest.h"
#include "harness/report/fold.h"
#include "harness/report/report.h"
#include "harness/report/shown.h"
#include "harness/report/stacks.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"

enum {
    FOLDED_MAX = 4 * 1024 * 1024,
};

const char *har_outcome_label(enum har_outcome outcome)
{
    static const char *const labels[] = {"PASS", "FAIL", "INCONCLUSIVE", "SKIP"};
    return labels[outcome];
}

struct har_totals har_totals_count(const struct har_suite *suite)
{
    struct har_totals totals = {0};
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        totals.pass += result->outcome == HAR_PASS;
        totals.fail += result->outcome == HAR_FAIL;
        totals.inconclusive += result->outcome == HAR_INCONCLUSIVE;
        totals.skip += result->outcome == HAR_SKIP;
        totals.known += result->is_known;
    }
    return totals;
}

/* Of these levels a failure does not count, of S only without --strict. */
static bool is_lenient(int level)
{
    return level == HAR_LEVEL_S || level == HAR_LEVEL_I;
}

bool har_result_counts(const struct har_suite *suite, const struct har_result *result)
{
    int level = result->scenario->level;
    bool is_judged = !is_lenient(level) || (level == HAR_LEVEL_S && suite->config.is_strict);
    return result->outcome == HAR_FAIL && !result->is_known && is_judged;
}

int har_exit_status(const struct har_suite *suite)
{
    if (suite->could_not_start) {
        return 2;
    }
    struct har_totals totals = har_totals_count(suite);
    bool has_failed = false;
    bool is_mistaken = false;
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        is_mistaken |= result->is_mistaken;
        has_failed |= result->has_unexpected_pass || har_result_counts(suite, result);
    }
    if (is_mistaken) {
        return 2;
    }
    if (has_failed) {
        return 1;
    }
    if (totals.inconclusive > 0) {
        return 3;
    }
    return totals.pass + totals.fail == 0 ? 4 : 0;
}

void har_report_text_line(FILE *file, const char *text)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        if (har_shown_piece(&rest, &piece)) {
            (void)fwrite(piece.data, 1, piece.len, file);
            continue;
        }
        for (size_t i = 0; i < piece.len; i++) {
            (void)fprintf(file, piece.data[i] == '\n' ? " | " : "\\x%02x", piece.data[i]);
        }
    }
    (void)fputc('\n', file);
}

static void put_rule(FILE *file, const struct har_failure *failure)
{
    if (failure->rule[0] != '\0') { /* time ran out at a step without one */
        (void)fprintf(file, "[%s] ", failure->rule);
    }
}

/* Green, red, yellow, dim. */
static const char *colour_of(enum har_outcome outcome)
{
    static const char *const colours[] = {"\033[32m", "\033[1;31m", "\033[33m", "\033[2m"};
    return colours[outcome];
}

static void put_item(FILE *file, const char *label, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)fprintf(file, "%-12s  %s: ", "", label);
        har_report_text_line(file, text);
    }
}

static void put_advice(FILE *file, const struct har_result *result)
{
    const struct har_failure *failure = &result->failures[0];
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_STACKS_MAX);
    har_advice_blame(result, failure, &blame);
    put_item(file, "what broke", sl_buf_str(&blame));
    put_item(file, "why it matters", har_advice_why(result, failure));
    put_item(file, "look first", har_advice_look(failure));
    sl_buf_clear(&blame);
    har_report_stacks(result, &blame);
    put_item(file, "known stacks", sl_buf_str(&blame));
    sl_buf_release(&blame);
}

void har_report_text_result(FILE *file, const struct har_result *result, bool has_colour)
{
    (void)fprintf(file, "%s%-12s%s  %-44s %6.1f s  ", has_colour ? colour_of(result->outcome) : "",
                  har_outcome_label(result->outcome), has_colour ? "\033[0m" : "",
                  result->scenario->id, (double)result->duration_ns / 1e9);
    if (result->is_known) {
        (void)fprintf(file, "(known) ");
    }
    if (result->outcome == HAR_FAIL && is_lenient(result->scenario->level)) {
        (void)fprintf(file, "(level %s) ", har_level_name(result->scenario->level));
    }
    if (result->outcome == HAR_FAIL && result->failure_count > 0) {
        put_rule(file, &result->failures[0]);
    }
    har_report_text_line(file, result->reason);
    for (size_t i = 1; i < result->failure_count && result->outcome == HAR_FAIL; i++) {
        (void)fprintf(file, "%-12s  ", "");
        put_rule(file, &result->failures[i]);
        har_report_text_line(file, result->failures[i].text);
    }
    if (result->outcome == HAR_FAIL && result->failure_count > 0) {
        put_advice(file, result);
    }
    for (size_t i = 0; i < result->note_count; i++) {
        (void)fprintf(file, "%-12s  note: ", "");
        har_report_text_line(file, result->notes[i]);
    }
    if (result->evidence[0] != '\0') {
        (void)fprintf(file, "%-12s  evidence: %s\n", "", result->evidence);
    }
    (void)fflush(file);
}

/* A piece of the report as text, and that folded for the terminal that file is. */
typedef void put_fn(FILE *file, const void *of, bool has_colour);
static void put_folded(FILE *file, put_fn *put, const void *of, bool has_colour)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (memory == NULL) {
        put(file, of, has_colour);
        return;
    }
    put(memory, of, has_colour);
    (void)fclose(memory);
    struct sl_buf folded;
    sl_buf_init(&folded, FOLDED_MAX);
    har_fold(sl_span(text, len), sl_progress_columns(file) + 1, &folded);
    (void)fwrite(folded.is_full ? (const uint8_t *)text : folded.data, 1,
                 folded.is_full ? len : folded.len, file);
    (void)fflush(file);
    sl_buf_release(&folded);
    free(text);
}

static void put_result(FILE *file, const void *result, bool has_colour)
{
    har_report_text_result(file, result, has_colour);
}

void har_report_text_result_folded(FILE *file, const struct har_result *result, bool has_colour)
{
    put_folded(file, put_result, result, has_colour);
}

/* Those whose failure is no failure of the run, though nobody has listed it. */
static unsigned count_lenient(const struct har_suite *suite)
{
    unsigned count = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        count +=
            result->outcome == HAR_FAIL && !result->is_known && !har_result_counts(suite, result);
    }
    return count;
}

static void put_end(FILE *file, const void *of, bool has_colour)
{
    (void)has_colour;
    har_report_text_end(file, of);
}

void har_report_text_end_folded(FILE *file, const struct har_report *report)
{
    put_folded(file, put_end, report, false);
}

void har_report_text_end(FILE *file, const struct har_report *report)
{
    const struct har_suite *suite = report->suite;
    if (suite->could_not_start) {
        return;
    }
    har_report_digest(file, suite);
    struct har_totals totals = har_totals_count(suite);
    (void)fprintf(file, "\n%u passed, %u failed", totals.pass, totals.fail);
    if (totals.known > 0) {
        (void)fprintf(file, " (%u of them known)", totals.known);
    }
    if (count_lenient(suite) > 0) {
        (void)fprintf(file, " (%u of them of a level that does not count)", count_lenient(suite));
    }
    (void)fprintf(
        file,
        ", %u inconclusive, %u skipped in %.1f s; %s%s%sseed %llu; the machine paused for up "
        "to %.1f ms\n",
        totals.inconclusive, totals.skip, (double)(suite->end_ns - suite->begin_ns) / 1e9,
        report->binding == NULL ? "" : "binding ", report->binding == NULL ? "" : report->binding,
        report->binding == NULL ? "" : "; ", (unsigned long long)suite->config.seed,
        (double)suite->hiccup_max_ns / (double)SL_MS);
    if (suite->not_looked_at[0] != '\0') {
        (void)fprintf(file, "not looked at: %s\n", suite->not_looked_at);
    }
    for (size_t i = 0; i < suite->result_count; i++) {
        if (suite->results[i].has_unexpected_pass) {
            (void)fprintf(file, "known-failing: %s passed; take its entry out of the list\n",
                          suite->results[i].scenario->id);
        }
    }
}
