/* SPDX-License-Identifier: Apache-2.0 */
/* For a terminal of 60 columns and more. */
#include "harness/compare/writer.h"

static void put_run(struct har_compare_writer *text, int side)
{
    const struct har_compare_run *run = text->compare->runs[side];
    struct sl_buf *line = &text->line;
    (void)sl_buf_addf(text->out, "%c  ", 'A' + side);
    har_compare_shown(line, run->label);
    (void)sl_buf_add_str(line, ": ");
    har_compare_shown(line, run->target);
    (void)sl_buf_add_str(line, "; profile ");
    har_compare_shown(line, run->profile);
    (void)sl_buf_addf(
        line, ", seed %llu; %zu results in %.1f s; the machine paused p99 %.1f ms, max %.1f ms",
        (unsigned long long)run->seed, run->count, run->duration_ms / 1e3, run->hiccup_p99_ms,
        run->hiccup_max_ms);
    har_compare_put(text, 3, 3);
}

static const char *colour_of(enum har_outcome outcome)
{
    static const char *const colours[] = {HAR_GREEN, HAR_RED, HAR_YELLOW, HAR_DIM};
    return colours[outcome];
}

/* "      A  FAIL, 3 of 5 passed  1.2 s  [CHAT-07] ..." */
static void put_side(struct har_compare_writer *text, const struct har_compare_pair *pair, int side)
{
    const struct har_compare_tally *tally = &pair->sides[side];
    struct sl_buf *line = &text->line;
    (void)sl_buf_addf(text->out, "%*s%c  ", HAR_COMPARE_INDENT, "", 'A' + side);
    har_compare_paint(text, tally->runs == 0 ? HAR_DIM : colour_of(tally->outcome));
    size_t mark = text->out->len;
    har_compare_verdict(tally, text->out);
    size_t column = HAR_COMPARE_INDENT + 3 + text->out->len - mark;
    har_compare_unpaint(text);
    if (tally->runs == 0) {
        (void)sl_buf_add_u8(text->out, '\n');
        return;
    }
    column += 2;
    (void)sl_buf_add_str(text->out, "  ");
    (void)sl_buf_addf(line, "%.1f s", tally->duration_ms / 1e3);
    if (tally->outcome != HAR_PASS) {
        for (size_t i = 0; i < tally->rule_count; i++) {
            (void)sl_buf_add_str(line, i == 0 ? "  [" : ", ");
            har_compare_shown(line, tally->rules[i]);
        }
        if (tally->rules_left_out > 0) {
            (void)sl_buf_addf(line, ", %zu more", tally->rules_left_out);
        }
        (void)sl_buf_add_str(line, tally->rule_count > 0 ? "] " : "  ");
        har_compare_shown(line, tally->told->reason);
    }
    har_compare_put(text, column, HAR_COMPARE_INDENT + 3);
}

static void put_pair(struct har_compare_writer *text, const struct har_compare_pair *pair)
{
    har_compare_paint(text, pair->is_worse ? HAR_RED : "");
    (void)sl_buf_add_str(text->out, pair->is_worse ? "  ! " : "    ");
    har_compare_shown(&text->line, pair->id);
    (void)sl_buf_add_str(&text->line, ": ");
    har_compare_what(pair, &text->line);
    har_compare_put(text, 4, HAR_COMPARE_INDENT);
    har_compare_unpaint(text);
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        if (pair->sides[side].runs > 0) {
            put_side(text, pair, side);
        }
    }
}

/* Of the same ones only those that do not pass, of many the first. */
static void put_group(struct har_compare_writer *text, enum har_compare_group group)
{
    const struct har_compare *compare = text->compare;
    bool is_long = group == HAR_COMPARE_ONLY_A || group == HAR_COMPARE_ONLY_B;
    size_t rows = 0;
    size_t left_out = 0;
    for (size_t i = 0; i < compare->pair_count; i++) {
        const struct har_compare_pair *pair = &compare->pairs[i];
        bool is_told = text->look->is_all || group != HAR_COMPARE_SAME || har_compare_is_open(pair);
        if (pair->group != group || !is_told) {
            continue;
        }
        if (is_long && !text->look->is_all && !pair->is_worse && rows >= HAR_COMPARE_ROWS_MAX) {
            left_out++;
            continue;
        }
        if (rows++ == 0) {
            har_compare_heading(text, har_compare_headings[group]);
            (void)sl_buf_addf(text->out, " (%zu)\n", compare->groups[group]);
        }
        put_pair(text, pair);
    }
    if (left_out > 0) {
        (void)sl_buf_addf(text->out, "    and %zu more: --all\n", left_out);
    }
}

static void put_summary(struct har_compare_writer *text)
{
    const struct har_compare *compare = text->compare;
    size_t passing = 0;
    size_t skipped = 0;
    for (size_t i = 0; i < compare->pair_count; i++) {
        bool is_same = compare->pairs[i].group == HAR_COMPARE_SAME;
        passing += is_same && compare->pairs[i].sides[HAR_COMPARE_B].outcome == HAR_PASS;
        skipped += is_same && compare->pairs[i].sides[HAR_COMPARE_B].outcome == HAR_SKIP;
    }
    for (int group = 0; group < HAR_COMPARE_GROUPS; group++) {
        (void)sl_buf_addf(&text->line, "%s%zu %s", group == 0 ? "" : ", ", compare->groups[group],
                          har_compare_headings[group]);
    }
    (void)sl_buf_addf(&text->line, " (%zu pass, %zu skipped)", passing, skipped);
    (void)sl_buf_add_u8(text->out, '\n');
    har_compare_put(text, 0, 3);
}

void har_compare_text(const struct har_compare *compare, const struct har_compare_look *look,
                      struct sl_buf *out)
{
    struct har_compare_writer text = {.compare = compare, .look = look, .out = out};
    sl_buf_init(&text.line, HAR_COMPARE_LINE_BYTES);
    put_run(&text, HAR_COMPARE_A);
    put_run(&text, HAR_COMPARE_B);
    for (size_t i = 0; i < compare->warning_count; i++) {
        har_compare_paint(&text, HAR_YELLOW);
        (void)sl_buf_add_str(&text.line, "warning: ");
        har_compare_shown(&text.line, compare->warnings[i]);
        har_compare_put(&text, 0, 3);
        har_compare_unpaint(&text);
    }
    put_summary(&text);
    for (int group = 0; group < HAR_COMPARE_GROUPS; group++) {
        put_group(&text, (enum har_compare_group)group);
    }
    har_compare_text_buffers(&text);
    har_compare_text_findings(&text);
    har_compare_text_latencies(&text);
    har_compare_text_stories(&text);
    (void)sl_buf_add_u8(out, '\n');
    har_compare_paint(&text, har_compare_status(compare) == 0 ? HAR_GREEN : HAR_RED);
    har_compare_conclusion(compare, out);
    har_compare_unpaint(&text);
    (void)sl_buf_add_u8(out, '\n');
    sl_buf_release(&text.line);
}
