/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/cmd/cmd.h"
#include "inspector/memory.h"
#include "inspector/run.h"

static const struct {
    const char *name;
    ins_cmd_fn *run;
} commands[] = {
    {"schema", ins_cmd_schema},
    {"export", ins_cmd_export},
    {"diff", ins_cmd_diff},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, argv[1]) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    ins_memory_prepare();
    struct ins_opts opts;
    struct sl_cli_result result;
    struct sl_error error = {0};
    int exit_status = INS_EXIT_OK;
    ins_opts_init(&opts);
    if (!sl_cli_start(ins_opts_cli(), argc, argv, &opts, &result, &exit_status)) {
        return exit_status;
    }
    if (ins_opts_check(&opts, &result, &error) != SL_OK) {
        (void)fprintf(stderr, "sluice-inspector: %s\nTry 'sluice-inspector --help'.\n", error.text);
        return INS_EXIT_USAGE;
    }
    return (int)ins_run(&opts, result.operands, result.operand_count);
}
