/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison as a page: all text is written here and is there without a script. harness/compare/compare.js adds filters. */
#include "harness/compare/html.h"

#include "harness/compare/print.h"
#include "harness/report/page.h"

extern const unsigned char har_compare_css[], har_compare_js[];
extern const size_t har_compare_css_size, har_compare_js_size;

static void add_runs(const struct har_compare *compare, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "<table class=\"stack runs\"><thead><tr><th><th>run<th>target<th>"
                              "profile<th class=\"number\">seed<th class=\"number\">results<th "
                              "class=\"number\">took<th class=\"number\">the machine paused"
                              "</tr></thead><tbody>\n");
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        const struct har_compare_run *run = compare->runs[side];
        (void)sl_buf_addf(out, "<tr><td><b>%c</b><td><bdi>", 'A' + side);
        har_page_text(out, run->label);
        (void)sl_buf_add_str(out, "</bdi><td><code>");
        har_page_text(out, run->target);
        (void)sl_buf_add_str(out, "</code><td data-name=\"profile\"><bdi>");
        har_page_text(out, run->profile);
        (void)sl_buf_addf(
            out,
            "</bdi><td class=\"number\" data-name=\"seed\">%llu<td class=\"number\" "
            "data-name=\"results\">%zu<td class=\"number\" data-name=\"took\">%.1f s<td "
            "class=\"number\" data-name=\"the machine paused\">p99 %.1f ms, max %.1f "
            "ms</tr>\n",
            (unsigned long long)run->seed, run->count, run->duration_ms / 1e3, run->hiccup_p99_ms,
            run->hiccup_max_ms);
    }
    (void)sl_buf_add_str(out, "</tbody></table>\n");
}

static void add_warnings(const struct har_compare *compare, struct sl_buf *out)
{
    if (compare->warning_count == 0) {
        return;
    }
    (void)sl_buf_add_str(out, "<div class=\"callout warn\" id=\"warnings\">");
    for (size_t i = 0; i < compare->warning_count; i++) {
        (void)sl_buf_add_str(out, "<p><b class=\"inconclusive\">Warning:</b> <bdi>");
        har_page_text(out, compare->warnings[i]);
        (void)sl_buf_add_str(out, "</bdi></p>\n");
    }
    (void)sl_buf_add_str(out, "</div>\n");
}

static void add_totals(const struct har_compare *compare, struct sl_buf *out)
{
    static const char *const kinds[] = {"fail", "pass", "inconclusive", "skip", "skip", "skip"};
    (void)sl_buf_add_str(out, "<ul class=\"cards\" id=\"totals\" aria-label=\"totals\">\n");
    for (int group = 0; group < HAR_COMPARE_GROUPS; group++) {
        size_t count = compare->groups[group];
        (void)sl_buf_addf(out, "<li><b class=\"%s\">%zu</b>%s</li>\n",
                          count == 0 ? "" : kinds[group], count, har_compare_headings[group]);
    }
    (void)sl_buf_add_str(out, "</ul>\n");
}

static void add_side(const struct har_compare_tally *tally, char name, struct sl_buf *out)
{
    const char *kind = tally->runs == 0 ? "skip" : har_outcome_name(tally->outcome);
    (void)sl_buf_addf(out, "<td><span class=\"faint side\">%c</span> <span class=\"badge %s\">",
                      name, kind);
    har_compare_verdict(tally, out);
    (void)sl_buf_add_str(out, "</span>");
    if (tally->runs == 0) {
        return;
    }
    (void)sl_buf_addf(out, " <span class=\"faint\">%.1f s</span>", tally->duration_ms / 1e3);
    if (tally->outcome != HAR_PASS) {
        (void)sl_buf_add_str(out, "<br>");
        for (size_t i = 0; i < tally->rule_count; i++) {
            (void)sl_buf_add_str(out, "<code class=\"fail\">");
            har_page_text(out, tally->rules[i]);
            (void)sl_buf_add_str(out, "</code> ");
        }
        if (tally->rules_left_out > 0) {
            (void)sl_buf_addf(out, "and %zu more ", tally->rules_left_out);
        }
        (void)sl_buf_add_str(out, "<bdi>");
        har_page_text(out, tally->told->reason);
        (void)sl_buf_add_str(out, "</bdi>");
    }
    if (tally->outcome == HAR_FAIL && tally->told->rerun != NULL) {
        (void)sl_buf_add_str(out, "<details><summary>run again</summary><code>");
        har_page_text(out, tally->told->rerun);
        (void)sl_buf_add_str(out, "</code></details>");
    }
}

static void add_pair(const struct har_compare_pair *pair, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "<tr data-group=\"%s\"%s><td><code class=\"id\">",
                      har_compare_group_names[pair->group],
                      pair->is_worse ? " class=\"worse\"" : "");
    har_page_text(out, pair->id);
    (void)sl_buf_addf(out, "</code><br><span class=\"%s\">", pair->is_worse ? "fail" : "faint");
    har_compare_what(pair, out);
    (void)sl_buf_add_str(out, "</span>");
    add_side(&pair->sides[HAR_COMPARE_A], 'A', out);
    add_side(&pair->sides[HAR_COMPARE_B], 'B', out);
    (void)sl_buf_add_str(out, "</tr>\n");
}

/* quiet: those that pass, or are skipped, on both sides. */
static void add_rows(const struct har_compare *compare, bool is_quiet, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "<table class=\"stack pairs\"><thead><tr><th>scenario<th>A<th>B"
                              "</tr></thead><tbody>\n");
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        bool is_same = pair->group == HAR_COMPARE_SAME && !har_compare_is_open(pair);
        if (is_same == is_quiet) {
            add_pair(pair, out);
        }
    }
    (void)sl_buf_add_str(out, "</tbody></table>\n");
}

/* The quiet ones are rows to unfold. */
static void add_pairs(const struct har_compare *compare, struct sl_buf *out)
{
    size_t quiet = 0;
    (void)sl_buf_add_str(
        out, "<h2 id=\"verdicts\">Verdicts</h2>\n<div class=\"tools js-only\" id=\"tools\" "
             "role=\"search\"><input id=\"search\" type=\"search\" placeholder=\"scenario, rule, "
             "reason ...\" aria-label=\"search the verdicts\" autocomplete=\"off\" "
             "spellcheck=\"false\"></div>\n<p id=\"shown\" class=\"faint\" role=\"status\"></p>\n");
    for (size_t i = 0; i < compare->pair_count; i++) {
        quiet +=
            compare->pairs[i].group == HAR_COMPARE_SAME && !har_compare_is_open(&compare->pairs[i]);
    }
    if (quiet < compare->pair_count) {
        add_rows(compare, false, out);
    }
    if (quiet == 0) {
        return;
    }
    (void)sl_buf_addf(
        out, "<details id=\"quiet\"><summary>%zu that pass, or are skipped, in both</summary>\n",
        quiet);
    add_rows(compare, true, out);
    (void)sl_buf_add_str(out, "</details>\n");
}

void har_compare_html(const struct har_compare *compare, struct sl_buf *out)
{
    struct sl_buf json;
    struct sl_buf body;
    int status = har_compare_status(compare);
    sl_buf_init(&json, out->max);
    sl_buf_init(&body, out->max);
    har_compare_json(compare, &json);
    (void)sl_buf_addf(&body,
                      "<h1>sluice-harness compare <span class=\"badge %s\">%s</span></h1>\n<p>",
                      status == 0   ? "pass"
                      : status == 1 ? "fail"
                                    : "inconclusive",
                      status == 0   ? "not worse"
                      : status == 1 ? "worse"
                                    : "nothing to compare");
    har_compare_conclusion(compare, &body);
    (void)sl_buf_add_str(&body, "</p>\n");
    add_runs(compare, &body);
    add_warnings(compare, &body);
    add_totals(compare, &body);
    add_pairs(compare, &body);
    har_compare_html_latencies(compare, &body);
    har_compare_html_stories(compare, &body);
    har_compare_html_buffers(compare, &body);
    har_compare_html_findings(compare, &body);
    const struct har_page page = {.title = "sluice-harness: two runs",
                                  .style = sl_span(har_compare_css, har_compare_css_size),
                                  .body = sl_buf_span(&body),
                                  .json = sl_buf_span(&json),
                                  .script = sl_span(har_compare_js, har_compare_js_size)};
    har_page_write(&page, out);
    out->is_full |= json.is_full || body.is_full;
    sl_buf_release(&body);
    sl_buf_release(&json);
}
