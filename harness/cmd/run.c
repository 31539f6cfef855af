/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/stat.h>

#include "harness/cmd/choice.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/run_job.h"
#include "lib/base/alloc.h"

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

/* A mistyped one is told, as all is played then; of a library that was read in part nobody can tell. */
static void check_skips(const struct har_run_job *job)
{
    for (size_t i = 0; i < job->options.skips.count && job->named_count == 0; i++) {
        bool is_used = false;
        for (size_t j = 0; j < job->library.count; j++) {
            is_used |= har_glob(job->options.skips.items[i], job->library.scenarios[j]->id);
        }
        if (!is_used) {
            (void)fprintf(stderr,
                          "%s: no scenario matches --skip '%s'; 'sluice-harness list' shows them\n",
                          job->program, job->options.skips.items[i]);
        }
    }
}

/* Files and folders of the user join the library; what is left are globs. */
static int add_paths(struct har_run_job *job, const struct sl_cli_result *cli, bool *is_path)
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
            return har_run_usage_error(job, &error);
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

/* That the user asked for; the default one is nobody's mistake. */
static int check_tags(const struct har_run_job *job)
{
    int status = 0;
    for (size_t i = 0; i < job->options.tags.count && status == 0; i++) {
        status = har_choice_check_tag(job->program, &job->library, job->options.tags.items[i]);
    }
    return status;
}

static int choose(struct har_run_job *job)
{
    const struct sl_cli_result *cli = job->owner;
    struct har_run_options *options = &job->options;
    size_t operands = (size_t)cli->operand_count + 1;
    bool *is_path = sl_calloc(operands, sizeof(bool));
    bool *is_used = sl_calloc(operands, sizeof(bool));
    int status = add_paths(job, cli, is_path);
    if (status == 0) {
        status = check_tags(job);
    }
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
    check_skips(job);
    for (int i = 0; i < cli->operand_count && status == 0; i++) {
        if (!is_used[i]) {
            status = har_choice_no_scenario(job->program, &job->library, cli->operands[i]);
        }
    }
    sl_free(is_path);
    sl_free(is_used);
    return status;
}

int har_cmd_run(int argc, char **argv)
{
    struct sl_cli_result cli;
    struct har_run_job job = {.program = har_run_cli.program,
                              .choose = choose,
                              .owner = &cli,
                              .options = {.profile = "seed", .jobs = 1, .repeat = 1}};
    int status = 0;
    if (!sl_cli_start(&har_run_cli, argc, argv, &job.options, &cli, &status)) {
        sl_headers_release(&job.options.metadata);
        return status;
    }
    if (job.options.tags.count == 0) { /* a tag may be one of any scenario */
        job.named = cli.operands;
        job.named_count = (size_t)cli.operand_count;
    }
    return har_run_job(&job);
}
