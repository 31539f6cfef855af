/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations of GitHub Actions (its "workflow commands"): a line for each failure and one for all, which a step prints. In the text
 * "%" and ends of lines are escaped, in what stands before it "," and ":" too; a peer's text is one line, so that no
 * command of its own begins in it.
 */
#include <stdio.h>

#include "harness/report/report.h"
#include "harness/report/shown.h"

enum {
    SHOWN_MAX = 10, /* annotations of one kind that GitHub shows of a step */
};

static void add_text(struct sl_buf *out, const char *text, bool is_property)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        if (!har_shown_piece(&rest, &piece)) {
            har_shown_escape(piece, "\\x", out);
        } else if (piece.data[0] == '%' ||
                   (is_property && (piece.data[0] == ',' || piece.data[0] == ':'))) {
            (void)sl_buf_addf(out, "%%%02X", piece.data[0]);
        } else {
            (void)sl_buf_add_span(out, piece);
        }
    }
}

static const char *rule_of(const struct har_result *result)
{
    return result->failure_count > 0 ? result->failures[0].rule : "";
}

/* A scenario of the user's own is a file of the repository that is tested; one that the run itself made is not. */
static bool is_own(const struct har_report *report, const struct har_scenario *scenario)
{
    return report->rerun == NULL && report->library != NULL && scenario->path != NULL &&
           strncmp(scenario->path, report->library, strlen(report->library)) != 0;
}

static void add_result(const struct har_report *report, const char *command,
                       const struct har_result *result, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "::%s ", command);
    if (is_own(report, result->scenario)) {
        (void)sl_buf_add_str(out, "file=");
        add_text(out, result->scenario->path, true);
        (void)sl_buf_add_u8(out, ',');
    }
    (void)sl_buf_add_str(out, "title=");
    add_text(out, result->scenario->id, true);
    if (rule_of(result)[0] != '\0') {
        (void)sl_buf_add_str(out, " [");
        add_text(out, rule_of(result), true);
        (void)sl_buf_add_u8(out, ']');
    }
    (void)sl_buf_add_str(out, "::");
    const char *reason = result->reason[0] == '\0' ? "no reason is known" : result->reason;
    add_text(out, result->has_unexpected_pass ? HAR_LISTED_PASS : reason, false);
    (void)sl_buf_add_u8(out, '\n');
}

/* What makes the run fail is an error, what nobody could tell a warning; nothing else is told. */
static const char *command_of(const struct har_suite *suite, const struct har_result *result)
{
    if (result->outcome == HAR_INCONCLUSIVE) {
        return "warning";
    }
    bool is_error = (result->outcome == HAR_FAIL && har_result_counts(suite, result)) ||
                    result->has_unexpected_pass;
    return is_error ? "error" : NULL;
}

static void add_all(const struct har_report *report, const char *command, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    size_t count = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        const char *of = command_of(suite, &suite->results[i]);
        if (of == NULL || strcmp(of, command) != 0) {
            continue;
        }
        if (count++ < SHOWN_MAX - 1) {
            add_result(report, command, &suite->results[i], out);
        }
    }
    if (count >= SHOWN_MAX) {
        (void)sl_buf_addf(out, "::%s title=sluice-harness::%zu more; the summary has them\n",
                          command, count - (SHOWN_MAX - 1));
    }
}

void har_report_github(const struct har_report *report, struct sl_buf *out)
{
    if (report->suite->could_not_start) {
        (void)sl_buf_add_str(out, "::error title=sluice-harness::the target cannot be reached: ");
        add_text(out, report->suite->start_text, false);
        (void)sl_buf_add_u8(out, '\n');
        return;
    }
    add_all(report, "error", out);
    add_all(report, "warning", out);
    struct har_totals totals = har_totals_count(report->suite);
    (void)sl_buf_addf(out,
                      "::notice title=sluice-harness::%u passed, %u failed, %u inconclusive, "
                      "%u skipped\n",
                      totals.pass, totals.fail, totals.inconclusive, totals.skip);
}
