/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TARGET_OPTIONS_H
#define HAR_TARGET_OPTIONS_H

/*
 * The options that say where the target is and how it is met: the same for every subcommand that meets one. Their options
 * structs begin with a struct har_run_options.
 *
 * Metadata are often secrets. From a file or a variable they stand in no list of processes, and in no report: what is
 * written down is the name of the file or of the variable; of --metadata, the name alone.
 */
#include "harness/cmd/run_options.h"

enum {
    HAR_METADATA_FILE_MAX = 64 * 1024,
    HAR_TARGET_OPTIONS = 12,
};

/* The rows of --target, --exec, TLS, --authority, --metadata and their like, for the table of another subcommand. */
void har_target_options_copy(struct sl_cli_option rows[HAR_TARGET_OPTIONS]);

/* Rows of the table in run_options.c. */
sl_cli_set_fn har_set_target, har_set_exec, har_set_tls, har_set_ca, har_set_cert, har_set_key;
sl_cli_set_fn har_set_authority, har_set_server_name, har_set_ready_within, har_set_pid;
sl_cli_set_fn har_set_metadata, har_set_metadata_file, har_set_metadata_env;

/* Appends the options, as words of a shell, by which the same target is met in the same way: no value of metadata. */
void har_target_options_write(const struct har_run_options *options, struct sl_buf *out);

#endif
