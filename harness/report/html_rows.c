/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/advice.h"
#include "harness/report/html.h"
#include "harness/report/page.h"
#include "harness/report/stacks.h"
#include "harness/rules/rules.h"
#include "lib/base/clock.h"
#include "lib/wire/rule.h"

const char *har_html_rule(const char *id, const json_t *own)
{
    const char *text = json_string_value(json_object_get(own, id));
    const struct har_rule *rule = text == NULL ? har_rule_find(id) : NULL;
    const struct sl_rule *wire = text == NULL && rule == NULL ? sl_rule_find(id) : NULL;
    return rule != NULL ? rule->title : wire != NULL ? wire->title : text;
}

static void add_pair(struct sl_buf *out, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)sl_buf_addf(out, "<dt>%s</dt><dd><bdi>", name);
        har_page_text(out, text);
        (void)sl_buf_add_str(out, "</bdi></dd>\n");
    }
}

static void add_rule(struct sl_buf *out, const char *id, const json_t *own)
{
    const char *asks = har_html_rule(id, own);
    (void)sl_buf_add_str(out, "<code>");
    har_page_text(out, id);
    (void)sl_buf_add_str(out, "</code>");
    if (asks != NULL) {
        (void)sl_buf_add_str(out, " <bdi class=\"faint\">");
        har_page_text(out, asks);
        (void)sl_buf_add_str(out, "</bdi>");
    }
}

static void add_blame(struct sl_buf *out, const struct har_result *result,
                      const struct har_failure *failure)
{
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_BLAME_MAX);
    har_advice_blame(result, failure, &blame);
    add_pair(out, "what broke", sl_buf_str(&blame));
    sl_buf_release(&blame);
}

static void add_rules(struct sl_buf *out, const struct har_scenario *scenario)
{
    (void)sl_buf_add_str(out, "<dt>rules</dt><dd>");
    for (size_t i = 0; i < scenario->rules.count; i++) {
        (void)sl_buf_add_str(out, i == 0 ? "" : "<br>");
        add_rule(out, scenario->rules.items[i], scenario->own_rules);
    }
    (void)sl_buf_add_str(out, "</dd>\n");
}

static void add_failures(struct sl_buf *out, const struct har_result *result)
{
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        (void)sl_buf_add_str(out, "<dt>seen</dt><dd>");
        if (failure->rule[0] != '\0') {
            (void)sl_buf_add_str(out, "<code class=\"fail\">");
            har_page_text(out, failure->rule);
            (void)sl_buf_add_str(out, "</code> ");
        }
        (void)sl_buf_add_str(out, "<bdi>");
        har_page_text(out, failure->text);
        (void)sl_buf_add_str(out, "</bdi>");
        if (failure->path[0] != '\0') {
            (void)sl_buf_add_str(out, " <span class=\"faint\">at <code>");
            har_page_text(out, failure->path);
            (void)sl_buf_add_str(out, "</code></span>");
        }
        (void)sl_buf_add_str(out, "</dd>\n");
        /* Once for those that have it in common. */
        const char *why = har_advice_why(result, failure);
        const struct har_failure *next = i + 1 < result->failure_count ? failure + 1 : NULL;
        if (next == NULL || strcmp(next->rule, failure->rule) != 0 ||
            strcmp(har_advice_why(result, next), why) != 0) {
            add_blame(out, result, failure);
            add_pair(out, "why it matters", why);
            add_pair(out, "look first", har_advice_look(failure));
        }
    }
}

static void add_stacks(struct sl_buf *out, const struct har_result *result)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_STACKS_MAX);
    har_report_stacks(result, &line);
    add_pair(out, "known stacks", sl_buf_str(&line));
    sl_buf_release(&line);
}

/* Milliseconds, a cell. */
static void add_ms(struct sl_buf *out, uint64_t ns)
{
    (void)sl_buf_addf(out, "<td class=\"number\">%.3f", (double)ns / (double)SL_MS);
}

static void add_latencies(struct sl_buf *out, const struct har_result *result)
{
    static const char *const heads[] = {"count", "p50 ms", "p90", "p99", "p99.9", "max"};
    if (result->latency_count == 0) {
        return;
    }
    (void)sl_buf_add_str(out, "<div class=\"latency\"><h3>Latency</h3><div class=\"wide\">"
                              "<table><thead><tr><th>phase<th>latency");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        (void)sl_buf_addf(out, "<th class=\"number\">%s", heads[i]);
    }
    (void)sl_buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < result->latency_count; i++) {
        const struct har_latency *latency = &result->latencies[i];
        (void)sl_buf_add_str(out, "<tr><td>");
        har_page_text(out, latency->phase);
        (void)sl_buf_addf(out, "<td>%s<td class=\"number\">%zu", har_metric_names[latency->metric],
                          latency->count);
        add_ms(out, latency->p50_ns);
        add_ms(out, latency->p90_ns);
        add_ms(out, latency->p99_ns);
        if (latency->count >= HAR_LATENCY_P999_MIN) {
            add_ms(out, latency->p999_ns);
        } else {
            (void)sl_buf_add_str(out, "<td>");
        }
        add_ms(out, latency->max_ns);
        (void)sl_buf_add_str(out, "</tr>\n");
    }
    (void)sl_buf_add_str(out, "</tbody></table></div></div>\n");
}

static void add_more(struct sl_buf *out, const struct har_report *report,
                     const struct har_result *result)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_RERUN_MAX);
    har_report_rerun(report, result->scenario, &line);
    (void)sl_buf_add_str(out, "<div class=\"more\"><dl>\n");
    add_pair(out, "what it is", result->scenario->title);
    add_failures(out, result);
    add_stacks(out, result);
    if (result->failure_count == 0) { /* else each failure tells it */
        add_pair(out, "why it matters", result->scenario->why);
    }
    for (size_t i = 0; i < result->note_count; i++) {
        add_pair(out, "note", result->notes[i]);
    }
    if (result->plays > 1) {
        (void)sl_buf_addf(out, "<dt>plays</dt><dd>%u</dd>\n", result->plays);
    }
    add_rules(out, result->scenario);
    add_pair(out, "evidence", result->evidence);
    (void)sl_buf_add_str(out, "<dt>run again</dt><dd><code>");
    har_page_text(out, sl_buf_str(&line));
    (void)sl_buf_add_str(out, "</code></dd>\n</dl>\n");
    add_latencies(out, result);
    (void)sl_buf_add_str(out, "</div>");
    sl_buf_release(&line);
}

static void add_row(struct sl_buf *out, const struct har_report *report, size_t i)
{
    const struct har_result *result = &report->suite->results[i];
    const char *name = har_outcome_name(result->outcome);
    const char *mark = "";
    if (result->is_known) {
        mark = ", known";
    } else if (result->is_mistaken) {
        mark = ", mistake";
    } else if (result->outcome == HAR_FAIL && !har_result_counts(report->suite, result)) {
        mark = ", not counted";
    }
    (void)sl_buf_addf(out,
                      "<details id=\"r%zu\" class=\"row\" data-verdict=\"%s\"><summary><span "
                      "class=\"badge %s\">%s%s</span><code class=\"id\">",
                      i, name, name, name, mark);
    har_page_text(out, result->scenario->id);
    (void)sl_buf_add_str(out, "</code><bdi class=\"reason\">");
    har_page_text(out, result->reason);
    (void)sl_buf_addf(out, "</bdi><span class=\"number faint\">%.1f s</span></summary>\n",
                      (double)result->duration_ns / (double)SL_SECOND);
    add_more(out, report, result);
    (void)sl_buf_add_str(out, "</details>\n");
}

void har_html_rows(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    if (suite->could_not_start) {
        return;
    }
    static const enum har_outcome order[] = {HAR_FAIL, HAR_INCONCLUSIVE, HAR_PASS, HAR_SKIP};
    (void)sl_buf_add_str(
        out,
        "<h2 id=\"verdicts\">Verdicts</h2>\n"
        "<div class=\"tools js-only\" id=\"tools\" role=\"search\"><input id=\"search\" "
        "type=\"search\" "
        "placeholder=\"scenario, rule, reason ...\" aria-label=\"search the verdicts\" "
        "aria-controls=\"results\" autocomplete=\"off\" spellcheck=\"false\"></div>\n"
        "<p id=\"shown\" class=\"faint\" role=\"status\"></p>\n<noscript><p class=\"faint\">Search "
        "and plots need JavaScript. Nothing is loaded from elsewhere.</p></noscript>\n"
        "<div id=\"results\">\n");
    /* Known failures come after those that count. */
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (int is_known = 0; is_known < (order[k] == HAR_FAIL ? 2 : 1); is_known++) {
            for (size_t i = 0; i < suite->result_count; i++) {
                const struct har_result *result = &suite->results[i];
                bool is_last = order[k] == HAR_FAIL && !har_result_counts(suite, result);
                if (result->outcome == order[k] && is_last == (is_known == 1)) {
                    add_row(out, report, i);
                }
            }
        }
    }
    (void)sl_buf_add_str(out, "</div>\n");
}
