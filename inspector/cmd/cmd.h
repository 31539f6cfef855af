/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CMD_H
#define INS_CMD_H

/*
 * Commands: what `sluice-inspector NAME ...` does instead of reading captures into records. A new one is
 * one file and one line in the table of main.c. A capture of that name is given as ./NAME.
 */
#include "lib/base/cli.h"

/* argv[0] is the command's name. Answers the exit status (enum ins_exit). */
typedef sl_cli_run_fn ins_cmd_fn;

/* Compares two captures of the same traffic. */
ins_cmd_fn ins_cmd_diff;
/* Makes scenarios, commands or a smaller capture of a capture. */
ins_cmd_fn ins_cmd_export;
/* Prints the JSON Schema of the records. */
ins_cmd_fn ins_cmd_schema;

#endif
