/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/cmd/cmd.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

static const struct sl_cli cli = {
    .program = "sluice-harness check",
    .operands = "FILE ...",
    .summary = "Finds mistakes in scenario files: each with file, line and JSON path.",
    .notes = "Exit status: 0 no mistakes, 1 mistakes, 2 bad usage.",
};

/* Exit status for one file. */
static int check(const char *path, struct har_problems *problems)
{
    struct har_scenario *scenario = har_scenario_load(path, path, problems);
    bool is_good = scenario != NULL;
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
    struct sl_cli_result result;
    int status = 0;
    int unused = 0;
    if (!sl_cli_start(&cli, argc, argv, &unused, &result, &status)) {
        return status;
    }
    if (result.operand_count == 0) {
        (void)fprintf(stderr, "%s: which file?\n", cli.program);
        return 2;
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    for (int i = 0; i < result.operand_count; i++) {
        int one = check(result.operands[i], problems);
        status = one > status ? one : status;
    }
    sl_free(problems);
    return status;
}
