/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/cmd/cmd.h"
#include "inspector/memory.h"
#include "inspector/run.h"

static const struct sl_cli_command commands[] = {
    {"export", ins_cmd_export, "a scenario, grpcurl commands or a smaller capture of a capture"},
    {"diff", ins_cmd_diff, "compare the calls of two captures"},
    {"schema", ins_cmd_schema, "the JSON Schema of the records"},
    {NULL, NULL, NULL},
};

int main(int argc, char **argv)
{
    struct sl_cli cli = *ins_opts_cli();
    cli.commands = commands;
    const struct sl_cli_command *command = argc < 2 ? NULL : sl_cli_command(&cli, argv[1]);
    if (command != NULL) {
        return command->run(argc - 1, argv + 1);
    }
    ins_memory_prepare();
    struct ins_opts opts;
    struct sl_cli_result result;
    struct sl_error error = {0};
    int exit_status = INS_EXIT_OK;
    ins_opts_init(&opts);
    if (!sl_cli_start(&cli, argc, argv, &opts, &result, &exit_status)) {
        return exit_status;
    }
    if (ins_opts_check(&opts, &result, &error) != SL_OK) {
        (void)fprintf(stderr, "sluice-inspector: %s\nTry 'sluice-inspector --help'.\n", error.text);
        return INS_EXIT_USAGE;
    }
    return (int)ins_run(&opts, result.operands, result.operand_count);
}
