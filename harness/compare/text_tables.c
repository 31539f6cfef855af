/* SPDX-License-Identifier: Apache-2.0 */
/* What was calibrated, findings, latencies and stories, for a terminal. */
#include "harness/compare/writer.h"

static void put_cell(struct har_compare_writer *text, double value, bool is_unstable)
{
    size_t mark = text->line.len;
    if (value < 0) {
        (void)sl_buf_add_str(&text->line, "-");
    } else {
        har_compare_number(value, &text->line);
    }
    (void)sl_buf_add_str(&text->line, is_unstable ? " unstable" : "");
    (void)sl_buf_addf(text->out, " %15s", sl_buf_str(&text->line) + mark);
    sl_buf_clear(&text->line);
}

void har_compare_text_buffers(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    if (compare->buffer_count == 0) {
        return;
    }
    har_compare_heading(text, "calibrated");
    (void)sl_buf_addf(text->out, "%*s %15s %7s\n", 26, "A", "B", "B to A");
    for (size_t i = 0; i < compare->buffer_count; i++) {
        const struct har_compare_buffer *buffer = &compare->buffers[i];
        (void)sl_buf_add_str(&text->line, "  ");
        har_compare_shown(&text->line, buffer->name);
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            if (buffer->notes[side] != NULL) {
                (void)sl_buf_addf(&text->line, " %c: ", 'A' + side);
                har_compare_shown(&text->line, buffer->notes[side]);
            }
        }
        if (buffer->notes[HAR_COMPARE_A] != NULL || buffer->notes[HAR_COMPARE_B] != NULL) {
            har_compare_put(text, 0, HAR_COMPARE_INDENT);
            continue;
        }
        (void)sl_buf_addf(text->out, "%-20.60s", sl_buf_str(&text->line));
        sl_buf_clear(&text->line);
        put_cell(text, buffer->values[HAR_COMPARE_A], buffer->is_unstable[HAR_COMPARE_A]);
        put_cell(text, buffer->values[HAR_COMPARE_B], buffer->is_unstable[HAR_COMPARE_B]);
        har_compare_ratio(buffer->values[HAR_COMPARE_A], buffer->values[HAR_COMPARE_B],
                          &text->line);
        bool has_both = buffer->values[HAR_COMPARE_A] >= 0 && buffer->values[HAR_COMPARE_B] >= 0;
        (void)sl_buf_addf(text->out, " %7s\n", has_both ? sl_buf_str(&text->line) : "-");
        sl_buf_clear(&text->line);
    }
}

void har_compare_text_findings(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    for (size_t i = 0; i < compare->finding_count; i++) {
        const struct har_compare_finding *finding = &compare->findings[i];
        if (i == 0) {
            har_compare_heading(text, "findings");
            (void)sl_buf_add_u8(text->out, '\n');
        }
        har_compare_paint(text, strcmp(finding->change, "new") == 0 ? HAR_YELLOW : "");
        (void)sl_buf_addf(&text->line, "%-9s ", finding->change);
        har_compare_shown(&text->line, finding->rule);
        (void)sl_buf_add_str(&text->line, " (");
        har_compare_shown(&text->line, finding->level);
        (void)sl_buf_add_str(&text->line, ", ");
        har_compare_shown(&text->line, finding->side);
        (void)sl_buf_addf(&text->line, "): %.0f in A, %.0f in B",
                          finding->counts[HAR_COMPARE_A] + finding->others[HAR_COMPARE_A],
                          finding->counts[HAR_COMPARE_B] + finding->others[HAR_COMPARE_B]);
        double others = finding->others[HAR_COMPARE_A] + finding->others[HAR_COMPARE_B];
        if (others > 0) {
            (void)sl_buf_addf(&text->line, ", %.0f of them in scenarios that one run did not play",
                              others);
        }
        (void)sl_buf_add_str(&text->line, ": ");
        har_compare_shown(&text->line, finding->text);
        (void)sl_buf_add_str(text->out, "    ");
        har_compare_put(text, 4, HAR_COMPARE_INDENT);
        har_compare_unpaint(text);
    }
}

/* "p50 1.20 -> 2.40 x2.00" */
static void put_quantile(struct har_compare_writer *text, const struct har_compare_latency *latency,
                         int q)
{
    const struct har_compare_value *a = &latency->values[HAR_COMPARE_A][q];
    const struct har_compare_value *b = &latency->values[HAR_COMPARE_B][q];
    struct sl_buf *line = &text->line;
    bool is_real = latency->noise[q] == HAR_COMPARE_REAL;
    bool is_told = latency->noise[q] <= HAR_COMPARE_UNREPEATED;
    (void)sl_buf_addf(line, "%-4s ", har_compare_quantile_names[q]);
    size_t mark = line->len;
    har_compare_number(a->ms, line);
    (void)sl_buf_addf(line, "%*s", (int)(8 - (line->len - mark > 8 ? 8 : line->len - mark)), "");
    (void)sl_buf_add_str(line, " ");
    mark = line->len;
    har_compare_number(b->ms, line);
    (void)sl_buf_addf(line, "%*s ", (int)(8 - (line->len - mark > 8 ? 8 : line->len - mark)), "");
    (void)sl_buf_add_span(text->out, sl_buf_span(line));
    sl_buf_clear(line);
    har_compare_paint(text, !is_real ? HAR_DIM : b->ms > a->ms ? HAR_RED : HAR_GREEN);
    if (is_told) {
        har_compare_ratio(a->ms, b->ms, line);
        (void)sl_buf_add_str(line, is_real ? "" : "?");
    }
    (void)sl_buf_addf(text->out, "%-7s ", is_told ? sl_buf_str(line) : "~");
    sl_buf_clear(line);
    har_compare_unpaint(text);
}

static void put_latency(struct har_compare_writer *text, const struct har_compare_latency *latency)
{
    enum { BLOCK = 32, WIDE = 110 };
    bool is_wide = text->look->columns >= WIDE; /* narrow: only the main ones, and what changed */
    struct sl_buf *line = &text->line;
    har_compare_shown(line, latency->pair->id);
    (void)sl_buf_add_str(line, ": ");
    har_compare_shown(line, latency->phase);
    (void)sl_buf_add_str(line, ", ");
    har_compare_shown(line, latency->metric);
    (void)sl_buf_addf(line, " of %.0f and %.0f", latency->counts[HAR_COMPARE_A],
                      latency->counts[HAR_COMPARE_B]);
    if (latency->best > HAR_COMPARE_UNREPEATED) {
        (void)sl_buf_addf(line, " (~ %s)", har_compare_noise_texts[latency->best]);
    }
    (void)sl_buf_add_str(text->out, "    ");
    har_compare_put(text, 4, HAR_COMPARE_INDENT);
    size_t column = text->look->columns;
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        bool is_main = q == HAR_COMPARE_P50 || q == HAR_COMPARE_P99 || is_wide ||
                       latency->noise[q] <= HAR_COMPARE_UNREPEATED;
        if (latency->noise[q] == HAR_COMPARE_ABSENT || !is_main) {
            continue;
        }
        if (column + BLOCK > text->look->columns) {
            (void)sl_buf_addf(text->out, "%s%*s", column < text->look->columns ? "\n" : "",
                              HAR_COMPARE_INDENT, "");
            column = HAR_COMPARE_INDENT;
        }
        put_quantile(text, latency, q);
        column += BLOCK - 2;
    }
    (void)sl_buf_add_str(text->out, column < text->look->columns ? "\n" : "");
}

/* How many latencies are not told as changes, and why. */
static void put_noises(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    size_t rest = compare->latency_count - compare->noises[HAR_COMPARE_REAL] -
                  compare->noises[HAR_COMPARE_UNREPEATED];
    const char *comma = " ";
    if (rest == 0) {
        return;
    }
    (void)sl_buf_addf(&text->line, "~ %zu without a change that can be told from noise:", rest);
    for (int noise = HAR_COMPARE_ABSENT; noise < HAR_COMPARE_NOISES; noise++) {
        if (compare->noises[noise] > 0) {
            (void)sl_buf_addf(&text->line, "%s%zu %s", comma, compare->noises[noise],
                              har_compare_noise_texts[noise]);
            comma = "; ";
        }
    }
    (void)sl_buf_add_str(text->out, "    ");
    har_compare_put(text, 4, HAR_COMPARE_INDENT);
}

void har_compare_text_latencies(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    size_t told = 0;
    if (compare->latency_count == 0) {
        return;
    }
    size_t real = compare->noises[HAR_COMPARE_REAL];
    size_t unrepeated = compare->noises[HAR_COMPARE_UNREPEATED];
    har_compare_heading(text, "latencies");
    (void)sl_buf_add_str(text->out, ", ms: A, B, ratio; the largest real change first\n");
    for (size_t i = 0; i < compare->latency_count; i++) {
        bool is_change = compare->latencies[i].best <= HAR_COMPARE_UNREPEATED;
        if (text->look->is_all || (is_change && told < HAR_COMPARE_ROWS_MAX)) {
            put_latency(text, &compare->latencies[i]);
            told++;
        }
    }
    if (told < real + unrepeated) {
        (void)sl_buf_addf(text->out, "    and %zu more: --all\n", real + unrepeated - told);
    }
    if (unrepeated > 0) {
        (void)sl_buf_add_str(text->out, "    ");
        (void)sl_buf_add_str(&text->line,
                             "? not repeated: the same server on a busier machine looks like that; "
                             "5 results on each side (run --repeat 5) tell");
        har_compare_put(text, 4, HAR_COMPARE_INDENT);
    }
    put_noises(text);
    if (compare->latencies_left_out > 0) {
        (void)sl_buf_addf(text->out, "    %zu are left out\n", compare->latencies_left_out);
    }
}

static void put_kinds(struct har_compare_writer *text, const struct har_compare_story *story)
{
    for (size_t i = 0; i < story->kind_count; i++) {
        const struct har_compare_kind *kind = &story->kinds[i];
        har_compare_shown(&text->line, kind->kind);
        (void)sl_buf_addf(
            &text->line, " (%zu and %zu): sent %.0f, %.0f; received %.0f, %.0f; lost %.0f, %.0f",
            kind->actors[HAR_COMPARE_A], kind->actors[HAR_COMPARE_B], kind->sent[HAR_COMPARE_A],
            kind->sent[HAR_COMPARE_B], kind->received[HAR_COMPARE_A], kind->received[HAR_COMPARE_B],
            kind->lost[HAR_COMPARE_A], kind->lost[HAR_COMPARE_B]);
        (void)sl_buf_addf(text->out, "%*s", HAR_COMPARE_INDENT, "");
        har_compare_put(text, HAR_COMPARE_INDENT, HAR_COMPARE_INDENT + 2);
    }
}

static void put_faults(struct har_compare_writer *text, const struct har_compare_story *story)
{
    for (size_t i = 0; i < story->fault_count; i++) {
        const struct har_compare_fault *fault = &story->faults[i];
        (void)sl_buf_add_str(&text->line, "affected by ");
        har_compare_shown(&text->line, fault->what);
        (void)sl_buf_add_str(&text->line, fault->actor[0] == '\0' ? "" : " at ");
        har_compare_shown(&text->line, fault->actor);
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            (void)sl_buf_addf(&text->line, "; %c: ", 'A' + side);
            har_compare_affected(fault, side, &text->line);
        }
        (void)sl_buf_addf(text->out, "%*s", HAR_COMPARE_INDENT, "");
        har_compare_put(text, HAR_COMPARE_INDENT, HAR_COMPARE_INDENT + 2);
    }
}

static void put_marks(struct har_compare_writer *text, const struct har_compare_story *story)
{
    const double mib = 1024.0 * 1024.0;
    for (size_t i = 0; i < story->mark_count; i++) {
        const struct har_compare_mark *mark = &story->marks[i];
        double a = mark->rss_bytes[HAR_COMPARE_A];
        double b = mark->rss_bytes[HAR_COMPARE_B];
        if (a < 0 || b < 0) {
            continue;
        }
        (void)sl_buf_add_str(&text->line, "memory at ");
        har_compare_shown(&text->line, mark->name);
        (void)sl_buf_addf(&text->line, ": %.1f MiB, %.1f MiB ", a / mib, b / mib);
        har_compare_ratio(a, b, &text->line);
        (void)sl_buf_addf(text->out, "%*s", HAR_COMPARE_INDENT, "");
        har_compare_put(text, HAR_COMPARE_INDENT, HAR_COMPARE_INDENT + 2);
    }
}

void har_compare_text_stories(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    bool has_heading = false;
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        const struct har_compare_story *story = pair->story;
        if (story == NULL ||
            !(story->differs || text->look->is_all || har_compare_is_changed(pair))) {
            continue;
        }
        if (!has_heading) {
            har_compare_heading(text, "who lost messages, who was affected, memory");
            (void)sl_buf_add_str(text->out, ": A, B\n");
            has_heading = true;
        }
        har_compare_shown(&text->line, pair->id);
        (void)sl_buf_add_str(text->out, "    ");
        har_compare_put(text, 4, HAR_COMPARE_INDENT);
        put_kinds(text, story);
        put_faults(text, story);
        put_marks(text, story);
        if (story->left_out > 0) {
            (void)sl_buf_addf(text->out, "%*sand %zu more; the reports have them\n",
                              HAR_COMPARE_INDENT, "", story->left_out);
        }
    }
}
