/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "inspector/cmd/cmd.h"
#include "inspector/run.h"
#include "lib/base/cli.h"

/* inspector/schema/records.schema.json */
extern const unsigned char ins_records_schema[];
extern const size_t ins_records_schema_size;

static const struct sl_cli cli = {
    .program = "sluice-inspector schema",
    .summary = "Prints the JSON Schema (2020-12) of the records that sluice-inspector writes.",
    .exits = (const struct sl_cli_line[]){{"0", "it is printed"},
                                          {"2", "bad usage, or it cannot be written"},
                                          {NULL, NULL}},
};

int ins_cmd_schema(int argc, char **argv)
{
    struct sl_cli_result result;
    int exit_status = INS_EXIT_OK;
    if (!sl_cli_start(&cli, argc, argv, NULL, &result, &exit_status)) {
        return exit_status;
    }
    size_t size = ins_records_schema_size;
    if (fwrite(ins_records_schema, 1, size, stdout) != size || fflush(stdout) != 0) {
        (void)fprintf(stderr, "sluice-inspector: cannot write to the standard output\n");
        return INS_EXIT_USAGE;
    }
    return INS_EXIT_OK;
}
