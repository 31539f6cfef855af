/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/advice.h"
#include "harness/report/html.h"
#include "harness/report/page.h"
#include "lib/base/clock.h"

enum {
    BROKEN_MAX = 100, /* rules in the table; how many more there are is told */
    NAMED_MAX = 6,    /* scenarios of one of them */
};

/* A rule that results broke. */
struct broken {
    const char *rule;
    size_t results[NAMED_MAX], count;
};

static double seconds(uint64_t ns)
{
    return (double)ns / (double)SL_SECOND;
}

static double millis(uint64_t ns)
{
    return (double)ns / (double)SL_MS;
}

static void add_card(struct sl_buf *out, const char *kind, unsigned count, const char *name)
{
    (void)sl_buf_addf(out, "<li><b%s%s%s>%u</b>%s</li>\n", count == 0 ? "" : " class=\"",
                      count == 0 ? "" : kind, count == 0 ? "" : "\"", count, name);
}

static void add_totals(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    struct har_totals totals = har_totals_count(suite);
    (void)sl_buf_add_str(out, "<ul class=\"cards\" id=\"totals\" aria-label=\"totals\">\n");
    add_card(out, "fail", totals.fail, "failed");
    if (totals.known > 0) {
        add_card(out, "skip", totals.known, "of them known");
    }
    add_card(out, "inconclusive", totals.inconclusive, "inconclusive");
    add_card(out, "pass", totals.pass, "passed");
    add_card(out, "skip", totals.skip, "skipped");
    (void)sl_buf_addf(out, "<li><b>%.1f s</b>in all</li>\n</ul>\n",
                      seconds(suite->end_ns - suite->begin_ns));
}

static void add_link(const struct har_suite *suite, size_t i, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "<a href=\"#r%zu\"><code>", i);
    har_page_text(out, suite->results[i].scenario->id);
    (void)sl_buf_add_str(out, "</code></a>");
}

/* The rule, and where its breach usually lies. */
static void add_blame(const struct har_result *result, struct sl_buf *out)
{
    const struct har_failure *failure = &result->failures[0];
    const char *asks = har_html_rule(failure->rule, result->scenario->own_rules);
    const char *look = har_advice_look(failure);
    if (asks != NULL) {
        (void)sl_buf_add_str(out, "<p><span class=\"faint\">broken:</span> <code>");
        har_page_text(out, failure->rule);
        (void)sl_buf_add_str(out, "</code> <bdi>");
        har_page_text(out, asks);
        (void)sl_buf_add_str(out, "</bdi></p>\n");
    }
    if (look != NULL) {
        (void)sl_buf_add_str(out, "<p><span class=\"faint\">look first:</span> <bdi>");
        har_page_text(out, look);
        (void)sl_buf_add_str(out, "</bdi></p>\n");
    }
}

static void add_first(const struct har_suite *suite, struct sl_buf *out)
{
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        if (result->outcome != HAR_FAIL || !har_result_counts(suite, result)) {
            continue;
        }
        (void)sl_buf_add_str(out, "<div class=\"callout fail\" id=\"first\"><p><b class=\"fail\">"
                                  "Failed first:</b> ");
        add_link(suite, i, out);
        (void)sl_buf_add_str(out, "</p>\n<p><bdi>");
        har_page_text(out, result->reason);
        (void)sl_buf_add_str(out, "</bdi></p>\n");
        if (result->failure_count > 0) {
            add_blame(result, out);
        }
        (void)sl_buf_add_str(out, "</div>\n");
        return;
    }
}

static bool is_mistaken(const struct har_result *result)
{
    return result->is_mistaken;
}

static bool is_unexpected(const struct har_result *result)
{
    return result->has_unexpected_pass;
}

/* Why a run is not well, where no failure tells it. */
static void add_named(const struct har_suite *suite, const char *what,
                      bool (*is_one)(const struct har_result *result), struct sl_buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        if (!is_one(&suite->results[i])) {
            continue;
        }
        if (count == 0) {
            (void)sl_buf_addf(out, "<div class=\"callout fail\"><p><b>%s:</b></p>\n", what);
        }
        if (count++ < NAMED_MAX) {
            (void)sl_buf_add_str(out, "<p>");
            add_link(suite, i, out);
            (void)sl_buf_add_str(out, " <bdi>");
            har_page_text(out, suite->results[i].reason);
            (void)sl_buf_add_str(out, "</bdi></p>\n");
        }
    }
    if (count > NAMED_MAX) {
        (void)sl_buf_addf(out, "<p>and %zu more</p>\n", count - NAMED_MAX);
    }
    (void)sl_buf_add_str(out, count > 0 ? "</div>\n" : "");
}

/* Returns how many rules there are; those past BROKEN_MAX are counted as one each time. */
static size_t collect(const struct har_suite *suite, struct broken *broken, size_t *ret_left_out)
{
    size_t count = 0;
    *ret_left_out = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        for (size_t k = 0; result->outcome == HAR_FAIL && k < result->failure_count; k++) {
            const char *rule = result->failures[k].rule;
            size_t at = 0;
            while (at < count && strcmp(broken[at].rule, rule) != 0) {
                at++;
            }
            if (rule[0] == '\0' || at == BROKEN_MAX) {
                *ret_left_out += rule[0] != '\0';
                continue;
            }
            if (at == count) {
                broken[count++] = (struct broken){.rule = rule};
            }
            struct broken *one = &broken[at];
            size_t last = one->count < NAMED_MAX ? one->count : NAMED_MAX;
            if (last == 0 || one->results[last - 1] != i) {
                if (last < NAMED_MAX) {
                    one->results[last] = i;
                }
                one->count++;
            }
        }
    }
    return count;
}

static void add_broken(const struct har_suite *suite, struct sl_buf *out)
{
    struct broken broken[BROKEN_MAX];
    size_t left_out = 0;
    size_t count = collect(suite, broken, &left_out);
    if (count == 0) {
        return;
    }
    (void)sl_buf_addf(
        out,
        "<h2>What %s broke</h2>\n<table class=\"stack\"><thead><tr><th>rule<th>what it "
        "asks for<th>seen by</tr></thead><tbody>\n",
        suite->config.client == NULL ? "the server" : "the client or its server");
    for (size_t i = 0; i < count; i++) {
        const struct broken *one = &broken[i];
        const struct har_scenario *scenario = suite->results[one->results[0]].scenario;
        (void)sl_buf_add_str(out, "<tr><td><code class=\"fail\">");
        har_page_text(out, one->rule);
        (void)sl_buf_add_str(out, "</code><td><bdi>");
        har_page_text(out, har_html_rule(one->rule, scenario->own_rules));
        (void)sl_buf_add_str(out, "</bdi><td>");
        for (size_t k = 0; k < one->count && k < NAMED_MAX; k++) {
            (void)sl_buf_add_str(out, k == 0 ? "" : "<br>");
            add_link(suite, one->results[k], out);
        }
        if (one->count > NAMED_MAX) {
            (void)sl_buf_addf(out, "<br>and %zu more", one->count - NAMED_MAX);
        }
        (void)sl_buf_add_str(out, "</tr>\n");
    }
    (void)sl_buf_add_str(out, "</tbody></table>\n");
    if (left_out > 0) {
        (void)sl_buf_addf(out, "<p class=\"faint\">%zu more failures, of other rules</p>\n",
                          left_out);
    }
}

static const char *verdict(const struct har_suite *suite, const char **ret_kind)
{
    int status = har_exit_status(suite);
    *ret_kind = status == 0 ? "pass" : status == 1 || status == 2 ? "fail" : "inconclusive";
    return status == 0   ? "passed"
           : status == 1 ? "failed"
           : status == 2 ? "could not be judged"
           : status == 3 ? "inconclusive"
                         : "nothing ran";
}

void har_html_top(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    const char *kind = NULL;
    const char *word = verdict(suite, &kind);
    (void)sl_buf_addf(
        out,
        "<h1>sluice-harness <span class=\"badge %s\">%s</span></h1>\n<p class=\"faint\" "
        "id=\"about\">target <code>",
        kind, word);
    har_page_text(out, report->target);
    (void)sl_buf_add_str(out, "</code> &middot; profile <code>");
    har_page_text(out, suite->config.profile->name);
    if (report->binding != NULL) {
        (void)sl_buf_add_str(out, "</code> &middot; binding <code>");
        har_page_text(out, report->binding);
    }
    (void)sl_buf_addf(out, "</code> &middot; seed <code>%llu</code></p>\n",
                      (unsigned long long)suite->config.seed);
    if (suite->could_not_start) {
        (void)sl_buf_add_str(out,
                             "<div class=\"callout fail\"><p><b class=\"fail\">The target cannot "
                             "be reached:</b> <bdi>");
        har_page_text(out, suite->start_text);
        (void)sl_buf_add_str(out, "</bdi></p></div>\n");
        return;
    }
    add_totals(report, out);
    add_first(suite, out);
    add_named(suite, "Listed as known failing, but passed", is_unexpected, out);
    add_named(suite, "Mistakes of the scenarios themselves", is_mistaken, out);
    add_broken(suite, out);
}

static void add_findings(const struct har_suite *suite, struct sl_buf *out)
{
    bool has_any = false;
    for (size_t i = 0; i < suite->result_count; i++) {
        for (size_t k = 0; k < suite->results[i].finding_count; k++) {
            const struct har_seen_finding *seen = &suite->results[i].findings[k];
            if (!has_any) {
                (void)sl_buf_add_str(out, "<h2>Findings on the wire</h2>\n<table class=\"stack\" "
                                          "id=\"findings\"><thead><tr>"
                                          "<th>rule<th>side<th class=\"number\">count<th>what was "
                                          "seen<th>in</tr></thead><tbody>\n");
                has_any = true;
            }
            (void)sl_buf_add_str(out, "<tr><td><code>");
            har_page_text(out, seen->rule);
            (void)sl_buf_addf(out, "</code> %c<td>%s<td class=\"number\">%llu<td><bdi>",
                              seen->level, seen->is_server ? "server" : "client",
                              (unsigned long long)seen->count);
            har_page_text(out, seen->text);
            (void)sl_buf_add_str(out, "</bdi><td>");
            add_link(suite, i, out);
            (void)sl_buf_add_str(out, "</tr>\n");
        }
    }
    if (has_any) {
        (void)sl_buf_add_str(out, "</tbody></table>\n");
    }
}

static const char *const measure_texts[HAR_MEASURES] = {
    [HAR_RTT] = "ms from a unary call to its answer, the median",
    [HAR_RTT_P99] = "ms from a unary call to its answer, the 99th percentile",
    [HAR_HIDDEN_BYTES] = "bytes that the stack takes before the server feels a stalled reader",
    [HAR_HIDDEN_MESSAGES] = "messages that the stack takes besides",
    [HAR_BUFFER] = "messages held for a subscriber that does not read",
    [HAR_IS_OLDEST] = "1: a full buffer drops the oldest message, 0: the newest",
    [HAR_DEFAULT_HZ] = "messages a second to a subscription that names no rate",
    [HAR_INTERVAL_MS] = "ms from one ping to the next",
    [HAR_CAPACITY] = "messages a second that are published and delivered without loss",
    [HAR_KNEE] = "calls in flight from which on more do not help",
};

static void add_calibration(const struct har_calibration *calibration, struct sl_buf *out)
{
    bool has_any = false;
    for (int i = 0; i < HAR_MEASURES; i++) {
        const struct har_measured *measured = &calibration->measures[i];
        if (!measured->is_known) {
            continue;
        }
        if (!has_any) {
            (void)sl_buf_add_str(
                out, "<h2>What was measured of the server first</h2>\n<table class=\"facts\" "
                     "id=\"calibration\"><tbody>\n");
            has_any = true;
        }
        (void)sl_buf_addf(
            out, "<tr><td><code>%s</code><td class=\"number\">%.6g<td>%s%s</tr>\n",
            har_measure_name((enum har_measure)i), measured->value, measure_texts[i],
            measured->cv > HAR_CALIBRATE_CV_MAX ? " <b class=\"inconclusive\">(scatters)</b>" : "");
    }
    (void)sl_buf_add_str(out, has_any ? "</tbody></table>\n" : "");
    for (unsigned i = 0; i < HAR_CALIBRATED; i++) {
        if (calibration->notes[i][0] != '\0') {
            (void)sl_buf_addf(out, "<p><b>%s</b>: <bdi>", har_calibrated_names[i]);
            har_page_text(out, calibration->notes[i]);
            (void)sl_buf_add_str(out, "</bdi></p>\n");
        }
    }
}

static void add_noise(const struct har_suite *suite, struct sl_buf *out)
{
    unsigned again = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        again += suite->results[i].plays > 1;
    }
    (void)sl_buf_addf(
        out,
        "<h2>How noisy the machine was</h2>\n<p id=\"noise\">A thread that sleeps a millisecond at "
        "a time was late by %.1f ms at the 99th percentile and by %.1f ms at most. ",
        millis(suite->hiccup_p99_ns), millis(suite->hiccup_max_ns));
    if (again > 0) {
        (void)sl_buf_addf(
            out, "%u %s played more than once, for noise or for growth that may end.</p>\n", again,
            again == 1 ? "scenario was" : "scenarios were");
    } else {
        (void)sl_buf_add_str(out, "No scenario had to be played again.</p>\n");
    }
    if (suite->not_looked_at[0] != '\0') {
        (void)sl_buf_add_str(out, "<p>Not looked at: ");
        har_page_text(out, suite->not_looked_at);
        (void)sl_buf_add_str(out, "</p>\n");
    }
}

void har_html_end(const struct har_report *report, struct sl_buf *out)
{
    add_findings(report->suite, out);
    add_calibration(&report->suite->calibration, out);
    add_noise(report->suite, out);
}
