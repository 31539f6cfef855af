/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/schema.h"
#include "harness/scenario/methods.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

enum {
    OPTION_COUNT = 3,
};
static const char *const option_names[OPTION_COUNT] = {"import", "proto", "descriptor-set"};

static const struct sl_cli check_cli = {
    .program = "sluice-harness check",
    .operands = "FILE ...",
    .summary = "Finds mistakes in scenario files: each with file, line and JSON path.",
    .notes = "With -I, --proto or -d the messages are compared with the schema too.",
    .exits =
        (const struct sl_cli_line[]){
            {"0", "no mistakes"}, {"1", "mistakes"}, {"2", "bad usage"}, {NULL, NULL}},
};

/* One file that is being checked. */
struct job {
    const char *path;
    size_t count; /* of what the schema shows */
};

static void on_problem(void *owner, const char *path, const char *text)
{
    struct job *job = owner;
    job->count++;
    (void)printf("%s: %s: %s\n", job->path, path, text);
}

/* What only the schema can tell; exit status. */
static int check_schema(struct job *job, const struct har_scenario *scenario,
                        const struct sl_pool *pool, bool is_given)
{
    struct har_missing *missing = sl_alloc(sizeof(*missing));
    har_methods_check(scenario, pool, on_problem, job);
    har_methods_missing(scenario, pool, missing);
    for (size_t i = 0; i < missing->count && is_given; i++) {
        on_problem(job, "$", missing->paths[i]);
        (void)printf("%s: no schema that was given knows this method\n", job->path);
    }
    sl_free(missing);
    return job->count == 0 ? 0 : 1;
}

/* Exit status for one file. */
static int check(const char *path, struct har_problems *problems, const struct sl_pool *pool,
                 bool is_given)
{
    struct har_scenario *scenario = har_scenario_load(path, path, problems);
    struct job job = {.path = path};
    bool is_good = scenario != NULL && check_schema(&job, scenario, pool, is_given) == 0;
    har_scenario_free(scenario);
    size_t shown = problems->count < HAR_PROBLEMS_MAX ? problems->count : HAR_PROBLEMS_MAX;
    for (size_t i = 0; i < shown; i++) {
        const struct har_problem *problem = &problems->items[i];
        (void)printf("%s:%zu: %s%s%s\n", path, problem->line, problem->path,
                     problem->path[0] == '\0' ? "" : ": ", problem->text);
    }
    if (problems->count > shown) {
        (void)printf("%s: and %zu more\n", path, problems->count - shown);
    }
    if (is_good) {
        (void)printf("%s: good\n", path);
    }
    return is_good ? 0 : 1;
}

int har_cmd_check(int argc, char **argv)
{
    struct har_run_options options = {0};
    struct sl_cli_result result;
    int status = 0;
    struct sl_cli_option list[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        list[i] = *har_run_option(option_names[i]);
    }
    struct sl_cli cli = check_cli;
    cli.options = list;
    cli.option_count = OPTION_COUNT;
    if (!sl_cli_start(&cli, argc, argv, &options, &result, &status)) {
        return status;
    }
    if (result.operand_count == 0) {
        (void)fprintf(stderr,
                      "%s: which file? For example: sluice-harness check my-scenario.json\n",
                      cli.program);
        return 2;
    }
    struct sl_pool *pool = har_cmd_schema(cli.program, &options, NULL);
    if (pool == NULL) {
        return 2;
    }
    bool is_given =
        options.includes.count + options.protos.count + options.descriptor_sets.count > 0;
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    for (int i = 0; i < result.operand_count; i++) {
        int one = check(result.operands[i], problems, pool, is_given);
        status = one > status ? one : status;
    }
    sl_free(problems);
    sl_pool_free(pool);
    return status;
}
