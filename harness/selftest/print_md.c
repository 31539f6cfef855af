/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix as a page. */
#include "harness/report/markdown_text.h"
#include "harness/selftest/print.h"
#include "lib/base/clock.h"

static void add_option(struct sl_buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        (void)sl_buf_addf(out, " --%s '%s'", name, value);
    }
}

/* The line that makes this page; without paths, which are this machine's. */
static void add_command(const struct har_matrix *matrix, struct sl_buf *out)
{
    const struct har_wish *wish = matrix->wish;
    (void)sl_buf_addf(out, "sluice-harness selftest --seed %llu", (unsigned long long)wish->seed);
    if (wish->one_in > 1) {
        (void)sl_buf_addf(out, " --sample 1/%u", wish->one_in);
    }
    add_option(out, "scenario", wish->scenario);
    add_option(out, "mutant", wish->mutant);
    add_option(out, "frontend", wish->frontend);
    (void)sl_buf_addf(out, " --jobs %u --report md=docs/MATRIX.md", matrix->jobs);
}

static void add_head(const struct har_matrix *matrix, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "# The matrix\n\n"
                              "What `sluice-harness selftest` saw: each wrong server of "
                              "`sluice-server --misbehave list` against the\n"
                              "scenarios that name it in `catches`, and against five short ones "
                              "more, drawn by the seed; every scenario\n"
                              "against the clean server, on both front ends; every scenario "
                              "against two servers that do nothing, on\n"
                              "which none may pass. [HARNESS.md](HARNESS.md#the-selftest) says "
                              "what counts. This page is generated:\n\n"
                              "```sh\n");
    add_command(matrix, out);
    (void)sl_buf_add_str(out, "\n```\n\nOn ");
    char date[SL_RFC3339_MAX];
    (void)sl_buf_addf(out, "%.10s, in %.0f s.\n", sl_clock_rfc3339(matrix->begin_wall_ns, date),
                      matrix->seconds);
}

static void add_figures(const struct har_matrix *matrix, struct sl_buf *out)
{
    struct har_selftest_totals totals = har_cases_count(matrix->cases, matrix->mutants);
    (void)sl_buf_addf(out,
                      "\n| | |\n|---|---|\n"
                      "| wrong servers | %u |\n"
                      "| caught, by a rule that they break | %u |\n"
                      "| runs of scenarios against those that they name | %u |\n"
                      "| of these survived | %u |\n"
                      "| of the survivors failed by another rule | %u |\n",
                      totals.expected, totals.caught, totals.runs, totals.survived, totals.blamed);
    (void)sl_buf_addf(out,
                      "| runs against the clean servers | %u |\n"
                      "| of these failed | %u |\n"
                      "| known of the C core | %u |\n"
                      "| skipped | %u |\n",
                      totals.clean, totals.clean_failed, totals.clean_known, totals.clean_skipped);
    (void)sl_buf_addf(out,
                      "| runs that were drawn | %u |\n"
                      "| of these failed | %u |\n"
                      "| by a rule that is broken | %u |\n"
                      "| runs against servers that do nothing | %u |\n"
                      "| vacuous passes | %u |\n"
                      "| inconclusive | %u |\n",
                      totals.drawn, totals.drawn_failed, totals.drawn_telling, totals.idle,
                      totals.vacuous, totals.inconclusive);
}

/* The cases of one kind of one wrong server, in one cell. */
static void add_cell(const struct har_matrix *matrix, const struct har_mutant *mutant,
                     enum har_case_kind kind, struct sl_buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < matrix->cases->count; i++) {
        const struct har_case *item = &matrix->cases->items[i];
        if (item->mutant != mutant || item->kind != kind) {
            continue;
        }
        (void)sl_buf_addf(out, "%s%s ", separator, item->scenario->id);
        (void)sl_buf_add_str(out, har_selftest_word(item));
        if (item->rule[0] != '\0') {
            (void)sl_buf_addf(out, " %s", item->rule);
        }
        separator = ", ";
    }
}

static void add_mutants(const struct har_matrix *matrix, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "\n## Wrong servers\n\n"
                              "| wrong server | front end | breaks | scenarios that name it | "
                              "drawn |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < matrix->mutants->count; i++) {
        const struct har_mutant *mutant = &matrix->mutants->items[i];
        if (!mutant->is_expected) {
            continue;
        }
        (void)sl_buf_addf(out, "| %s | %s | %s | ", mutant->name, mutant->frontend, mutant->rules);
        add_cell(matrix, mutant, HAR_CASE_CLAIMED, out);
        (void)sl_buf_add_str(out, " | ");
        add_cell(matrix, mutant, HAR_CASE_DRAWN, out);
        (void)sl_buf_add_str(out, " |\n");
    }
}

/* Those of a kind that are not what most of it are. */
static void add_list(const struct har_matrix *matrix, enum har_case_kind kind,
                     enum har_outcome most, const char *head, struct sl_buf *out)
{
    bool has_any = false;
    for (size_t i = 0; i < matrix->cases->count; i++) {
        const struct har_case *item = &matrix->cases->items[i];
        if (item->kind != kind || (item->is_done && item->outcome == most)) {
            continue;
        }
        if (!has_any) {
            (void)sl_buf_add_str(out, head);
            has_any = true;
        }
        (void)sl_buf_addf(out, "| %s | %s | %s | %s | ", item->scenario->id,
                          item->mutant_name == NULL ? "clean" : item->mutant_name, item->frontend,
                          har_selftest_word(item));
        har_markdown_str(out, item->rule[0] == '\0' ? item->reason : item->rule);
        (void)sl_buf_add_str(out, " |\n");
    }
}

void har_selftest_md(const struct har_matrix *matrix, struct sl_buf *out)
{
    add_head(matrix, out);
    add_figures(matrix, out);
    add_list(matrix, HAR_CASE_CLEAN, HAR_PASS,
             "\n## What did not pass on the clean servers\n\n"
             "| scenario | server | front end | | |\n|---|---|---|---|---|\n",
             out);
    add_list(matrix, HAR_CASE_IDLE, HAR_FAIL,
             "\n## What did not fail on the servers that do nothing\n\n"
             "| scenario | server | front end | | |\n|---|---|---|---|---|\n",
             out);
    add_mutants(matrix, out);
}
