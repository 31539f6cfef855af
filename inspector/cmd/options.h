/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CMD_OPTIONS_H
#define INS_CMD_OPTIONS_H

/*
 * Options of commands that read captures: those of the program that apply, and the command's own.
 */
#include "inspector/opts.h"

enum {
    INS_CMD_OPTIONS_MAX = 48,
};

/* The options of ins_opts_cli() but for those about views and formats, then own: as many as are put into all. The
 * setters of own get the command's struct, whose first member is its struct ins_opts. */
size_t ins_cmd_options(const struct sl_cli_option *own, size_t own_count,
                       struct sl_cli_option all[INS_CMD_OPTIONS_MAX]);

#endif
