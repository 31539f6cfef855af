/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/run_job.h"

#include <signal.h>
#include <stdio.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/schema.h"
#include "harness/cmd/target_options.h"
#include "harness/engine/evidence.h"
#include "harness/report/failure.h"
#include "harness/report/write_file.h"
#include "harness/scenario/lines.h"
#include "harness/scenario/read_file.h"
#include "harness/target/shell.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"

enum {
    OPTIONS_MAX = 128 * 1024,
    RESULT_MAX = 16 * 1024 * 1024, /* bytes of a result's description */
};

int har_run_usage(const struct har_run_job *job, const char *text, const char *detail)
{
    (void)fprintf(stderr, "%s: %s%s\n", job->program, text, detail);
    return 2;
}

int har_run_usage_error(const struct har_run_job *job, const struct sl_error *error)
{
    char place[32] = "";
    if (error->line > 0) {
        (void)snprintf(place, sizeof(place), ":%zu", error->line);
    }
    (void)fprintf(stderr, "%s: %s%s%s%s\n", job->program, error->source, place,
                  error->source[0] == '\0' ? "" : ": ", error->text);
    return 2;
}

/* ---- preparation ---- */

static int load_known(struct har_run_job *job)
{
    struct sl_error error = {0};
    char now[SL_RFC3339_MAX];
    if (job->options.known_failing == NULL) {
        return 0;
    }
    (void)sl_clock_rfc3339(sl_clock_wall_ns(), now);
    now[10] = '\0'; /* the date */
    if (har_known_load(job->options.known_failing, now, &job->known, &error) != SL_OK) {
        return har_run_usage_error(job, &error);
    }
    return 0;
}

/* A report with no place to be in is told before an hour is spent on it. */
static int check_folders(const struct har_run_job *job)
{
    int status = 0;
    for (size_t i = 0; i < HAR_FORMATS; i++) {
        const char *path = job->options.reports[i];
        const char *obstacle = path == NULL ? NULL : har_file_obstacle(path);
        if (obstacle != NULL) {
            status = har_run_usage(job, obstacle, path);
        }
    }
    return status;
}

static const struct har_binding *bound(const struct har_run_job *job)
{
    return job->has_binding ? &job->binding : NULL;
}

static int load_schema(struct har_run_job *job)
{
    struct sl_error error = {0};
    bool is_chat = true;
    if (job->options.binding != NULL &&
        har_binding_load(job->options.binding, &job->binding, &is_chat, &error) != SL_OK) {
        return har_run_usage_error(job, &error);
    }
    job->has_binding = !is_chat;
    job->pool = har_cmd_schema(job->program, &job->options, bound(job));
    if (job->pool == NULL) {
        return 2;
    }
    if (job->has_binding && har_binding_compile(&job->binding, job->pool, &error) != SL_OK) {
        return har_run_usage_error(job, &error);
    }
    return 0;
}

static int prepare(struct har_run_job *job)
{
    struct sl_error error = {0};
    int status = har_cmd_check_target(job->program, &job->options);
    if (status == 0) {
        status = check_folders(job);
    }
    if (status == 0) {
        status = har_cmd_library_named(job->program, &job->library, job->named, job->named_count);
    }
    if (status == 0) {
        status = job->choose(job);
    }
    if (status == 0 && har_profile_load(job->options.profile, job->library.folder, &job->profile,
                                        &error) != SL_OK) {
        status = har_run_usage_error(job, &error);
    }
    if (status == 0) {
        status = load_known(job);
    }
    if (status == 0) {
        status = load_schema(job);
    }
    return status;
}

/* ---- results ---- */

/* Where in its file a scenario is mistaken, as `check` says it. */
static void tell_mistake(const struct har_result *result)
{
    const struct har_scenario *scenario = result->scenario;
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        size_t len = 0;
        char *text = failure->is_mistake
                         ? har_read_file(scenario->path, HAR_SCENARIO_MAX, &len, NULL)
                         : NULL;
        size_t line = text == NULL ? 0 : har_json_line(sl_span(text, len), failure->path, false);
        if (failure->is_mistake) {
            (void)fprintf(stderr, "%s:%zu: %s: ", scenario->path, line, failure->path);
            har_report_text_line(stderr, failure->text);
        }
        sl_free(text);
    }
}

/* What a folder of evidence says of its result. */
static void describe(struct har_run_job *job, const struct har_result *result)
{
    struct sl_buf text;
    struct sl_json_out json;
    if (result->evidence[0] == '\0') {
        return;
    }
    sl_buf_init(&text, RESULT_MAX);
    har_report_failure(&job->report, result, &text);
    har_evidence_add(job->suite.evidence, result, "README.md", sl_buf_span(&text));
    sl_buf_clear(&text);
    sl_json_out_init(&json, &text);
    har_report_result(&json, &job->report, result);
    (void)sl_buf_add_u8(&text, '\n');
    har_evidence_add(job->suite.evidence, result, "result.json", sl_buf_span(&text));
    sl_buf_release(&text);
}

/* What other stacks did is told beside failures only. */
static const struct har_baselines *baselines(struct har_run_job *job)
{
    if (!job->has_baselines) {
        job->has_baselines = true;
        har_cmd_baselines(job->program, job->library.folder, &job->baselines);
    }
    return &job->baselines;
}

static void on_told(void *owner, const struct har_result *told)
{
    struct har_run_job *job = owner;
    struct har_result *result = &job->suite.results[told - job->suite.results];
    bool is_listed = har_known_find(&job->known, result->scenario->id) != NULL;
    result->is_known = is_listed && result->outcome == HAR_FAIL;
    result->has_unexpected_pass = is_listed && result->outcome == HAR_PASS;
    result->baselines = result->outcome == HAR_FAIL ? baselines(job) : NULL;
    describe(job, result);
    har_live_erase(&job->live);
    if (job->live.is_on) {
        har_report_text_result_folded(stdout, result, job->live.has_colour);
    } else {
        har_report_text_result(stdout, result, job->live.has_colour);
    }
    tell_mistake(result);
    har_live_draw(&job->live);
}

/* An entry of the known failures that matches no scenario at all is an error itself. */
static int check_known(const struct har_run_job *job)
{
    int status = 0;
    for (size_t i = 0; i < job->known.count; i++) {
        if (!har_library_has(&job->library, job->known.entries[i].id)) {
            (void)fprintf(stderr, "%s: %s: no scenario '%s'\n", job->program,
                          job->options.known_failing, job->known.entries[i].id);
            status = 1;
        }
    }
    return status;
}

static void add_option(struct sl_buf *line, const char *name, const char *value)
{
    if (value != NULL) {
        (void)sl_buf_addf(line, " --%s ", name);
        har_shell_word(line, value);
    }
}

static void add_options(struct sl_buf *line, const char *name, const struct har_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        add_option(line, name, list->items[i]);
    }
}

/* As the inspector takes them, a space behind each. */
static void add_words(struct sl_buf *line, const char *option, const struct har_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        (void)sl_buf_addf(line, "%s ", option);
        har_shell_word(line, list->items[i]);
        (void)sl_buf_add_u8(line, ' ');
    }
}

/* The options by which the same run is made of the same target. */
static void add_target_options(const struct har_run_options *options, struct sl_buf *line)
{
    har_target_options_write(options, line);
    add_option(line, "binding", options->binding);
    add_option(line, "client", options->client);
    add_options(line, "import", &options->includes);
    add_options(line, "proto", &options->protos);
    add_options(line, "descriptor-set", &options->descriptor_sets);
    (void)sl_buf_add_str(line, options->is_strict ? " --strict" : "");
    (void)sl_buf_add_str(line, options->has_no_canary ? " --no-canary" : "");
}

static void on_first(int number)
{
    (void)number; /* the second one ends us */
}

/* What is known is written down before a signal ends this program; a file that never takes it does not hold us. */
static void put_off_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction once = {.sa_handler = on_first,
                                   .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
            (void)sigaction(numbers[i], &once, NULL);
        }
    }
}

/* What the reports say besides the results; from the beginning on, as evidence says it too. */
static void begin_report(struct har_run_job *job)
{
    const struct har_run_options *options = &job->options;
    sl_buf_init(&job->target_option, OPTIONS_MAX);
    sl_buf_init(&job->schema_option, OPTIONS_MAX);
    add_target_options(options, &job->target_option);
    add_words(&job->schema_option, "-I", &options->includes);
    add_words(&job->schema_option, "--proto", &options->protos);
    add_words(&job->schema_option, "-d", &options->descriptor_sets);
    job->report = (struct har_report){
        .suite = &job->suite,
        .target = options->command != NULL ? options->command : options->target,
        .target_option = sl_buf_str(&job->target_option),
        .schema_option = sl_buf_str(&job->schema_option),
        .has_metadata = options->metadata_given.count > 0,
        .binding = job->has_binding ? options->binding : NULL,
        .profile = options->profile,
        .library = job->library.folder,
        .add_json = job->add_json,
        .rerun = job->rerun,
        .owner = job->owner,
    };
}

static int write_reports(struct har_run_job *job)
{
    const struct har_run_options *options = &job->options;
    int status = 0;
    if (sl_progress_is_possible(stdout)) {
        har_report_text_end_folded(stdout, &job->report);
    } else {
        har_report_text_end(stdout, &job->report);
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        status = har_run_usage(job, "cannot write ", "stdout");
    }
    for (size_t i = 0; i < HAR_FORMATS; i++) {
        struct sl_error error = {0};
        if (options->reports[i] != NULL && har_report_write(&job->report, (enum har_format)i,
                                                            options->reports[i], &error) != SL_OK) {
            status = har_run_usage_error(job, &error); /* the others are written still */
        }
    }
    struct sl_error error = {0};
    if (options->evidence != NULL && har_evidence_finish(&job->suite, &error) != SL_OK) {
        status |= har_run_usage_error(job, &error);
    }
    return status;
}

/* What to do where the first call was answered, by no OK. */
static const char *advice_for(const struct har_run_job *job)
{
    bool is_other = strncmp(job->suite.start_text, "UNIMPLEMENTED", 13) == 0;
    if (!is_other) {
        return "credentials are given by --metadata-file or --metadata-env";
    }
    return job->has_binding
               ? "whether the server has the methods of this binding"
               : "is it a chat.v1 server at all? Any server that has grpc.health.v1 is judged by "
                 "'--tag wire --binding health', one that has neither by a file of its own "
                 "methods: "
                 "'sluice-harness explain binding'";
}

/* What to do where the target was not reached. */
static const char *way_to(const struct har_run_job *job)
{
    if (strstr(job->suite.start_text, "HTTP status ") != NULL) {
        return "it answers in HTTP and not in gRPC: is it a proxy that knows no service of this "
               "host? "
               "--authority names another";
    }
    if (job->options.command != NULL) {
        return "what the command wrote, and whether it listens on the {port} it is given";
    }
    return job->target.tls != NULL
               ? "is it running, and listening at this address?"
               : "is it running, and listening at this address? Behind TLS it needs "
                 "--tls (or --ca FILE)";
}

/* How the target was met, where that is worth a line. */
static void tell_start(const struct har_run_job *job)
{
    const struct har_suite *suite = &job->suite;
    if (suite->could_not_start) {
        (void)fprintf(stderr, "%s: the target cannot be reached: ", job->program);
        har_report_text_line(stderr, suite->start_text);
    } else if (suite->start_text[0] != '\0') {
        (void)fprintf(stderr, "%s: the target answered the first call so: ", job->program);
        har_report_text_line(stderr, suite->start_text);
        (void)fprintf(stderr, "Look first: %s\n", advice_for(job));
    }
    if (suite->could_not_start && !suite->has_start_advice) {
        (void)fprintf(stderr, "Look first: %s\n", way_to(job));
    }
}

/* The starter scenarios are of chat.v1, and no method of another service plays them. */
static void tell_binding(const struct har_run_job *job)
{
    if (job->has_binding && har_exit_status(&job->suite) == 4) {
        (void)fprintf(
            stderr,
            "%s: nothing ran by the binding %s. Look first: --tag wire and --tag abuse are "
            "what a binding is for\n",
            job->program, job->options.binding);
    }
}

static int run(struct har_run_job *job, uv_loop_t *loop)
{
    const struct har_run_options *options = &job->options;
    struct har_suite_config config = {
        .loop = loop,
        .scenarios = job->chosen,
        .count = job->chosen_count,
        .repeat = options->repeat,
        .jobs = options->jobs,
        .profile = &job->profile,
        .binding = bound(job),
        .profile_name = options->profile,
        .target = job->target.target,
        .metadata = options->metadata.fields,
        .metadata_count = options->metadata.count,
        .pool = job->pool,
        .seed = options->has_seed ? options->seed : sl_clock_wall_ns() / SL_MS % 1000000,
        .budget_ns = options->budget_ns,
        .client = options->client,
        .is_strict = options->is_strict,
        .has_no_canary = options->has_no_canary,
        .evidence = options->evidence,
        .told = on_told,
        .owner = job,
    };
    begin_report(job);
    if (job->play != NULL) {
        job->play(job, &config);
    } else {
        har_live_begin(&job->live, loop, stdout, &job->suite);
        har_suite_run(&job->suite, &config);
        har_live_end(&job->live);
    }
    job->has_suite = true;
    if (job->played != NULL && !job->suite.could_not_start) {
        job->played(job);
    }
    tell_start(job);
    put_off_signals();
    tell_binding(job);
    int known = check_known(job);
    int written = write_reports(job);
    int status = har_exit_status(&job->suite);
    if (written != 0 || status == 2) {
        return 2;
    }
    return known != 0 ? 1 : status;
}

static void release(struct har_run_job *job)
{
    if (job->has_suite) {
        har_suite_release(&job->suite);
    }
    sl_buf_release(&job->target_option);
    sl_buf_release(&job->schema_option);
    sl_pool_free(job->pool);
    har_binding_release(&job->binding);
    har_known_release(&job->known);
    sl_free(job->chosen);
    har_baselines_release(&job->baselines);
    har_library_release(&job->library);
    sl_headers_release(&job->options.metadata);
}

int har_run_job(struct har_run_job *job)
{
    uv_loop_t loop;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a report that may not grow is an error of that report */
    (void)uv_loop_init(&loop);
    int status = prepare(job);
    if (status == 0) {
        status = har_cmd_open_target(job->program, &job->options, bound(job), &loop, &job->target);
    }
    if (status == 0) {
        har_cmd_settle_profile(&job->options, &job->target, &job->profile);
        status = run(job, &loop);
    }
    if (har_cmd_close_target(job->program, &loop, &job->target) != 0) {
        status = 2;
    }
    release(job);
    return status;
}
