/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/live.h"

#include <stdlib.h>

#include "harness/report/shown.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"

enum {
    DRAW_MS = 200,
    LINE_MAX_BYTES = 8192,
};

static void add_names(const struct har_suite *suite, struct sl_buf *out)
{
    unsigned running = 0;
    for (size_t i = 0; i < suite->result_count; i++) {
        const struct har_result *result = &suite->results[i];
        if (result->has_begun && !result->is_done && out->len < LINE_MAX_BYTES / 2) {
            (void)sl_buf_addf(out, "%s%.512s", running++ == 0 ? "  running: " : ", ",
                              result->scenario->id);
        }
    }
    if (running == 0) {
        (void)sl_buf_add_str(out, "  waiting for the target");
    }
}

/* Characters, of which ids may have wide ones: those of more than one byte count as two columns. */
static void add_cut(struct sl_span text, unsigned columns, struct sl_buf *out)
{
    struct sl_span piece;
    unsigned column = 0;
    while (text.len > 0) {
        bool is_shown = har_shown_piece(&text, &piece);
        column += is_shown && piece.len == 1 ? 1 : 2;
        if (column > columns) {
            return;
        }
        (void)sl_buf_add_span(out, is_shown ? piece : sl_span_str("?"));
    }
}

void har_live_line(const struct har_suite *suite, uint64_t elapsed_ns, unsigned columns,
                   struct sl_buf *out)
{
    struct sl_buf line;
    size_t done = 0;
    size_t counts[HAR_SKIP + 1] = {0};
    for (size_t i = 0; i < suite->result_count; i++) {
        done += suite->results[i].is_done;
        counts[suite->results[i].outcome] += suite->results[i].is_done;
    }
    sl_buf_init(&line, LINE_MAX_BYTES);
    (void)sl_buf_addf(&line, "%zu of %zu  %.0f s", done, suite->result_count,
                      (double)elapsed_ns / 1e9);
    for (enum har_outcome outcome = HAR_PASS; outcome <= HAR_SKIP; outcome++) {
        if (counts[outcome] > 0) {
            (void)sl_buf_addf(&line, "  %zu %s", counts[outcome], har_outcome_name(outcome));
        }
    }
    add_names(suite, &line);
    add_cut(sl_buf_span(&line), columns, out);
    sl_buf_release(&line);
}

void har_live_erase(struct har_live *live)
{
    if (live->is_on) {
        (void)fputs("\r\033[K", live->file);
    }
}

void har_live_draw(struct har_live *live)
{
    if (!live->is_on) {
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    har_live_line(live->suite, sl_clock_mono_ns() - live->begin_ns, sl_progress_columns(live->file),
                  &line);
    har_live_erase(live);
    (void)fwrite(line.data, 1, line.len, live->file);
    (void)fflush(live->file);
    sl_buf_release(&line);
}

static void on_timer(uv_timer_t *timer)
{
    har_live_draw(timer->data);
}

void har_live_begin(struct har_live *live, uv_loop_t *loop, FILE *file,
                    const struct har_suite *suite)
{
    const char *no_colour = getenv("NO_COLOR");
    *live = (struct har_live){.file = file, .suite = suite, .begin_ns = sl_clock_mono_ns()};
    live->is_on = sl_progress_is_possible(file);
    live->has_colour = live->is_on && (no_colour == NULL || no_colour[0] == '\0');
    (void)uv_timer_init(loop, &live->timer);
    live->timer.data = live;
    uv_unref((uv_handle_t *)&live->timer); /* a run does not wait for it */
    if (live->is_on) {
        (void)uv_timer_start(&live->timer, on_timer, 0, DRAW_MS);
    }
}

void har_live_end(struct har_live *live)
{
    har_live_erase(live);
    live->is_on = false;
    uv_close((uv_handle_t *)&live->timer, NULL);
}
