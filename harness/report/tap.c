/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP 14 (testanything.org/tap-version-14-specification.html): a test point a result, in the order of the run. Nothing
 * in it is new since TAP 13 but the escapes, and 13 is what it calls itself: prove reads no file that says 14.
 */
#include <stdio.h>

#include "harness/report/advice.h"
#include "harness/report/report.h"
#include "harness/report/shown.h"

/* Of a description or directive: one line, in which "#" and "\" are escaped. */
static void add_line(struct sl_buf *out, const char *text)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        bool is_shown = har_shown_piece(&rest, &piece);
        if (!is_shown) {
            har_shown_escape(piece, "\\\\x", out);
            continue;
        }
        if (piece.data[0] == '\\' || piece.data[0] == '#') {
            (void)sl_buf_add_u8(out, '\\');
        }
        (void)sl_buf_add_span(out, piece);
    }
}

/* A double-quoted scalar (YAML 1.2 7.3.1). What may not be shown is in it as the visible text \xNN. */
static void add_quoted(struct sl_buf *out, const char *text)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    (void)sl_buf_add_u8(out, '"');
    while (rest.len > 0) {
        bool is_shown = har_shown_piece(&rest, &piece);
        if (is_shown && piece.data[0] != '"' && piece.data[0] != '\\') {
            (void)sl_buf_add_span(out, piece);
        } else if (is_shown || piece.data[0] == '\n' || piece.data[0] == '\t') {
            char c = (char)piece.data[0];
            (void)sl_buf_addf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : c);
        } else {
            har_shown_escape(piece, "\\\\x", out);
        }
    }
    (void)sl_buf_add_str(out, "\"\n");
}

static void add_key(struct sl_buf *out, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)sl_buf_addf(out, "%s: ", key);
        add_quoted(out, text);
    }
}

static void add_blame(struct sl_buf *out, const struct har_result *result,
                      const struct har_failure *failure)
{
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_BLAME_MAX);
    har_advice_blame(result, failure, &blame);
    add_key(out, "      blame", sl_buf_str(&blame));
    sl_buf_release(&blame);
}

static void add_findings(const struct har_result *result, struct sl_buf *out)
{
    if (result->finding_count > 0) {
        (void)sl_buf_add_str(out, "  findings:\n");
    }
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct har_seen_finding *seen = &result->findings[i];
        add_key(out, "    - rule", seen->rule);
        (void)sl_buf_addf(out, "      level: %c\n      side: %s\n      count: %llu\n", seen->level,
                          seen->is_server ? "server" : "client", (unsigned long long)seen->count);
        add_key(out, "      text", seen->text);
    }
}

static void add_diagnostic(const struct har_report *report, const struct har_result *result,
                           struct sl_buf *out)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_RERUN_MAX);
    har_report_rerun(report, result->scenario, &line);
    (void)sl_buf_add_str(out, "  ---\n");
    add_key(out, "  message", result->has_unexpected_pass ? HAR_LISTED_PASS : result->reason);
    add_key(out, "  severity", har_outcome_name(result->outcome));
    (void)sl_buf_addf(out, "  duration_ms: %.3f\n", (double)result->duration_ns / 1e6);
    if (result->failure_count > 0) {
        (void)sl_buf_add_str(out, "  failures:\n");
    }
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        add_key(out, "    - text", failure->text);
        if (failure->text[0] == '\0') {
            (void)sl_buf_add_str(out, "    - text: \"\"\n");
        }
        add_key(out, "      rule", failure->rule);
        add_key(out, "      at", failure->path);
        add_blame(out, result, failure);
        add_key(out, "      why", har_advice_why(result, failure));
        add_key(out, "      look", har_advice_look(failure));
    }
    if (result->note_count > 0) {
        (void)sl_buf_add_str(out, "  notes:\n");
    }
    for (size_t i = 0; i < result->note_count; i++) {
        (void)sl_buf_add_str(out, "    - ");
        add_quoted(out, result->notes[i]);
    }
    add_findings(result, out);
    add_key(out, "  evidence", result->evidence);
    add_key(out, "  rerun", sl_buf_str(&line));
    (void)sl_buf_add_str(out, "  ...\n");
    sl_buf_release(&line);
}

static void add_directive(const struct har_suite *suite, const struct har_result *result,
                          struct sl_buf *out)
{
    if (result->outcome == HAR_SKIP) {
        (void)sl_buf_add_str(out, " # SKIP ");
        add_line(out, result->reason);
    } else if (result->is_known) {
        (void)sl_buf_add_str(out, " # TODO known failing");
    } else if (result->outcome == HAR_FAIL && !har_result_counts(suite, result)) {
        (void)sl_buf_addf(out, " # TODO level %s does not count",
                          har_level_name(result->scenario->level));
    }
}

void har_report_tap(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    (void)sl_buf_add_str(out, "TAP version 13\n");
    if (suite->could_not_start) {
        (void)sl_buf_add_str(out, "Bail out! the target cannot be reached: ");
        add_line(out, suite->start_text);
        (void)sl_buf_add_u8(out, '\n');
        return;
    }
    (void)sl_buf_addf(out, "1..%zu%s\n", suite->result_count,
                      suite->result_count == 0 ? " # SKIP nothing ran" : "");
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        bool is_ok = (result->outcome == HAR_PASS && !result->has_unexpected_pass) ||
                     result->outcome == HAR_SKIP;
        (void)sl_buf_addf(out, "%sok %zu - ", is_ok ? "" : "not ", i + 1);
        add_line(out, result->scenario->id);
        add_directive(suite, result, out);
        (void)sl_buf_add_u8(out, '\n');
        if (!is_ok) {
            add_diagnostic(report, result, out);
        } else if (result->finding_count > 0) {
            (void)sl_buf_add_str(out, "  ---\n");
            add_findings(result, out);
            (void)sl_buf_add_str(out, "  ...\n");
        }
    }
}
