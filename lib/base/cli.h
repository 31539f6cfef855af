/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLI_H
#define SL_CLI_H

/*
 * Command lines from one table per program or subcommand. The same table gives parsing, --help and
 * (later) the manual page. Parsing writes only the caller's options struct: no exit, no output.
 *
 * Every table answers --help (-h) and --version besides its own options. Operands may stand between
 * options; "--" ends the options.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/buf.h"

/* Stores value (NULL for an option without argument) in the program's options struct. On a bad value
 * it sets an error text that says what is wanted; the option's name is put in front by the parser.
 * value stays valid as long as argv does. */
typedef enum sl_status sl_cli_set_fn(void *options, const char *value, struct sl_error *reterr);

struct sl_cli_option {
    const char *name;     /* long name without "--" */
    char short_name;      /* 0 when it has none */
    const char *argument; /* what --help calls the value; NULL: takes none */
    const char *help;     /* one or more lines; wrapped by '\n' */
    sl_cli_set_fn *set;
};

/* A heading of --help, shown above the option that is named. */
struct sl_cli_group {
    const char *before; /* its long name; NULL ends the array */
    const char *title;
};

struct sl_cli {
    const char *program;  /* "sluice-harness run" */
    const char *operands; /* "[ID-GLOB|FILE|DIR ...]"; NULL: none are allowed */
    const char *summary;  /* a sentence or a few, for --help */
    const char *notes;    /* shown after the options: exit statuses and the like; may be NULL */
    const struct sl_cli_option *options;
    size_t option_count;
    const struct sl_cli_group *groups; /* NULL: the options are one list */
};

struct sl_cli_result {
    bool wants_help;
    bool wants_version;
    char **operands; /* inside argv, which is reordered */
    int operand_count;
};

/* Parses argv[1..]. SL_USAGE with a text that names the option, and the nearest known one where it is
 * unknown. */
SL_MUST_USE enum sl_status sl_cli_parse(const struct sl_cli *cli, int argc, char **argv,
                                        void *options, struct sl_cli_result *ret_result,
                                        struct sl_error *reterr_error);

/* Appends the text of --help. */
void sl_cli_help(const struct sl_cli *cli, struct sl_buf *out);

/* The usual front of main(): parses, and answers --help and --version on stdout or a usage error on
 * stderr. True when the program should go on; else *ret_exit holds its exit status (0 or 2). */
bool sl_cli_start(const struct sl_cli *cli, int argc, char **argv, void *options,
                  struct sl_cli_result *ret_result, int *ret_exit);

/* The candidate nearest to word by edit distance, or NULL when none is near enough to suggest. */
const char *sl_cli_nearest(const char *word, const char *const *candidates, size_t count);

#endif
