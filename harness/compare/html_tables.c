/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "harness/compare/html.h"
#include "harness/compare/print.h"
#include "harness/report/page.h"

enum {
    BAR = 60, /* half of the width of a bar, in its own units: a ratio of 16 */
};

/* How a ratio lies to 1, on a scale of doublings: slower to the right. */
static void add_bar(double a, double b, struct sl_buf *out)
{
    double length = a > 0 && b > 0 ? log2(b / a) / 4 * BAR : 0;
    length = length > BAR ? BAR : length < -BAR ? -BAR : length;
    (void)sl_buf_addf(out,
                      "<svg class=\"bar\" viewBox=\"0 0 %d 10\" aria-hidden=\"true\"><path "
                      "d=\"M%d 0v10\"/><rect class=\"%s\" x=\"%.1f\" y=\"2\" width=\"%.1f\" "
                      "height=\"6\"/></svg>",
                      2 * BAR, BAR, length > 0 ? "slower" : "faster",
                      length > 0 ? BAR : BAR + length, fabs(length));
}

static void add_quantile(const struct har_compare_latency *latency, int q, struct sl_buf *out)
{
    const struct har_compare_value *a = &latency->values[HAR_COMPARE_A][q];
    const struct har_compare_value *b = &latency->values[HAR_COMPARE_B][q];
    const char *name = har_compare_quantile_names[q];
    bool is_real = latency->noise[q] == HAR_COMPARE_REAL;
    bool is_told = latency->noise[q] <= HAR_COMPARE_UNREPEATED;
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        const struct har_compare_value *value = side == HAR_COMPARE_A ? a : b;
        (void)sl_buf_addf(out, "<td class=\"number\" data-name=\"%s %c\"", name, 'A' + side);
        if (value->runs > 1) {
            (void)sl_buf_addf(out, " title=\"%.3f to %.3f in %zu results\"", value->low,
                              value->high, value->runs);
        }
        (void)sl_buf_add_str(out, ">");
        if (value->runs > 0) {
            har_compare_number(value->ms, out);
        }
    }
    (void)sl_buf_addf(out, "<td class=\"number %s\"",
                      !is_real        ? "faint"
                      : b->ms > a->ms ? "fail"
                                      : "pass");
    (void)sl_buf_addf(out, " title=\"%s\" data-name=\"%s ratio\">",
                      har_compare_noise_texts[latency->noise[q]], name);
    if (is_told) {
        har_compare_ratio(a->ms, b->ms, out);
        (void)sl_buf_add_str(out, is_real ? "" : "?");
    } else {
        (void)sl_buf_add_str(out, latency->noise[q] == HAR_COMPARE_ABSENT ? "" : "~");
    }
}

/* The quantile that decides the order. */
static int largest(const struct har_compare_latency *latency)
{
    int found = HAR_COMPARE_P99;
    double most = -1;
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        double a = latency->values[HAR_COMPARE_A][q].ms;
        double b = latency->values[HAR_COMPARE_B][q].ms;
        double change = a > 0 && b > 0 ? fabs(log(b / a)) : 0;
        if (latency->noise[q] == latency->best && change > most) {
            most = change;
            found = q;
        }
    }
    return found;
}

/* A bit for each that some latency has. */
static unsigned quantiles_of(const struct har_compare *compare)
{
    unsigned found = 0;
    for (size_t i = 0; i < compare->latency_count; i++) {
        for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
            found |= compare->latencies[i].noise[q] != HAR_COMPARE_ABSENT ? 1U << q : 0;
        }
    }
    return found;
}

static void add_latency(const struct har_compare_latency *latency, unsigned quantiles,
                        struct sl_buf *out)
{
    int q = largest(latency);
    (void)sl_buf_add_str(out, "<tr><td><code>");
    har_page_text(out, latency->pair->id);
    (void)sl_buf_add_str(out, "</code><br><span class=\"faint\">");
    har_page_text(out, latency->phase);
    (void)sl_buf_add_str(out, ", ");
    har_page_text(out, latency->metric);
    (void)sl_buf_addf(out, "; %.0f and %.0f samples</span><td>", latency->counts[HAR_COMPARE_A],
                      latency->counts[HAR_COMPARE_B]);
    if (latency->best <= HAR_COMPARE_UNREPEATED) {
        add_bar(latency->values[HAR_COMPARE_A][q].ms, latency->values[HAR_COMPARE_B][q].ms, out);
    } else {
        (void)sl_buf_addf(out, "<span class=\"faint\">%s</span>",
                          har_compare_noise_texts[latency->best]);
    }
    for (int i = 0; i < HAR_COMPARE_QUANTILES; i++) {
        if ((quantiles & 1U << i) != 0) {
            add_quantile(latency, i, out);
        }
    }
    (void)sl_buf_add_str(out, "</tr>\n");
}

static void add_latency_table(const struct har_compare *compare, size_t first, size_t end,
                              struct sl_buf *out)
{
    unsigned quantiles = quantiles_of(compare);
    (void)sl_buf_add_str(out,
                         "<div class=\"wide\"><table class=\"latencies\"><thead><tr><th>scenario, "
                         "phase, metric<th>faster | slower B");
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        if ((quantiles & 1U << q) != 0) {
            const char *name = har_compare_quantile_names[q];
            (void)sl_buf_addf(out,
                              "<th class=\"number\">%s A<th class=\"number\">%s B<th "
                              "class=\"number\">ratio",
                              name, name);
        }
    }
    (void)sl_buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t i = first; i < end; i++) {
        add_latency(&compare->latencies[i], quantiles, out);
    }
    (void)sl_buf_add_str(out, "</tbody></table></div>\n");
}

void har_compare_html_latencies(const struct har_compare *compare, struct sl_buf *out)
{
    if (compare->latency_count == 0) {
        return;
    }
    size_t real = compare->noises[HAR_COMPARE_REAL];
    size_t changes = real + compare->noises[HAR_COMPARE_UNREPEATED];
    (void)sl_buf_add_str(
        out,
        "<h2 id=\"latencies\">Latencies, ms</h2>\n<p class=\"faint\">A difference is noise (~) "
        "when it is under 50 % (10 % where both sides have 5 results), no more than the "
        "machine paused or the harness was late, when one side has far fewer samples, when repeats "
        "scatter as far, or when fewer "
        "than five samples lie beyond the percentile.</p>\n");
    if (real > 0) {
        (void)sl_buf_addf(out, "<h3>%zu changed, in all repeats</h3>\n", real);
        add_latency_table(compare, 0, real, out);
    }
    if (changes > real) {
        (void)sl_buf_addf(out,
                          "<h3>%zu may have changed: not repeated (?)</h3>\n<p "
                          "class=\"faint\">The same server on a busier machine looks like that; 5 "
                          "results on each side (<code>run --repeat 5</code>) tell.</p>\n",
                          changes - real);
        add_latency_table(compare, real, changes, out);
    }
    if (compare->latency_count > changes) {
        (void)sl_buf_addf(out,
                          "<details id=\"noise\"><summary>%zu without a change that can be told "
                          "from noise</summary>\n",
                          compare->latency_count - changes);
        add_latency_table(compare, changes, compare->latency_count, out);
        (void)sl_buf_add_str(out, "</details>\n");
    }
    if (compare->latencies_left_out > 0) {
        (void)sl_buf_addf(out, "<p class=\"faint\">%zu are left out.</p>\n",
                          compare->latencies_left_out);
    }
}

static void add_story_row(const char *name, const char *a, const char *b, bool is_other,
                          struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "<tr><td><bdi>");
    har_page_text(out, name);
    (void)sl_buf_addf(out, "</bdi><td%s><span class=\"faint side\">A</span> ",
                      is_other ? " class=\"inconclusive\"" : "");
    har_page_text(out, a);
    (void)sl_buf_addf(out, "<td%s><span class=\"faint side\">B</span> ",
                      is_other ? " class=\"inconclusive\"" : "");
    har_page_text(out, b);
    (void)sl_buf_add_str(out, "</tr>\n");
}

static void add_kinds(const struct har_compare_story *story, struct sl_buf *out)
{
    for (size_t i = 0; i < story->kind_count; i++) {
        const struct har_compare_kind *kind = &story->kinds[i];
        char texts[HAR_COMPARE_SIDES][120];
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            (void)snprintf(texts[side], sizeof(texts[side]),
                           "%zu %s: %.0f sent, %.0f received, %.0f lost", kind->actors[side],
                           kind->actors[side] == 1 ? "actor" : "actors", kind->sent[side],
                           kind->received[side], kind->lost[side]);
        }
        double more = fabs(kind->lost[HAR_COMPARE_A] - kind->lost[HAR_COMPARE_B]) +
                      fabs(kind->received[HAR_COMPARE_A] - kind->received[HAR_COMPARE_B]);
        add_story_row(kind->kind, texts[HAR_COMPARE_A], texts[HAR_COMPARE_B], more > 0, out);
    }
}

static void add_faults(const struct har_compare_story *story, struct sl_buf *out)
{
    for (size_t i = 0; i < story->fault_count; i++) {
        const struct har_compare_fault *fault = &story->faults[i];
        struct sl_buf name;
        struct sl_buf sides[HAR_COMPARE_SIDES];
        bool is_other = false;
        sl_buf_init(&name, 4096);
        (void)sl_buf_addf(&name, "affected by %.200s%s%.200s", fault->what,
                          fault->actor[0] == '\0' ? "" : " at ", fault->actor);
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            sl_buf_init(&sides[side], 4096);
            har_compare_affected(fault, side, &sides[side]);
        }
        for (int scope = 0; scope < HAR_COMPARE_SCOPES; scope++) {
            is_other |=
                fault->affected[HAR_COMPARE_A][scope] != fault->affected[HAR_COMPARE_B][scope];
        }
        add_story_row(sl_buf_str(&name), sl_buf_str(&sides[HAR_COMPARE_A]),
                      sl_buf_str(&sides[HAR_COMPARE_B]), is_other, out);
        sl_buf_release(&name);
        sl_buf_release(&sides[HAR_COMPARE_A]);
        sl_buf_release(&sides[HAR_COMPARE_B]);
    }
}

static void add_marks(const struct har_compare_story *story, struct sl_buf *out)
{
    for (size_t i = 0; i < story->mark_count; i++) {
        const struct har_compare_mark *mark = &story->marks[i];
        char name[240];
        char texts[HAR_COMPARE_SIDES][40];
        if (mark->rss_bytes[HAR_COMPARE_A] < 0 && mark->rss_bytes[HAR_COMPARE_B] < 0) {
            continue;
        }
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            double rss = mark->rss_bytes[side];
            (void)snprintf(texts[side], sizeof(texts[side]), rss < 0 ? "-" : "%.1f MiB",
                           rss / (1024.0 * 1024.0));
        }
        (void)snprintf(name, sizeof(name), "memory at %.200s", mark->name);
        add_story_row(name, texts[HAR_COMPARE_A], texts[HAR_COMPARE_B], false, out);
    }
}

/* What differs, and where the verdict does: it may say why. */
static bool is_told(const struct har_compare_pair *pair)
{
    return pair->story->differs || har_compare_is_changed(pair);
}

static void add_stories(const struct har_compare *compare, bool is_changed, struct sl_buf *out)
{
    (void)sl_buf_add_str(out,
                         "<table class=\"stack stories\"><thead><tr><th>scenario, who<th>A<th>B"
                         "</tr></thead><tbody>\n");
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        if (pair->story != NULL && is_told(pair) == is_changed) {
            (void)sl_buf_add_str(out, "<tr><td colspan=\"3\"><code class=\"id\">");
            har_page_text(out, pair->id);
            (void)sl_buf_add_str(out, "</code></tr>\n");
            add_kinds(pair->story, out);
            add_faults(pair->story, out);
            add_marks(pair->story, out);
        }
    }
    (void)sl_buf_add_str(out, "</tbody></table>\n");
}

void har_compare_html_stories(const struct har_compare *compare, struct sl_buf *out)
{
    size_t differing = 0;
    size_t alike = 0;
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_story *story = compare->pairs[i].story;
        differing += story != NULL && is_told(&compare->pairs[i]);
        alike += story != NULL && !is_told(&compare->pairs[i]);
    }
    if (differing + alike == 0) {
        return;
    }
    (void)sl_buf_add_str(out,
                         "<h2 id=\"stories\">Who lost messages, who was affected, memory</h2>\n");
    if (differing > 0) {
        add_stories(compare, true, out);
    } else {
        (void)sl_buf_add_str(out, "<p>Nothing differs.</p>\n");
    }
    if (alike > 0) {
        (void)sl_buf_addf(
            out, "<details><summary>%zu scenarios where it does not differ</summary>\n", alike);
        add_stories(compare, false, out);
        (void)sl_buf_add_str(out, "</details>\n");
    }
}

static void add_buffer_cell(const struct har_compare_buffer *buffer, int side, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "<td class=\"number\">");
    if (buffer->notes[side] != NULL) {
        (void)sl_buf_add_str(out, "<bdi class=\"note\">");
        har_page_text(out, buffer->notes[side]);
        (void)sl_buf_add_str(out, "</bdi>");
    } else if (buffer->values[side] >= 0) {
        har_compare_number(buffer->values[side], out);
    } else {
        (void)sl_buf_add_str(out, "-");
    }
    if (buffer->is_unstable[side]) {
        (void)sl_buf_add_str(out, " <span class=\"inconclusive\">unstable</span>");
    }
}

void har_compare_html_buffers(const struct har_compare *compare, struct sl_buf *out)
{
    if (compare->buffer_count == 0) {
        return;
    }
    (void)sl_buf_add_str(out,
                         "<h2 id=\"calibration\">What was measured of the servers first</h2>\n<div "
                         "class=\"wide\"><table><thead><tr><th>value<th class=\"number\">A<th "
                         "class=\"number\">B<th class=\"number\">B to A</tr></thead><tbody>\n");
    for (size_t i = 0; i < compare->buffer_count; i++) {
        const struct har_compare_buffer *buffer = &compare->buffers[i];
        double a = buffer->values[HAR_COMPARE_A];
        double b = buffer->values[HAR_COMPARE_B];
        (void)sl_buf_add_str(out, "<tr><td>");
        har_page_text(out, buffer->name);
        add_buffer_cell(buffer, HAR_COMPARE_A, out);
        add_buffer_cell(buffer, HAR_COMPARE_B, out);
        (void)sl_buf_add_str(out, "<td class=\"number\">");
        if (a >= 0 && b >= 0) {
            har_compare_ratio(a, b, out);
        }
        (void)sl_buf_add_str(out, "</tr>\n");
    }
    (void)sl_buf_add_str(out, "</tbody></table></div>\n");
}

void har_compare_html_findings(const struct har_compare *compare, struct sl_buf *out)
{
    if (compare->finding_count == 0) {
        return;
    }
    (void)sl_buf_add_str(out,
                         "<h2 id=\"findings\">Findings on the wire</h2>\n<table "
                         "class=\"stack\"><thead><tr><th>change<th>rule<th>side<th>A<th>B<th>what "
                         "was seen</tr></thead><tbody>\n");
    for (size_t i = 0; i < compare->finding_count; i++) {
        const struct har_compare_finding *finding = &compare->findings[i];
        (void)sl_buf_addf(out, "<tr><td%s>%s<td><code>",
                          strcmp(finding->change, "new") == 0 ? " class=\"inconclusive\"" : "",
                          finding->change);
        har_page_text(out, finding->rule);
        (void)sl_buf_add_str(out, "</code> ");
        har_page_text(out, finding->level);
        (void)sl_buf_add_str(out, "<td>");
        har_page_text(out, finding->side);
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            (void)sl_buf_addf(out, "<td><span class=\"faint side\">%c</span> %.0f", 'A' + side,
                              finding->counts[side] + finding->others[side]);
            if (finding->others[side] > 0) {
                (void)sl_buf_addf(out, " <span class=\"faint\">(%.0f where %c did not play)</span>",
                                  finding->others[side], 'B' - side);
            }
        }
        (void)sl_buf_add_str(out, "<td><bdi>");
        har_page_text(out, finding->text);
        (void)sl_buf_add_str(out, "</bdi></tr>\n");
    }
    (void)sl_buf_add_str(out, "</tbody></table>\n");
}
