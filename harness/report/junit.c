/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/report/advice.h"
#include "harness/report/report.h"
#include "harness/report/shown.h"
#include "harness/report/stacks.h"

enum {
    BODY_MAX = HAR_RERUN_MAX + 64 * 1024,
};

void har_xml_add(struct sl_buf *out, const char *text)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        uint8_t c = rest.data[0];
        bool is_blank = c == '\t' || c == '\n';
        /* XML 1.0 2.2 has no control characters but these and CR, no U+FFFE and U+FFFF. */
        if (!har_shown_piece(&rest, &piece) && !is_blank) {
            har_shown_escape(piece, "\\x", out);
        } else if (c == '<' || c == '>' || c == '&' || c == '"' || is_blank) {
            const char *escaped = c == '<'    ? "&lt;"
                                  : c == '>'  ? "&gt;"
                                  : c == '&'  ? "&amp;"
                                  : c == '"'  ? "&quot;"
                                  : c == '\n' ? "&#10;"
                                              : "&#9;";
            (void)sl_buf_add_str(out, escaped);
        } else {
            (void)sl_buf_add_span(out, piece);
        }
    }
}

/* body: what is below the message; NULL: nothing. */
static void add_element(struct sl_buf *out, const char *name, const char *type, const char *message,
                        struct sl_buf *body)
{
    (void)sl_buf_addf(out, "      <%s", name);
    if (type != NULL) {
        (void)sl_buf_add_str(out, " type=\"");
        har_xml_add(out, type);
        (void)sl_buf_add_str(out, "\"");
    }
    (void)sl_buf_add_str(out, " message=\"");
    har_xml_add(out, message);
    if (body == NULL) {
        (void)sl_buf_add_str(out, "\"/>\n");
        return;
    }
    (void)sl_buf_add_str(out, "\">");
    har_xml_add(out, sl_buf_str(body));
    (void)sl_buf_addf(out, "</%s>\n", name);
}

/* What GitLab and Jenkins show of a case: all that was not as it must be, and how to see it again. */
static void add_body(const struct har_report *report, const struct har_result *result,
                     struct sl_buf *body)
{
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        const char *look = har_advice_look(failure);
        (void)sl_buf_addf(body, "%s%s%s%s%s", failure->rule, failure->rule[0] == '\0' ? "" : ": ",
                          failure->text, failure->is_mistake ? " (a mistake of the scenario)" : "",
                          failure->rule[0] == '\0' ? "" : "\n  what broke: ");
        har_advice_blame(result, failure, body);
        (void)sl_buf_addf(body, "\n  why it matters: %s\n", har_advice_why(result, failure));
        if (look != NULL) {
            (void)sl_buf_addf(body, "  look first: %s\n", look);
        }
    }
    struct sl_buf stacks;
    sl_buf_init(&stacks, HAR_STACKS_MAX);
    har_report_stacks(result, &stacks);
    if (stacks.len > 0) {
        (void)sl_buf_addf(body, "known stacks: %s\n", sl_buf_str(&stacks));
    }
    sl_buf_release(&stacks);
    for (size_t i = 0; i < result->note_count; i++) {
        (void)sl_buf_addf(body, "note: %s\n", result->notes[i]);
    }
    if (result->evidence[0] != '\0') {
        (void)sl_buf_addf(body, "evidence: %s\n", result->evidence);
    }
    (void)sl_buf_add_str(body, "run again: ");
    har_report_rerun(report, result->scenario, body);
}

/* What the wire showed besides the verdict, also of a case that passed: the case's <system-out>. */
static void add_findings(const struct har_result *result, struct sl_buf *out)
{
    if (result->finding_count == 0) {
        return;
    }
    (void)sl_buf_add_str(out, "      <system-out>");
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct har_seen_finding *seen = &result->findings[i];
        (void)sl_buf_addf(out, "finding of level %c, %s, %llu times: ", seen->level,
                          seen->is_server ? "server" : "client", (unsigned long long)seen->count);
        har_xml_add(out, seen->rule);
        (void)sl_buf_add_str(out, ": ");
        har_xml_add(out, seen->text);
        (void)sl_buf_add_u8(out, '\n');
    }
    (void)sl_buf_add_str(out, "</system-out>\n");
}

/* As what a result stands there. A failure is what makes the run fail. */
enum kind { KIND_NONE, KIND_FAILURE, KIND_ERROR, KIND_SKIPPED, KINDS };
static const char *const names[KINDS] = {NULL, "failure", "error", "skipped"};

static enum kind kind_of(const struct har_suite *suite, const struct har_result *result)
{
    if (har_result_counts(suite, result) || result->has_unexpected_pass) {
        return KIND_FAILURE;
    }
    if (result->outcome == HAR_INCONCLUSIVE) {
        return KIND_ERROR;
    }
    return result->outcome == HAR_PASS ? KIND_NONE : KIND_SKIPPED;
}

/* The folder of a scenario is its class, the rest its name. */
static void add_case(const struct har_report *report, const struct har_result *result,
                     struct sl_buf *out)
{
    const char *id = result->scenario->id;
    const char *slash = strrchr(id, '/');
    char folder[256];
    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 0 : (int)(slash - id), id);
    (void)sl_buf_add_str(out, "    <testcase classname=\"sluice.");
    har_xml_add(out, folder);
    (void)sl_buf_add_str(out, "\" name=\"");
    har_xml_add(out, slash == NULL ? id : slash + 1);
    (void)sl_buf_addf(out, "\" time=\"%.3f\"", (double)result->duration_ns / 1e9);
    enum kind kind = kind_of(report->suite, result);
    if (kind == KIND_NONE && result->finding_count == 0) {
        (void)sl_buf_add_str(out, "/>\n");
        return;
    }
    struct sl_buf body;
    sl_buf_init(&body, BODY_MAX);
    add_body(report, result, &body);
    (void)sl_buf_add_str(out, ">\n");
    if (result->has_unexpected_pass) {
        add_element(out, names[kind], "known-failing", HAR_LISTED_PASS, NULL);
    } else if (kind == KIND_SKIPPED) {
        add_element(out, names[kind], NULL, result->reason, NULL);
    } else if (kind == KIND_ERROR) {
        add_element(out, names[kind], "inconclusive", result->reason, &body);
    } else if (kind == KIND_FAILURE) {
        add_element(out, names[kind], result->failure_count > 0 ? result->failures[0].rule : "",
                    result->reason, &body);
    }
    sl_buf_release(&body);
    add_findings(result, out);
    (void)sl_buf_add_str(out, "    </testcase>\n");
}

void har_report_junit(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    unsigned of[KINDS] = {[KIND_ERROR] = suite->could_not_start ? 1 : 0};
    unsigned count = suite->could_not_start ? 1 : (unsigned)suite->result_count;
    for (size_t i = 0; i < suite->result_count && !suite->could_not_start; i++) {
        of[kind_of(suite, &suite->results[i])]++;
    }
    (void)sl_buf_addf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites tests=\"%u\" failures=\"%u\" errors=\"%u\">\n  <testsuite name=\"",
        count, of[KIND_FAILURE], of[KIND_ERROR]);
    har_xml_add(out, "sluice ");
    har_xml_add(out, report->target);
    (void)sl_buf_addf(
        out, "\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.3f\">\n", count,
        of[KIND_FAILURE], of[KIND_ERROR], of[KIND_SKIPPED],
        (double)(suite->end_ns - suite->begin_ns) / 1e9);
    if (suite->could_not_start) {
        (void)sl_buf_add_str(out,
                             "    <testcase classname=\"sluice\" name=\"target\" time=\"0\">\n");
        add_element(out, "error", "unreachable", suite->start_text, NULL);
        (void)sl_buf_add_str(out, "    </testcase>\n");
    }
    for (size_t i = 0; i < suite->result_count && !suite->could_not_start; i++) {
        add_case(report, &suite->results[i], out);
    }
    (void)sl_buf_add_str(out, "  </testsuite>\n</testsuites>\n");
}
