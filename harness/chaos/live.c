/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/live.h"

#include "harness/chaos/run.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"

enum {
    DRAW_MS = 200,
    LINE_BYTES = 8192,
};

static void add_line(const struct har_chaos_run *run, struct sl_buf *out)
{
    struct har_chaos_covered covered = har_chaos_covered(&run->config.options, &run->coverage);
    uint64_t played_ns = sl_clock_mono_ns() - run->begin_ns - run->shrinking_ns;
    (void)sl_buf_addf(out, "round %u  %.0f of %.0f s  kinds %u/%u  pairs %u/%u",
                      run->coverage.rounds == 0 ? 0 : run->coverage.rounds - 1,
                      (double)played_ns / 1e9, (double)run->config.for_ns / 1e9, covered.kinds,
                      covered.kinds_possible, covered.pairs, covered.pairs_possible);
    if (run->failure_count > 0) {
        (void)sl_buf_addf(out, "  %zu fail", run->failure_count);
    }
    if (run->inconclusive > 0) {
        (void)sl_buf_addf(out, "  %u inconclusive", run->inconclusive);
    }
    if (run->shrinking != NULL) {
        (void)sl_buf_addf(out, "  %s fails, shrinking", run->shrinking->rule);
    }
    if (run->playing != NULL) {
        (void)sl_buf_add_str(out, "  ");
        har_chaos_tell(run->playing, out);
    }
}

static void draw(struct har_chaos_live *live)
{
    struct sl_buf line;
    size_t columns = sl_progress_columns(live->file);
    sl_buf_init(&line, LINE_BYTES);
    add_line(live->run, &line); /* ASCII, and ours */
    har_chaos_live_erase(live);
    (void)fwrite(line.data, 1, line.len < columns ? line.len : columns, live->file);
    (void)fflush(live->file);
    sl_buf_release(&line);
}

static void on_timer(uv_timer_t *timer)
{
    draw(timer->data);
}

void har_chaos_live_begin(struct har_chaos_live *live, struct har_chaos_run *run, FILE *file)
{
    *live = (struct har_chaos_live){.run = run, .file = file};
    live->is_on = sl_progress_is_possible(file);
    (void)uv_timer_init(run->config.suite.loop, &live->timer);
    live->timer.data = live;
    uv_unref((uv_handle_t *)&live->timer); /* a run does not wait for it */
    if (live->is_on) {
        (void)uv_timer_start(&live->timer, on_timer, 0, DRAW_MS);
    }
}

void har_chaos_live_erase(struct har_chaos_live *live)
{
    if (live->is_on) {
        (void)fputs("\r\033[K", live->file);
    }
}

void har_chaos_live_end(struct har_chaos_live *live)
{
    har_chaos_live_erase(live);
    live->is_on = false;
    (void)uv_timer_stop(&live->timer);
    uv_close((uv_handle_t *)&live->timer, NULL);
}
