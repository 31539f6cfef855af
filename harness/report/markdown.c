/* SPDX-License-Identifier: Apache-2.0 */
/* GitHub's Markdown, which GitLab and others read too. */
#include <stdio.h>

#include "harness/report/advice.h"
#include "harness/report/markdown_text.h"
#include "harness/report/report.h"
#include "harness/report/stacks.h"
#include "lib/base/clock.h"

enum {
    ROWS_MAX = 500, /* of a table */
    ROOM = 16 * HAR_REASON_MAX * HAR_FAILURES_MAX +
           6 * HAR_STACKS_MAX, /* for one result and the end, escaped */
    RERUN_SHOWN = 4 * 1024,    /* bytes of a command */
};

static void add_rerun(const struct har_report *report, const struct har_result *result,
                      struct sl_buf *out)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_RERUN_MAX);
    har_report_rerun(report, result->scenario, &line);
    if (line.len <= RERUN_SHOWN) {
        har_markdown_code(out, sl_buf_str(&line));
    } else {
        (void)sl_buf_add_str(out, "(longer than is shown here; it is in the JSON report)");
    }
    sl_buf_release(&line);
}

static const char *mark_of(const struct har_suite *suite, const struct har_result *result)
{
    if (result->is_known) {
        return "FAIL (known)";
    }
    if (result->outcome == HAR_FAIL && !har_result_counts(suite, result)) {
        return "FAIL (does not count)";
    }
    return result->outcome == HAR_FAIL ? "**FAIL**" : har_outcome_label(result->outcome);
}

static bool has_room(const struct sl_buf *out)
{
    return out->len + ROOM < HAR_MARKDOWN_MAX;
}

static void add_row(const struct har_report *report, const struct har_result *result,
                    struct sl_buf *out)
{
    (void)sl_buf_addf(out, "| %s | ", mark_of(report->suite, result));
    har_markdown_code(out, result->scenario->id);
    (void)sl_buf_add_str(out, " | ");
    har_markdown_str(out, result->failure_count > 0 ? result->failures[0].rule : "");
    (void)sl_buf_add_str(out, " | ");
    har_markdown_str(out, result->reason);
    (void)sl_buf_add_str(out, " | ");
    add_rerun(report, result, out);
    (void)sl_buf_add_str(out, " |\n");
}

static void add_left_out(struct sl_buf *out, size_t count)
{
    if (count > 0) {
        (void)sl_buf_addf(out, "\n%zu more are left out here; the JSON report has them.\n", count);
    }
}

/* Everything but what passed or was skipped. */
static bool is_told(const struct har_result *result)
{
    return result->outcome == HAR_FAIL || result->outcome == HAR_INCONCLUSIVE;
}

static void add_table(const struct har_report *report, struct sl_buf *out)
{
    size_t rows = 0;
    size_t left_out = 0;
    for (size_t i = 0; i < report->suite->result_count; i++) {
        const struct har_result *result = &report->suite->results[i];
        if (!is_told(result)) {
            continue;
        }
        if (rows == ROWS_MAX || !has_room(out)) {
            left_out++;
            continue;
        }
        if (rows++ == 0) {
            (void)sl_buf_add_str(out, "\n| verdict | scenario | rule | reason | run again |\n"
                                      "|---|---|---|---|---|\n");
        }
        add_row(report, result, out);
    }
    add_left_out(out, left_out);
}

static void add_item(struct sl_buf *out, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)sl_buf_addf(out, "- %s: ", name);
        har_markdown_str(out, text);
        (void)sl_buf_add_u8(out, '\n');
    }
}

static void add_blame(struct sl_buf *out, const struct har_result *result,
                      const struct har_failure *failure)
{
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_BLAME_MAX);
    har_advice_blame(result, failure, &blame);
    add_item(out, "what broke", sl_buf_str(&blame));
    sl_buf_release(&blame);
}

static void add_stacks(struct sl_buf *out, const struct har_result *result)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_STACKS_MAX);
    har_report_stacks(result, &line);
    add_item(out, "known stacks", sl_buf_str(&line));
    sl_buf_release(&line);
}

static void add_details(const struct har_result *result, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "\n<details><summary>%s ", har_outcome_label(result->outcome));
    har_markdown_code(out, result->scenario->id);
    (void)sl_buf_add_str(out, "</summary>\n\n");
    add_item(out, "what it is", result->scenario->title);
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        add_item(out, failure->rule[0] == '\0' ? "seen" : failure->rule, failure->text);
        add_item(out, "at", failure->path);
        add_blame(out, result, failure);
        add_item(out, "why it matters", har_advice_why(result, failure));
        add_item(out, "look first", har_advice_look(failure));
    }
    add_stacks(out, result);
    for (size_t i = 0; i < result->note_count; i++) {
        add_item(out, "note", result->notes[i]);
    }
    for (size_t i = 0; i < result->latency_count; i++) {
        const struct har_latency *latency = &result->latencies[i];
        (void)sl_buf_add_str(out, "- ");
        har_markdown_str(out, latency->phase);
        (void)sl_buf_addf(out, ", %s: p50 %.1f ms, p99 %.1f ms of %zu\n",
                          har_metric_names[latency->metric],
                          (double)latency->p50_ns / (double)SL_MS,
                          (double)latency->p99_ns / (double)SL_MS, latency->count);
    }
    add_item(out, "evidence", result->evidence);
    (void)sl_buf_addf(out, "- %.1f s, %u %s\n\n</details>\n", (double)result->duration_ns / 1e9,
                      result->plays, result->plays == 1 ? "play" : "plays");
}

static void add_all_details(const struct har_report *report, struct sl_buf *out)
{
    size_t left_out = 0;
    for (size_t i = 0; i < report->suite->result_count; i++) {
        if (is_told(&report->suite->results[i])) {
            if (has_room(out)) {
                add_details(&report->suite->results[i], out);
            } else {
                left_out++;
            }
        }
    }
    add_left_out(out, left_out);
}

static void add_skipped(const struct har_report *report, unsigned count, struct sl_buf *out)
{
    size_t rows = 0;
    size_t left_out = 0;
    if (count == 0) {
        return;
    }
    (void)sl_buf_addf(out,
                      "\n<details><summary>%u skipped</summary>\n\n| scenario | reason |\n"
                      "|---|---|\n",
                      count);
    for (size_t i = 0; i < report->suite->result_count; i++) {
        const struct har_result *result = &report->suite->results[i];
        if (result->outcome != HAR_SKIP) {
            continue;
        }
        if (rows++ >= ROWS_MAX || !has_room(out)) {
            left_out++;
            continue;
        }
        (void)sl_buf_add_str(out, "| ");
        har_markdown_code(out, result->scenario->id);
        (void)sl_buf_add_str(out, " | ");
        har_markdown_str(out, result->reason);
        (void)sl_buf_add_str(out, " |\n");
    }
    add_left_out(out, left_out);
    (void)sl_buf_add_str(out, "\n</details>\n");
}

void har_report_markdown(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    struct har_totals totals = har_totals_count(suite);
    static const char *const headings[] = {"all passed", "failed", "could not run", "inconclusive",
                                           "nothing ran"};
    int status = har_exit_status(suite);
    const char *target = report->target;
    (void)sl_buf_addf(out, "### sluice-harness: %s\n\n", headings[status]);
    if (suite->could_not_start) {
        (void)sl_buf_add_str(out, "The target ");
        har_markdown_text(out, sl_span(target, strnlen(target, RERUN_SHOWN)));
        (void)sl_buf_add_str(out, " cannot be reached: ");
        har_markdown_str(out, suite->start_text);
        (void)sl_buf_add_u8(out, '\n');
        return;
    }
    (void)sl_buf_addf(out, "**%u passed, %u failed", totals.pass, totals.fail);
    if (totals.known > 0) {
        (void)sl_buf_addf(out, " (%u of them known)", totals.known);
    }
    (void)sl_buf_addf(out, ", %u inconclusive, %u skipped** in %.1f s; target ",
                      totals.inconclusive, totals.skip,
                      (double)(suite->end_ns - suite->begin_ns) / 1e9);
    har_markdown_text(out, sl_span(target, strnlen(target, RERUN_SHOWN)));
    (void)sl_buf_add_str(out, ", profile ");
    har_markdown_str(out, report->profile);
    if (report->binding != NULL) {
        (void)sl_buf_add_str(out, ", binding ");
        har_markdown_str(out, report->binding);
    }
    (void)sl_buf_addf(out, ", seed %llu\n", (unsigned long long)suite->config.seed);
    if (suite->not_looked_at[0] != '\0') {
        (void)sl_buf_add_str(out, "\nNot looked at: ");
        har_markdown_str(out, suite->not_looked_at);
        (void)sl_buf_add_u8(out, '\n');
    }
    for (size_t i = 0; i < suite->result_count && has_room(out); i++) {
        if (suite->results[i].has_unexpected_pass) {
            (void)sl_buf_add_str(out, "\nKnown to fail, but it passed; take it out of the list: ");
            har_markdown_code(out, suite->results[i].scenario->id);
            (void)sl_buf_add_u8(out, '\n');
        }
    }
    add_table(report, out);
    add_all_details(report, out);
    add_skipped(report, totals.skip, out);
}
