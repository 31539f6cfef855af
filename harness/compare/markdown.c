/* SPDX-License-Identifier: Apache-2.0 */
/* GitHub's Markdown, which GitLab and others read too. */
#include "harness/compare/print.h"
#include "harness/report/markdown_text.h"
#include "harness/report/report.h"

enum {
    ROWS_MAX = 200,                                /* of a table */
    CELLS = 12,                                    /* texts of one row, at most */
    ESCAPED = 10,                                  /* bytes that one of them may need */
    ROOM = CELLS * ESCAPED * HAR_COMPARE_SHOWN_MAX /* for one row and the end */
};

static void add_text(struct sl_buf *out, const char *text)
{
    size_t len = strnlen(text, HAR_COMPARE_SHOWN_MAX + 1);
    har_markdown_text(out,
                      sl_span(text, len > HAR_COMPARE_SHOWN_MAX ? HAR_COMPARE_SHOWN_MAX : len));
    (void)sl_buf_add_str(out, len > HAR_COMPARE_SHOWN_MAX ? "..." : "");
}

static void add_code(struct sl_buf *out, const char *text)
{
    (void)sl_buf_add_str(out, "<code>");
    add_text(out, text);
    (void)sl_buf_add_str(out, "</code>");
}

static bool has_room(const struct sl_buf *out, size_t rows)
{
    return rows < ROWS_MAX && out->len + ROOM < HAR_MARKDOWN_MAX;
}

static void add_left_out(struct sl_buf *out, size_t count)
{
    if (count > 0) {
        (void)sl_buf_addf(out, "\n%zu more are left out here; --format json has them.\n", count);
    }
}

static void add_run(const struct har_compare *compare, int side, struct sl_buf *out)
{
    const struct har_compare_run *run = compare->runs[side];
    (void)sl_buf_addf(out, "| %c | ", 'A' + side);
    add_text(out, run->label);
    (void)sl_buf_add_str(out, " | ");
    add_text(out, run->target);
    (void)sl_buf_add_str(out, " | ");
    add_text(out, run->profile);
    (void)sl_buf_addf(out, " | %llu | %zu | %.1f s | %.1f, %.1f ms |\n",
                      (unsigned long long)run->seed, run->count, run->duration_ms / 1e3,
                      run->hiccup_p99_ms, run->hiccup_max_ms);
}

/* "FAIL, 3 of 5 passed: [CHAT-07] reason" */
static void add_side(const struct har_compare_tally *tally, struct sl_buf *out)
{
    har_compare_verdict(tally, out);
    if (tally->runs == 0 || tally->outcome == HAR_PASS) {
        return;
    }
    (void)sl_buf_add_str(out, ": ");
    for (size_t i = 0; i < tally->rule_count && i < 2; i++) {
        add_code(out, tally->rules[i]);
        (void)sl_buf_add_u8(out, ' ');
    }
    add_text(out, tally->told->reason);
}

static bool is_told(const struct har_compare_pair *pair)
{
    return pair->group != HAR_COMPARE_SAME || har_compare_is_open(pair);
}

static void add_pairs(const struct har_compare *compare, struct sl_buf *out)
{
    size_t rows = 0;
    size_t left_out = 0;
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        if (!is_told(pair)) {
            continue;
        }
        if (!has_room(out, rows)) {
            left_out++;
            continue;
        }
        if (rows++ == 0) {
            (void)sl_buf_add_str(out, "\n| | scenario | A | B |\n|---|---|---|---|\n");
        }
        (void)sl_buf_add_str(out, pair->is_worse ? "| **" : "| ");
        har_compare_what(pair, out);
        (void)sl_buf_add_str(out, pair->is_worse ? "** | " : " | ");
        add_code(out, pair->id);
        (void)sl_buf_add_str(out, " | ");
        add_side(&pair->sides[HAR_COMPARE_A], out);
        (void)sl_buf_add_str(out, " | ");
        add_side(&pair->sides[HAR_COMPARE_B], out);
        (void)sl_buf_add_str(out, " |\n");
    }
    add_left_out(out, left_out);
}

static void add_cell(double value, bool is_unstable, const char *note, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, " | ");
    if (note != NULL) {
        add_text(out, note);
    } else if (value < 0) {
        (void)sl_buf_add_str(out, "-");
    } else {
        har_compare_number(value, out);
    }
    (void)sl_buf_add_str(out, is_unstable ? " (unstable)" : "");
}

static void add_buffers(const struct har_compare *compare, struct sl_buf *out)
{
    for (size_t i = 0; i < compare->buffer_count && has_room(out, i); i++) {
        const struct har_compare_buffer *buffer = &compare->buffers[i];
        double a = buffer->values[HAR_COMPARE_A];
        double b = buffer->values[HAR_COMPARE_B];
        if (i == 0) {
            (void)sl_buf_add_str(out, "\n| calibrated | A | B | B to A |\n|---|--:|--:|--:|\n");
        }
        (void)sl_buf_add_str(out, "| ");
        add_text(out, buffer->name);
        add_cell(a, buffer->is_unstable[HAR_COMPARE_A], buffer->notes[HAR_COMPARE_A], out);
        add_cell(b, buffer->is_unstable[HAR_COMPARE_B], buffer->notes[HAR_COMPARE_B], out);
        (void)sl_buf_add_str(out, " | ");
        if (a >= 0 && b >= 0) {
            har_compare_ratio(a, b, out);
        }
        (void)sl_buf_add_str(out, " |\n");
    }
}

static void add_findings(const struct har_compare *compare, struct sl_buf *out)
{
    size_t i = 0;
    for (; i < compare->finding_count && has_room(out, i); i++) {
        const struct har_compare_finding *finding = &compare->findings[i];
        if (i == 0) {
            (void)sl_buf_add_str(out, "\n| finding | rule | level | side | A | B | what was seen "
                                      "|\n|---|---|---|---|--:|--:|---|\n");
        }
        (void)sl_buf_addf(out, "| %s | ", finding->change);
        add_code(out, finding->rule);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, finding->level);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, finding->side);
        (void)sl_buf_addf(out, " | %.0f | %.0f | ",
                          finding->counts[HAR_COMPARE_A] + finding->others[HAR_COMPARE_A],
                          finding->counts[HAR_COMPARE_B] + finding->others[HAR_COMPARE_B]);
        add_text(out, finding->text);
        (void)sl_buf_add_str(out, " |\n");
    }
    add_left_out(out, compare->finding_count - i);
}

static void add_quantile(const struct har_compare_latency *latency, int q, struct sl_buf *out)
{
    const struct har_compare_value *a = &latency->values[HAR_COMPARE_A][q];
    const struct har_compare_value *b = &latency->values[HAR_COMPARE_B][q];
    (void)sl_buf_add_str(out, " | ");
    if (a->runs == 0 || b->runs == 0) {
        return;
    }
    har_compare_number(a->ms, out);
    (void)sl_buf_add_str(out, ", ");
    har_compare_number(b->ms, out);
    if (latency->noise[q] <= HAR_COMPARE_UNREPEATED) {
        bool is_real = latency->noise[q] == HAR_COMPARE_REAL;
        (void)sl_buf_add_str(out, is_real ? " **" : " ");
        har_compare_ratio(a->ms, b->ms, out);
        (void)sl_buf_add_str(out, is_real ? "**" : "?");
    } else {
        (void)sl_buf_add_str(out, " &#126;");
    }
}

static void add_latencies(const struct har_compare *compare, struct sl_buf *out)
{
    size_t changes = compare->noises[HAR_COMPARE_REAL] + compare->noises[HAR_COMPARE_UNREPEATED];
    size_t i = 0;
    for (; i < changes && has_room(out, i); i++) {
        const struct har_compare_latency *latency = &compare->latencies[i];
        if (i == 0) {
            (void)sl_buf_add_str(out,
                                 "\n| latency, ms: A, B | phase | metric | samples | p50 | p99 "
                                 "|\n|---|---|---|---|---|---|\n");
        }
        (void)sl_buf_add_str(out, "| ");
        add_code(out, latency->pair->id);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, latency->phase);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, latency->metric);
        (void)sl_buf_addf(out, " | %.0f, %.0f", latency->counts[HAR_COMPARE_A],
                          latency->counts[HAR_COMPARE_B]);
        add_quantile(latency, HAR_COMPARE_P50, out);
        add_quantile(latency, HAR_COMPARE_P99, out);
        (void)sl_buf_add_str(out, " |\n");
    }
    add_left_out(out, changes - i);
    if (compare->noises[HAR_COMPARE_UNREPEATED] > 0) {
        (void)sl_buf_add_str(
            out, "\n?: not repeated; the same server on a busier machine looks like that. "
                 "5 results on each side (`run --repeat 5`) tell.\n");
    }
    if (compare->latency_count > changes) {
        (void)sl_buf_addf(out,
                          "\n%zu latencies without a change that can be told from noise "
                          "(&#126;).\n",
                          compare->latency_count - changes);
    }
}

void har_compare_markdown(const struct har_compare *compare, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "### sluice-harness compare: ");
    har_compare_conclusion(compare, out);
    (void)sl_buf_add_str(out, "\n\n| | run | target | profile | seed | results | duration | pauses "
                              "p99, max |\n|---|---|---|---|---|--:|--:|--:|\n");
    add_run(compare, HAR_COMPARE_A, out);
    add_run(compare, HAR_COMPARE_B, out);
    for (size_t i = 0; i < compare->warning_count; i++) {
        (void)sl_buf_add_str(out, "\n> warning: ");
        add_text(out, compare->warnings[i]);
        (void)sl_buf_add_u8(out, '\n');
    }
    (void)sl_buf_add_u8(out, '\n');
    for (int group = 0; group < HAR_COMPARE_GROUPS; group++) {
        (void)sl_buf_addf(out, "%s%zu %s", group == 0 ? "**" : ", ", compare->groups[group],
                          har_compare_headings[group]);
    }
    (void)sl_buf_add_str(out, "**\n");
    add_pairs(compare, out);
    add_buffers(compare, out);
    add_findings(compare, out);
    add_latencies(compare, out);
}
