/* SPDX-License-Identifier: Apache-2.0 */
/* probe: named classes of abuse, one after the other, and what limits of a server were seen. */
#include <signal.h>
#include <stdio.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/open_target.h"
#include "harness/cmd/target_options.h"
#include "harness/probe/print.h"
#include "harness/probe/scope.h"
#include "harness/report/write_file.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"
#include "lib/base/units.h"

enum {
    CLASSES_MAX = 64, /* of the table; asserted by a test */
    REPORT_MAX = 1024 * 1024,
    PATIENCE_MAX_S = 120,
    LINE_MAX_BYTES = 256,
};

struct options {
    struct har_run_options run; /* first: the shared setters write here */
    bool is_chosen[CLASSES_MAX];
    bool has_choice, is_list, is_dry, may_be_remote;
    const char *method;
    uint64_t percent, patience_ns;
};
static const char program[] = "sluice-harness probe";

HAR_SET_FLAG(struct options, list, is_list)
HAR_SET_FLAG(struct options, dry, is_dry)
HAR_SET_FLAG(struct options, remote, may_be_remote)

static enum sl_status set_class(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    options->has_choice = true;
    if (har_probe_choose(value, options->is_chosen)) {
        return SL_OK;
    }
    const char *names[CLASSES_MAX];
    for (size_t i = 0; i < har_probe_class_count; i++) {
        names[i] = har_probe_classes[i].name;
    }
    const char *near = sl_cli_nearest(value, names, har_probe_class_count);
    return sl_error_set(reterr, SL_USAGE, "no class matches '%.100s'; %s%s%s", value,
                        near == NULL ? "" : "did you mean ", near == NULL ? "" : near,
                        near == NULL ? "'sluice-harness probe --list' shows them" : "?");
}

static enum sl_status set_method(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    const char *slash = value[0] == '/' ? strchr(value + 1, '/') : NULL;
    bool is_fine = slash != NULL && slash > value + 1 && slash[1] != '\0' && strlen(value) < 1024;
    for (const char *c = value; *c != '\0'; c++) {
        is_fine &= *c > ' ' && *c < 0x7f;
    }
    options->method = value;
    return is_fine ? SL_OK
                   : sl_error_set(reterr, SL_USAGE,
                                  "wanted: a unary method, such as /pkg.Service/Method");
}

static enum sl_status set_amount(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    size_t len = strlen(value);
    len -= len > 0 && value[len - 1] == '%';
    if (sl_units_u64(sl_span(value, len), &options->percent) != SL_OK || options->percent == 0 ||
        options->percent > 100) {
        return sl_error_set(reterr, SL_USAGE, "wanted: 1%% to 100%% of what each class sends");
    }
    return SL_OK;
}

static enum sl_status set_patience(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    if (sl_units_duration(sl_span_str(value), &options->patience_ns) != SL_OK ||
        options->patience_ns < SL_SECOND || options->patience_ns > PATIENCE_MAX_S * SL_SECOND) {
        return sl_error_set(reterr, SL_USAGE, "wanted: 1s to %ds", PATIENCE_MAX_S);
    }
    return SL_OK;
}

static enum sl_status set_report(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    enum sl_status status = har_run_option("report")->set(target, value, reterr);
    for (size_t i = 0; i < HAR_FORMATS && status == SL_OK; i++) {
        if (options->run.reports[i] != NULL && i != HAR_JSON && i != HAR_MARKDOWN) {
            return sl_error_set(reterr, SL_USAGE, "wanted: json=FILE or md=FILE");
        }
    }
    return status;
}

static const struct sl_cli_option own[] = {
    {"class", 0, "NAME", "only this class: a name, a glob, a CVE or a rule; may be repeated",
     set_class},
    {"list", 0, NULL, "the classes, with their CVEs, and nothing else", set_list},
    {"dry-run", 0, NULL, "what would be sent, how often and for how long; sends nothing", set_dry},
    {"method", 0, "/PKG.SERVICE/METHOD",
     "the unary method that is called, with an empty message.\nDefault: SendMessage of chat.v1, or "
     "Check of grpc.health.v1 where\nthat is not served",
     set_method},
    {"amount", 0, "PERCENT", "of what each class sends at most; default 100%", set_amount},
    {"patience", 0, "TIME", "how long slow connections wait for a limit; default 5s, at most 120s",
     set_patience},
    {"allow-remote", 0, NULL,
     "also a target that is not this machine: only with its owner's\nconsent", set_remote},
    {"report", 0, "FORMAT=FILE", "FORMAT is json or md; may be repeated", set_report},
};
enum {
    SHARED = HAR_TARGET_OPTIONS + 2,
    OWN = sizeof(own) / sizeof(own[0]),
};

/* All that belongs to one probe, on one loop. */
struct work {
    struct options options;
    struct har_cmd_target target;
    struct har_probe *probe;
    struct har_hiccup *hiccup;
    uv_loop_t loop;
    uv_signal_t interrupt;
    struct sl_progress progress;
    uint64_t begin_ns;
    int status;
    bool is_over;
};

/* As without us, but for the line. */
static void on_interrupt(uv_signal_t *handle, int number)
{
    struct work *work = handle->data;
    sl_progress_end(&work->progress);
    har_process_kill_all();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void show(struct work *work, const char *text)
{
    struct sl_buf line;
    if (work->progress.is_on) {
        sl_buf_init(&line, LINE_MAX_BYTES);
        (void)sl_buf_addf(&line, "%s  %.0f s", text,
                          (double)(sl_clock_mono_ns() - work->begin_ns) / 1e9);
        sl_progress_draw(&work->progress, sl_buf_span(&line));
        sl_buf_release(&line);
    }
}

static void on_stopped(void *owner, enum sl_status status, const char *text)
{
    struct work *work = owner;
    (void)status;
    (void)text;
    uv_stop(&work->loop);
}

static void on_began(void *owner, const struct har_probe_class *of)
{
    show(owner, of->name);
}

static void on_judged(void *owner, const struct har_probe_result *result)
{
    struct work *work = owner;
    sl_progress_erase(&work->progress);
    har_probe_print_row(stdout, result);
}

static void on_done(void *owner)
{
    struct work *work = owner;
    work->is_over = true;
    har_target_stop(work->target.target, on_stopped, work);
}

static bool may_probe(const struct work *work, const struct sockaddr_storage *address)
{
    return work->options.may_be_remote || address == NULL || har_probe_is_loopback(address);
}

static void refuse(const char *host)
{
    (void)fprintf(stderr,
                  "%s: %s is not this machine. A probe does what an attacker would do, if within "
                  "bounds, and may end\nthe server or what stands before it: --allow-remote goes "
                  "with a target whose owner has agreed.\n",
                  program, host);
}

static void on_started(void *owner, enum sl_status status, const char *text)
{
    struct work *work = owner;
    const struct har_conn_config *conn = har_target_conn(work->target.target);
    sl_progress_erase(&work->progress);
    if (status != SL_OK) {
        (void)fprintf(stderr, "%s: the target cannot be reached: ", program);
        har_report_text_line(stderr, text);
        work->status = 2;
    } else if (!may_probe(work, conn->address)) {
        refuse(conn->host);
        work->status = 2;
    }
    if (work->status != 0) {
        har_target_stop(work->target.target, on_stopped, work);
        return;
    }
    const struct options *options = &work->options;
    struct har_probe_config config = {
        .loop = &work->loop,
        .target = work->target.target,
        .metadata = options->run.metadata.fields,
        .metadata_count = options->run.metadata.count,
        .method = options->method,
        .is_chosen = options->is_chosen,
        .percent = (unsigned)options->percent,
        .patience_ns = options->patience_ns,
        .hiccup = work->hiccup,
        .began = on_began,
        .judged = on_judged,
        .done = on_done,
        .owner = work,
    };
    work->begin_ns = sl_clock_mono_ns();
    har_probe_print_head(stdout);
    work->probe = har_probe_new(&config);
}

static int write_reports(const struct options *options, const struct har_probe_report *report)
{
    static const struct {
        enum har_format format;
        void (*write)(const struct har_probe_report *report, struct sl_buf *out);
    } writers[] = {{HAR_JSON, har_probe_json}, {HAR_MARKDOWN, har_probe_markdown}};
    int status = 0;
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        const char *path = options->run.reports[writers[i].format];
        struct sl_error error = {0};
        struct sl_buf text;
        if (path == NULL) {
            continue;
        }
        sl_buf_init(&text, REPORT_MAX);
        writers[i].write(report, &text);
        if (har_write_file(path, sl_buf_span(&text), &error) != SL_OK) {
            (void)fprintf(stderr, "%s: %s\n", program, error.text);
            status = 2;
        }
        sl_buf_release(&text);
    }
    return status;
}

static int tell(struct work *work)
{
    const struct har_run_options *run = &work->options.run;
    struct har_probe_report report = {
        .target = run->command != NULL ? run->command : run->target,
        .percent = (unsigned)work->options.percent,
        .patience_ns = work->options.patience_ns,
        .duration_ns = sl_clock_mono_ns() - work->begin_ns,
    };
    report.method = har_probe_method(work->probe, &report.is_served);
    report.results = har_probe_results(work->probe, &report.count);
    har_probe_print_end(stdout, &report);
    int status = write_reports(&work->options, &report);
    return status != 0 ? status : har_probe_exit_status(&report);
}

/* Before anything is sent: what is found out is to be kept. */
static int check_reports(const struct har_run_options *run)
{
    int status = 0;
    for (size_t i = 0; i < HAR_FORMATS; i++) {
        const char *path = run->reports[i];
        const char *obstacle = path == NULL ? NULL : har_file_obstacle(path);
        if (obstacle != NULL) {
            (void)fprintf(stderr, "%s: %s%s\n", program, obstacle, path);
            status = 2;
        }
    }
    return status;
}

static int probe(struct work *work)
{
    const struct har_run_options *run = &work->options.run;
    work->status = har_cmd_check_target(program, run);
    work->status = work->status != 0 ? work->status : check_reports(run);
    if (work->status != 0) {
        return work->status;
    }
    if (run->command == NULL && !work->options.may_be_remote && !har_probe_is_local(run->host)) {
        refuse(run->host);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    har_process_die_together();
    (void)uv_loop_init(&work->loop);
    work->hiccup = har_hiccup_new();
    work->status = har_cmd_open_target(program, run, NULL, &work->loop, &work->target);
    if (work->status == 0) {
        sl_progress_init(&work->progress, stderr);
        (void)uv_signal_init(&work->loop, &work->interrupt);
        work->interrupt.data = work;
        uv_unref((uv_handle_t *)&work->interrupt);
        if (work->progress.is_on) {
            (void)uv_signal_start(&work->interrupt, on_interrupt, SIGINT);
        }
        work->begin_ns = sl_clock_mono_ns();
        show(work, "waiting for the target");
        har_target_start(work->target.target, on_started, work);
        (void)uv_run(&work->loop, UV_RUN_DEFAULT);
        sl_progress_end(&work->progress);
        uv_close((uv_handle_t *)&work->interrupt, NULL);
    }
    if (work->is_over) {
        work->status = tell(work);
    }
    har_probe_free(work->probe);
    int closed = har_cmd_close_target(program, &work->loop, &work->target);
    har_hiccup_free(work->hiccup);
    return closed != 0 ? closed : work->status;
}

/* The classes, what they would do, or the probe. */
static int start(struct work *work, const struct sl_cli_result *result)
{
    struct options *options = &work->options;
    struct sl_error error = {0};
    if (options->is_list) {
        har_probe_print_list(stdout);
        return 0;
    }
    if (!options->has_choice) {
        (void)har_probe_choose("*", options->is_chosen);
    }
    if (options->is_dry) {
        har_probe_print_plan(stdout, options->is_chosen, (unsigned)options->percent,
                             options->patience_ns);
        return 0;
    }
    if (result->operand_count > 1 || (result->operand_count == 1 && options->run.target != NULL)) {
        (void)fprintf(stderr, "%s: one target at a time\n", program);
        return 2;
    }
    if (result->operand_count == 1 &&
        har_set_target(options, result->operands[0], &error) != SL_OK) {
        (void)fprintf(stderr, "%s: '%s': %s\n", program, result->operands[0], error.text);
        return 2;
    }
    return probe(work);
}

int har_cmd_probe(int argc, char **argv)
{
    struct sl_cli_option options[SHARED + OWN];
    memcpy(options, own, sizeof(own));
    har_target_options_copy(options + OWN);
    options[OWN + HAR_TARGET_OPTIONS] = *har_run_option("pid");
    options[OWN + HAR_TARGET_OPTIONS + 1] = *har_run_option("capture");
    const struct sl_cli cli = {
        .program = program,
        .operands = "[HOST:PORT]",
        .summary =
            "Is a server affected by the known ways to abuse HTTP/2 and gRPC? Sends each of them\n"
            "once, within fixed bounds, and tells which limit was seen, whether others were "
            "served\n"
            "meanwhile, and what it cost in memory.",
        .notes = "It is aimed at this machine only, unless --allow-remote is given. Memory is "
                 "known with --exec\nor --pid. A limit that is not seen is told, and is no "
                 "exploit.",
        .exits =
            (const struct sl_cli_line[]){
                {"0", "nothing is affected; a limit may be absent"},
                {"1", "a class has affected the target: it crashed, grew, served what it must not, "
                      "or\nothers were not served"},
                {"2", "bad usage, a target that is not this machine, or one that cannot be "
                      "reached"},
                {"3", "nothing is affected, but the machine paused too much to tell of some"},
                {"4", "nothing ran"},
                {NULL, NULL}},
        .examples =
            (const struct sl_cli_line[]){
                {"sluice-harness probe 127.0.0.1:50051", "all classes, under a minute"},
                {"sluice-harness probe --exec './my-server --port {port}' --report json=probe.json",
                 "with its memory and its end, and a report"},
                {"sluice-harness probe localhost:50051 --class CVE-2023-44487", "one of them"},
                {"sluice-harness probe --dry-run", "what would be sent"},
                {NULL, NULL}},
        .options = options,
        .option_count = SHARED + OWN,
    };
    struct work *work = sl_alloc(sizeof(*work));
    work->options.percent = 100;
    work->options.patience_ns = 5 * SL_SECOND;
    struct sl_cli_result result;
    int status = 0;
    if (sl_cli_start(&cli, argc, argv, &work->options, &result, &status)) {
        status = start(work, &result);
    }
    sl_headers_release(&work->options.run.metadata);
    sl_free(work);
    return status;
}
