/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate: what a target's stack holds back, as a table that its owner understands. */
#include <signal.h>
#include <stdio.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/open_target.h"
#include "harness/cmd/target_options.h"
#include "harness/engine/calibrate.h"
#include "harness/report/report.h"
#include "harness/scenario/library.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"

enum {
    JSON_MAX = 64 * 1024,
    LINE_MAX_BYTES = 512,
};

struct options {
    struct har_run_options run; /* first: the shared setters write here */
    bool wants_ping, is_json;
};

HAR_SET_FLAG(struct options, ping, wants_ping)
HAR_SET_FLAG(struct options, json, is_json)

static const struct sl_cli_option own[] = {
    {"ping-interval", 0, NULL, "measure the chat's ping interval too; takes two of them", set_ping},
    {"json", 0, NULL, "one JSON object in place of the table", set_json},
};
enum {
    SHARED = HAR_TARGET_OPTIONS + 2,
    OWN = sizeof(own) / sizeof(own[0]),
};
static const char program[] = "sluice-harness calibrate";

/* All that belongs to one calibration, on one loop. */
struct work {
    struct options options;
    struct har_profile profile;
    struct har_cmd_target target;
    struct har_calibration calibration;
    struct har_calibrate *calibrate;
    struct har_hiccup *hiccup;
    struct sl_pool *pool;
    uv_loop_t loop;
    uv_timer_t timer; /* of progress */
    uv_signal_t interrupt;
    struct sl_progress progress;
    uint64_t begin_ns;
    int status;
};

static void on_timer(uv_timer_t *timer)
{
    struct work *work = timer->data;
    struct sl_buf line;
    if (!sl_progress_is_due(&work->progress)) {
        return;
    }
    sl_buf_init(&line, LINE_MAX_BYTES);
    double seconds = (double)(sl_clock_mono_ns() - work->begin_ns) / 1e9;
    if (work->calibrate == NULL) {
        (void)sl_buf_addf(&line, "waiting for the target  %.0f s", seconds);
    } else {
        size_t number = 0;
        size_t count = 0;
        const char *name = har_calibrate_stage(work->calibrate, &number, &count);
        (void)sl_buf_addf(&line, "measuring %s, %zu of %zu  %.0f s", name, number, count, seconds);
    }
    sl_progress_draw(&work->progress, sl_buf_span(&line));
    sl_buf_release(&line);
}

/* As without us, but for the line. */
static void on_interrupt(uv_signal_t *handle, int number)
{
    struct work *work = handle->data;
    sl_progress_end(&work->progress);
    har_process_kill_all();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void show_progress(struct work *work)
{
    work->begin_ns = sl_clock_mono_ns();
    sl_progress_init(&work->progress, stderr);
    (void)uv_timer_init(&work->loop, &work->timer);
    work->timer.data = work;
    (void)uv_signal_init(&work->loop, &work->interrupt);
    work->interrupt.data = work;
    uv_unref((uv_handle_t *)&work->timer);
    uv_unref((uv_handle_t *)&work->interrupt);
    if (work->progress.is_on) {
        (void)uv_timer_start(&work->timer, on_timer, SL_PROGRESS_FIRST_MS, SL_PROGRESS_MS);
        (void)uv_signal_start(&work->interrupt, on_interrupt, SIGINT);
    }
}

static void end_progress(struct work *work)
{
    sl_progress_end(&work->progress);
    uv_close((uv_handle_t *)&work->timer, NULL);
    uv_close((uv_handle_t *)&work->interrupt, NULL);
}

static void on_stopped(void *owner, enum sl_status status, const char *text)
{
    struct work *work = owner;
    (void)status;
    (void)text;
    uv_stop(&work->loop);
}

static void on_calibrated(void *owner)
{
    struct work *work = owner;
    har_target_stop(work->target.target, on_stopped, work);
}

static void on_started(void *owner, enum sl_status status, const char *text)
{
    struct work *work = owner;
    if (status != SL_OK) {
        sl_progress_erase(&work->progress);
        (void)fprintf(stderr, "%s: the target cannot be reached: ", program);
        har_report_text_line(stderr, text);
        work->status = 2;
        har_target_stop(work->target.target, on_stopped, work);
        return;
    }
    const struct har_run_options *run = &work->options.run;
    struct har_play_config base = {
        .loop = &work->loop,
        .profile = &work->profile,
        .conn = *har_target_conn(work->target.target),
        .metadata = run->metadata.fields,
        .metadata_count = run->metadata.count,
        .pool = work->pool,
        .seed = run->has_seed ? run->seed : 1,
        .run = (uint32_t)(sl_clock_wall_ns() / SL_US),
        .hiccup = work->hiccup,
        .pid = har_target_pid(work->target.target),
    };
    unsigned asked = HAR_BIT(HAR_CALIBRATED) - 1;
    asked &= work->options.wants_ping ? asked : ~HAR_BIT(HAR_CAL_PING_INTERVAL);
    work->calibrate = har_calibrate_start(&base, asked, &work->calibration, on_calibrated, work);
}

static void print(struct work *work)
{
    if (!work->options.is_json) {
        har_calibration_print(stdout, &work->calibration, &work->profile);
        (void)printf("%-16s measured in %.1f s; the machine paused for up to %.1f ms\n", "",
                     (double)work->calibration.duration_ns / 1e9,
                     (double)har_hiccup_quantile(work->hiccup, 1) / (double)SL_MS);
        return;
    }
    struct sl_buf text;
    struct sl_json_out json;
    sl_buf_init(&text, JSON_MAX);
    sl_json_out_init(&json, &text);
    har_report_calibration(&json, &work->calibration);
    (void)printf("%s\n", sl_buf_str(&text));
    sl_buf_release(&text);
}

/* 3 where something that was asked for stayed unknown or unsteady. */
static int verdict(const struct har_calibration *calibration)
{
    static const enum har_measure judged[HAR_CALIBRATED] = {
        HAR_RTT,        HAR_HIDDEN_BYTES, HAR_BUFFER,   HAR_IS_OLDEST,
        HAR_DEFAULT_HZ, HAR_INTERVAL_MS,  HAR_CAPACITY,
    };
    for (unsigned i = 0; i < HAR_CALIBRATED; i++) {
        bool is_asked = (calibration->asked & HAR_BIT(i)) != 0;
        if (is_asked && !har_calibration_is_steady(calibration, judged[i])) {
            return 3;
        }
    }
    return 0;
}

static int calibrate(struct work *work)
{
    struct har_library library;
    struct sl_error error = {0};
    work->status = har_cmd_check_target(program, &work->options.run);
    if (work->status == 0) {
        work->status = har_cmd_library(program, &library);
    }
    if (work->status != 0) {
        return work->status;
    }
    enum sl_status loaded =
        har_profile_load(work->options.run.profile, library.folder, &work->profile, &error);
    har_library_release(&library);
    if (loaded != SL_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", program, error.source, error.text);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    har_process_die_together();
    (void)uv_loop_init(&work->loop);
    work->hiccup = har_hiccup_new();
    work->status =
        har_cmd_open_target(program, &work->options.run, NULL, &work->loop, &work->target);
    if (work->status == 0) {
        show_progress(work);
        har_target_start(work->target.target, on_started, work);
        (void)uv_run(&work->loop, UV_RUN_DEFAULT);
        end_progress(work);
    }
    if (work->status == 0) {
        print(work);
        work->status = verdict(&work->calibration);
    }
    har_calibrate_free(work->calibrate);
    int closed = har_cmd_close_target(program, &work->loop, &work->target);
    har_hiccup_free(work->hiccup);
    return closed != 0 ? closed : work->status;
}

int har_cmd_calibrate(int argc, char **argv)
{
    struct sl_cli_option options[SHARED + OWN];
    har_target_options_copy(options);
    options[SHARED - 2] = *har_run_option("profile");
    options[SHARED - 1] = *har_run_option("seed");
    memcpy(options + SHARED, own, sizeof(own));
    const struct sl_cli cli = {
        .program = program,
        .summary = "Measures what a target's stack and this machine do before anything is judged.",
        .exits =
            (const struct sl_cli_line[]){
                {"0", "all was measured"},
                {"2", "bad usage, or the target cannot be reached"},
                {"3", "something could not be measured, or scatters too much"},
                {NULL, NULL}},
        .options = options,
        .option_count = SHARED + OWN,
    };
    struct work *work = sl_alloc(sizeof(*work));
    work->options.run.profile = "seed";
    struct sl_cli_result result;
    int status = 0;
    if (sl_cli_start(&cli, argc, argv, &work->options, &result, &status)) {
        status = calibrate(work);
    }
    sl_headers_release(&work->options.run.metadata);
    sl_free(work);
    return status;
}
