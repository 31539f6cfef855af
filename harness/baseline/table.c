/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/table.h"

#include <stdio.h>

#include "harness/baseline/tell.h"
#include "harness/report/shown.h"

/* Text as text, within a cell too. */
static void add_text(struct sl_buf *out, const char *text)
{
    struct sl_span rest = sl_span_str(text);
    struct sl_span piece;
    while (rest.len > 0) {
        if (!har_shown_piece(&rest, &piece)) {
            har_shown_escape(piece, "\\\\x", out);
            continue;
        }
        if (strchr("\\`*_<>[]|#&", piece.data[0]) != NULL) {
            (void)sl_buf_add_u8(out, '\\');
        }
        (void)sl_buf_add_span(out, piece);
    }
}

/* ---- the stacks ---- */

static void add_stack(const struct har_baseline *baseline, const struct har_library *library,
                      struct sl_buf *out)
{
    unsigned verdicts[HAR_SKIP + 1] = {0};
    unsigned musts = 0;
    for (size_t i = 0; i < baseline->count; i++) {
        const struct har_baseline_result *result = &baseline->results[i];
        const struct har_scenario *scenario = har_library_find(library, result->id);
        verdicts[result->verdict]++;
        musts += result->verdict == HAR_FAIL && scenario != NULL && scenario->level == HAR_LEVEL_M;
    }
    (void)sl_buf_add_str(out, "| ");
    add_text(out, baseline->stack);
    (void)sl_buf_add_str(out, " | ");
    add_text(out, baseline->version);
    (void)sl_buf_addf(out, " | %s | ", baseline->date);
    add_text(out, baseline->binding);
    (void)sl_buf_add_str(out, " | ");
    add_text(out, baseline->profile);
    (void)sl_buf_addf(out, " | %u | %u | %u | %u | ", verdicts[HAR_PASS], verdicts[HAR_FAIL], musts,
                      verdicts[HAR_SKIP]);
    add_text(out, baseline->about == NULL ? "" : baseline->about);
    (void)sl_buf_add_str(out, " |\n");
}

/* ---- the table ---- */

static void add_cell(const struct har_baseline *baseline, const char *id, struct sl_buf *out)
{
    const struct har_baseline_result *result = har_baseline_find(baseline, id);
    struct sl_buf seen;
    if (result == NULL) {
        (void)sl_buf_add_str(out, " - |");
        return;
    }
    sl_buf_init(&seen, HAR_BASELINE_LINE_MAX);
    (void)sl_buf_add_str(out, result->verdict == HAR_FAIL ? " **FAIL**" : " ");
    if (result->verdict != HAR_FAIL) {
        (void)sl_buf_add_str(out, har_outcome_name((enum har_outcome)result->verdict));
    } else if (result->rule != NULL) {
        (void)sl_buf_add_str(out, " ");
        add_text(out, result->rule);
    }
    har_baseline_seen(result, NULL, &seen);
    if (seen.len > 0) {
        (void)sl_buf_add_str(out, "; ");
        add_text(out, sl_buf_str(&seen));
    }
    (void)sl_buf_add_str(out, " |");
    sl_buf_release(&seen);
}

static bool is_played(const struct har_baselines *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (har_baseline_find(&set->items[i], id) != NULL) {
            return true;
        }
    }
    return false;
}

static void add_rows(const struct har_baselines *set, const struct har_library *library,
                     struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "| scenario | level |");
    for (size_t i = 0; i < set->count; i++) {
        (void)sl_buf_add_str(out, " ");
        add_text(out, set->items[i].stack);
        (void)sl_buf_add_str(out, " ");
        add_text(out, set->items[i].version);
        (void)sl_buf_add_str(out, " |");
    }
    (void)sl_buf_add_str(out, "\n|---|---|");
    for (size_t i = 0; i < set->count; i++) {
        (void)sl_buf_add_str(out, "---|");
    }
    (void)sl_buf_add_str(out, "\n");
    for (size_t i = 0; i < library->count; i++) {
        const struct har_scenario *scenario = library->scenarios[i];
        if (!is_played(set, scenario->id)) {
            continue;
        }
        (void)sl_buf_add_str(out, "| ");
        add_text(out, scenario->id);
        (void)sl_buf_addf(out, " | %s |", har_level_name(scenario->level));
        for (size_t j = 0; j < set->count; j++) {
            add_cell(&set->items[j], scenario->id, out);
        }
        (void)sl_buf_add_str(out, "\n");
    }
}

/* ---- the failures ---- */

static void add_failures(const struct har_baseline *baseline, const struct har_library *library,
                         struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "\n## ");
    add_text(out, baseline->stack);
    (void)sl_buf_add_str(out, " ");
    add_text(out, baseline->version);
    (void)sl_buf_add_str(out, "\n\n| scenario | level | rule | what it did | confirmed on the wire "
                              "| note |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < baseline->count; i++) {
        const struct har_baseline_result *result = &baseline->results[i];
        const struct har_scenario *scenario = har_library_find(library, result->id);
        if (result->verdict != HAR_FAIL || scenario == NULL) {
            continue;
        }
        (void)sl_buf_add_str(out, "| ");
        add_text(out, result->id);
        (void)sl_buf_addf(out, " | %s | ", har_level_name(scenario->level));
        add_text(out, result->rule == NULL ? "" : result->rule);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, result->reason == NULL ? "" : result->reason);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, result->confirmed == NULL ? "" : result->confirmed);
        (void)sl_buf_add_str(out, " | ");
        add_text(out, result->note == NULL ? "" : result->note);
        (void)sl_buf_add_str(out, " |\n");
    }
}

void har_baselines_table(const struct har_baselines *set, const struct har_library *library,
                         struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "| stack | version | measured | binding | profile | pass | fail | of "
                              "level M | skip | how |\n"
                              "|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < set->count; i++) {
        add_stack(&set->items[i], library, out);
    }
    (void)sl_buf_add_str(out, "\n");
    add_rows(set, library, out);
    for (size_t i = 0; i < set->count; i++) {
        add_failures(&set->items[i], library, out);
    }
}
