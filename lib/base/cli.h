/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLI_H
#define SL_CLI_H

/*
 * Command lines from one table per program or subcommand. The same table gives parsing, --help, the
 * manual page and what shells complete. Parsing writes only the caller's options struct: no exit, no
 * output.
 *
 * Every table answers --help (-h) and --version besides its own options. Operands may stand between
 * options; "--" ends the options. For the build and for shells, --help=man prints the manual page and
 * --help=words the subcommands and options, a line each.
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

/* A subcommand, which parses its own arguments (argv[0] is its name) and returns the exit status. */
typedef int sl_cli_run_fn(int argc, char **argv);

struct sl_cli_command {
    const char *name;   /* NULL ends the array */
    sl_cli_run_fn *run; /* NULL: planned, not built yet, and not shown */
    const char *help;
};

/* A line of a list: an exit status and what it means, a command and what it does. */
struct sl_cli_line {
    const char *what; /* NULL ends the array */
    const char *text;
};

struct sl_cli {
    const char *program;  /* "sluice-harness run" */
    const char *operands; /* "[ID-GLOB|FILE|DIR ...]"; NULL: none are allowed */
    const char *summary;  /* a sentence or a few; the first names the manual page */
    const char *notes;    /* shown after the options; may be NULL */
    const struct sl_cli_option *options;
    size_t option_count;
    const struct sl_cli_group *groups;     /* NULL: the options are one list */
    const struct sl_cli_command *commands; /* NULL: it has none */
    /* Lists of --help and of the manual page; each may be NULL. */
    const struct sl_cli_line *exits;
    const struct sl_cli_line *examples;
    const struct sl_cli_line *environment, *files; /* only of the manual page */
};

struct sl_cli_result {
    bool wants_help;
    const char *help_form; /* of --help=FORM; NULL: for people */
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

/* Appends the manual page, in section 1, in the macros of man(7). */
void sl_cli_man(const struct sl_cli *cli, struct sl_buf *out);

/* Appends what a shell may complete: a line for each subcommand and option, with the option's value and
 * the first line of the help behind a tab each. */
void sl_cli_words(const struct sl_cli *cli, struct sl_buf *out);

/* What every table answers besides its own options; SL_CLI_COMMON of them. */
enum {
    SL_CLI_COMMON = 2,
};
extern const struct sl_cli_option sl_cli_common[SL_CLI_COMMON];

/* The heading that stands above the option, or NULL. */
const char *sl_cli_heading(const struct sl_cli *cli, const struct sl_cli_option *option);

/* The subcommand of this name, or NULL. */
const struct sl_cli_command *sl_cli_command(const struct sl_cli *cli, const char *name);

/* The usual front of main(): parses, and answers --help and --version on stdout or a usage error on
 * stderr. True when the program should go on; else *ret_exit holds its exit status (0 or 2). */
bool sl_cli_start(const struct sl_cli *cli, int argc, char **argv, void *options,
                  struct sl_cli_result *ret_result, int *ret_exit);

/* The candidate nearest to word by edit distance, or NULL when none is near enough to suggest. */
const char *sl_cli_nearest(const char *word, const char *const *candidates, size_t count);

#endif
