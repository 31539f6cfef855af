/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/open_target.h"
#include "harness/cmd/run_options.h"
#include "harness/cmd/schema.h"
#include "harness/engine/evidence.h"
#include "harness/report/report.h"
#include "harness/scenario/known.h"
#include "harness/scenario/library.h"
#include "harness/scenario/lines.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    REPORT_MAX = 256 * 1024 * 1024,
};

/* Everything that a run needs, gathered step by step and released in one place. */
struct job {
    struct har_run_options options;
    struct har_library library;
    const struct har_scenario **chosen;
    size_t chosen_count;
    struct har_profile profile;
    struct har_known known;
    struct sl_pool *pool;
    struct har_cmd_target target;
    struct har_suite suite;
    bool has_suite;
};

static int usage(const char *text, const char *detail)
{
    (void)fprintf(stderr, "%s: %s%s\n", har_run_cli.program, text, detail);
    return 2;
}

static int usage_error(const struct sl_error *error)
{
    char place[32] = "";
    if (error->line > 0) {
        (void)snprintf(place, sizeof(place), ":%zu", error->line);
    }
    (void)fprintf(stderr, "%s: %s%s%s%s\n", har_run_cli.program, error->source, place,
                  error->source[0] == '\0' ? "" : ": ", error->text);
    return 2;
}

/* ---- the choice of scenarios ---- */

static bool has_any_tag(const struct har_scenario *scenario, const struct har_list *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        if (har_scenario_has_tag(scenario, tags->items[i])) {
            return true;
        }
    }
    return tags->count == 0;
}

static bool is_skipped(const struct har_scenario *scenario, const struct har_list *skips)
{
    for (size_t i = 0; i < skips->count; i++) {
        if (har_glob(skips->items[i], scenario->id)) {
            return true;
        }
    }
    return false;
}

/* Files and folders of the user join the library; what is left are globs. */
static int add_paths(struct job *job, const struct sl_cli_result *cli, bool *is_path)
{
    for (int i = 0; i < cli->operand_count; i++) {
        struct stat info;
        const char *operand = cli->operands[i];
        size_t len = strlen(operand);
        bool looks_like_file = len > 5 && strcmp(operand + len - 5, ".json") == 0;
        is_path[i] = looks_like_file || (stat(operand, &info) == 0 && S_ISDIR(info.st_mode) &&
                                         har_library_find(&job->library, operand) == NULL);
        struct sl_error error = {0};
        if (is_path[i] && har_library_add(&job->library, operand, &error) != SL_OK) {
            return usage_error(&error);
        }
    }
    return 0;
}

/* True when an operand names the scenario; notes that the operand named something. */
static bool is_named(const struct har_scenario *scenario, const struct sl_cli_result *cli,
                     const bool *is_path, bool *is_used)
{
    bool is_wanted = cli->operand_count == 0;
    for (int i = 0; i < cli->operand_count; i++) {
        const char *operand = cli->operands[i];
        size_t len = strlen(operand);
        bool is_in = is_path[i] ? strncmp(scenario->path, operand, len) == 0
                                : har_glob(operand, scenario->id);
        if (is_path[i] && !is_in) { /* of the built-in ones, by the same file */
            struct stat a;
            struct stat b;
            is_in = stat(operand, &a) == 0 && stat(scenario->path, &b) == 0 &&
                    a.st_ino == b.st_ino && a.st_dev == b.st_dev;
        }
        is_used[i] |= is_in;
        is_wanted |= is_in;
    }
    return is_wanted;
}

static int choose(struct job *job, const struct sl_cli_result *cli)
{
    struct har_run_options *options = &job->options;
    size_t operands = (size_t)cli->operand_count + 1;
    bool *is_path = sl_calloc(operands, sizeof(bool));
    bool *is_used = sl_calloc(operands, sizeof(bool));
    int status = add_paths(job, cli, is_path);
    if (cli->operand_count == 0 && options->tags.count == 0) {
        options->tags.items[options->tags.count++] = "starter";
    }
    job->chosen = sl_calloc(job->library.count + 1, sizeof(job->chosen[0]));
    for (size_t i = 0; i < job->library.count && status == 0; i++) {
        const struct har_scenario *scenario = job->library.scenarios[i];
        if (is_named(scenario, cli, is_path, is_used) && has_any_tag(scenario, &options->tags) &&
            !is_skipped(scenario, &options->skips)) {
            job->chosen[job->chosen_count++] = scenario;
        }
    }
    for (int i = 0; i < cli->operand_count && status == 0; i++) {
        if (!is_used[i]) {
            status = usage("no scenario matches ", cli->operands[i]);
        }
    }
    sl_free(is_path);
    sl_free(is_used);
    return status;
}

/* ---- preparation ---- */

static int load_known(struct job *job)
{
    struct sl_error error = {0};
    char now[SL_RFC3339_MAX];
    if (job->options.known_failing == NULL) {
        return 0;
    }
    (void)sl_clock_rfc3339(sl_clock_wall_ns(), now);
    now[10] = '\0'; /* the date */
    if (har_known_load(job->options.known_failing, now, &job->known, &error) != SL_OK) {
        return usage_error(&error);
    }
    return 0;
}

static int prepare(struct job *job, const struct sl_cli_result *cli)
{
    struct sl_error error = {0};
    int status = har_cmd_check_target(har_run_cli.program, &job->options);
    if (status == 0) {
        status = har_cmd_library(har_run_cli.program, &job->library);
    }
    if (status == 0) {
        status = choose(job, cli);
    }
    if (status == 0 && har_profile_load(job->options.profile, job->library.folder, &job->profile,
                                        &error) != SL_OK) {
        status = usage_error(&error);
    }
    if (status == 0) {
        status = load_known(job);
    }
    if (status == 0) {
        job->pool = har_cmd_schema(har_run_cli.program, &job->options);
        status = job->pool == NULL ? 2 : 0;
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
            (void)fprintf(stderr, "%s:%zu: %s: %s\n", scenario->path, line, failure->path,
                          failure->text);
        }
        sl_free(text);
    }
}

static void on_told(void *owner, const struct har_result *result)
{
    (void)owner;
    har_report_text_result(stdout, result);
    tell_mistake(result);
}

/* Marks known failures; an entry that passes, or that matches no scenario at all, is an error itself. */
static int apply_known(struct job *job)
{
    int status = 0;
    for (size_t i = 0; i < job->suite.result_count; i++) {
        struct har_result *result = &job->suite.results[i];
        bool is_listed = har_known_find(&job->known, result->scenario->id) != NULL;
        result->is_known = is_listed && result->outcome == HAR_FAIL;
        result->has_unexpected_pass = is_listed && result->outcome == HAR_PASS;
    }
    for (size_t i = 0; i < job->known.count; i++) {
        if (har_library_find(&job->library, job->known.entries[i].id) == NULL) {
            (void)fprintf(stderr, "%s: %s: no scenario '%s'\n", har_run_cli.program,
                          job->options.known_failing, job->known.entries[i].id);
            status = 1;
        }
    }
    return status;
}

static int write_file(const char *path, const struct sl_buf *text)
{
    FILE *file = fopen(path, "wb");
    bool is_good = file != NULL && fwrite(text->data, 1, text->len, file) == text->len;
    if (file != NULL) {
        is_good &= fclose(file) == 0;
    }
    return is_good ? 0 : usage("cannot write ", path);
}

static int write_reports(struct job *job)
{
    struct har_run_options *options = &job->options;
    struct sl_buf option;
    struct sl_buf text;
    sl_buf_init(&option, 128 * 1024);
    sl_buf_init(&text, REPORT_MAX);
    (void)sl_buf_addf(&option, options->command != NULL ? "--exec '%s'" : "--target %s",
                      options->command != NULL ? options->command : options->target);
    struct har_report report = {
        .suite = &job->suite,
        .target = options->command != NULL ? options->command : options->target,
        .target_option = sl_buf_str(&option),
        .profile = options->profile,
    };
    int status = 0;
    har_report_text_end(stdout, &report);
    if (options->json != NULL) {
        har_report_json(&report, &text);
        status |= write_file(options->json, &text);
        sl_buf_clear(&text);
    }
    if (options->junit != NULL) {
        har_report_junit(&report, &text);
        status |= write_file(options->junit, &text);
    }
    struct sl_error error = {0};
    if (options->evidence != NULL && har_evidence_finish(&job->suite, &error) != SL_OK) {
        status |= usage_error(&error);
    }
    sl_buf_release(&option);
    sl_buf_release(&text);
    return status;
}

static int run(struct job *job, uv_loop_t *loop)
{
    const struct har_run_options *options = &job->options;
    struct har_suite_config config = {
        .loop = loop,
        .scenarios = job->chosen,
        .count = job->chosen_count,
        .repeat = options->repeat,
        .jobs = options->jobs,
        .profile = &job->profile,
        .target = job->target.target,
        .metadata = options->metadata.fields,
        .metadata_count = options->metadata.count,
        .pool = job->pool,
        .seed = options->has_seed ? options->seed : sl_clock_wall_ns() / SL_MS % 1000000,
        .budget_ns = options->budget_ns,
        .is_strict = options->is_strict,
        .evidence = options->evidence,
        .told = on_told,
    };
    har_suite_run(&job->suite, &config);
    job->has_suite = true;
    if (job->suite.could_not_start) {
        (void)fprintf(stderr, "%s: the target cannot be reached: %s\n", har_run_cli.program,
                      job->suite.start_text);
    }
    int known = apply_known(job);
    int written = write_reports(job);
    int status = har_exit_status(&job->suite);
    if (written != 0 || status == 2) {
        return 2;
    }
    return known != 0 ? 1 : status;
}

static void release(struct job *job)
{
    if (job->has_suite) {
        har_suite_release(&job->suite);
    }
    sl_pool_free(job->pool);
    har_known_release(&job->known);
    sl_free(job->chosen);
    har_library_release(&job->library);
    sl_headers_release(&job->options.metadata);
}

int har_cmd_run(int argc, char **argv)
{
    struct job job = {.options = {.profile = "seed", .jobs = 1, .repeat = 1}};
    struct sl_cli_result cli;
    uv_loop_t loop;
    int status = 0;
    if (!sl_cli_start(&har_run_cli, argc, argv, &job.options, &cli, &status)) {
        sl_headers_release(&job.options.metadata);
        return status;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&loop);
    status = prepare(&job, &cli);
    if (status == 0) {
        status = har_cmd_open_target(har_run_cli.program, &job.options, &loop, &job.target);
    }
    if (status == 0) {
        status = run(&job, &loop);
    }
    if (har_cmd_close_target(har_run_cli.program, &loop, &job.target) != 0) {
        status = 2;
    }
    release(&job);
    return status;
}
