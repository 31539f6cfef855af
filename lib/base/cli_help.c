/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/cli.h"

enum {
    HELP_COLUMN = 30,
    LIST_COLUMN = 56, /* what is longer stands on a line of its own */
};

const struct sl_cli_option sl_cli_common[SL_CLI_COMMON] = {
    {"help", 'h', NULL, "show this help and exit", NULL},
    {"version", 0, NULL, "show the version and exit", NULL},
};

/* One option: name and value, then its help, further lines of it under the first. */
static void help_option(const struct sl_cli_option *option, struct sl_buf *out)
{
    size_t start = out->len;
    if (option->short_name != 0) {
        (void)sl_buf_addf(out, "  -%c, --%s", option->short_name, option->name);
    } else {
        (void)sl_buf_addf(out, "      --%s", option->name);
    }
    if (option->argument != NULL) {
        (void)sl_buf_addf(out, " %s", option->argument);
    }
    size_t width = out->len - start;
    if (width + 2 > HELP_COLUMN) {
        (void)sl_buf_add_u8(out, '\n');
        width = 0;
    }
    const char *line = option->help;
    while (line != NULL) {
        const char *newline = strchr(line, '\n');
        int len = newline == NULL ? (int)strlen(line) : (int)(newline - line);
        (void)sl_buf_addf(out, "%*s%.*s\n", HELP_COLUMN - (int)width, "", len, line);
        width = 0;
        line = newline == NULL ? NULL : newline + 1;
    }
}

const char *sl_cli_heading(const struct sl_cli *cli, const struct sl_cli_option *option)
{
    const struct sl_cli_group *group = cli->groups;
    for (; group != NULL && group->before != NULL; group++) {
        if (strcmp(group->before, option->name) == 0) {
            return group->title;
        }
    }
    return NULL;
}

static void help_options(const struct sl_cli *cli, struct sl_buf *out)
{
    for (size_t i = 0; i < cli->option_count; i++) {
        const char *heading = sl_cli_heading(cli, &cli->options[i]);
        if (heading != NULL) {
            (void)sl_buf_addf(out, "%s%s:\n", i == 0 ? "" : "\n", heading);
        }
        help_option(&cli->options[i], out);
    }
    if (cli->groups != NULL) {
        (void)sl_buf_add_u8(out, '\n');
    }
    for (size_t i = 0; i < SL_CLI_COMMON; i++) {
        help_option(&sl_cli_common[i], out);
    }
}

/* A list in two columns. */
static void help_lines(const char *title, const struct sl_cli_line *lines, struct sl_buf *out)
{
    int column = 0;
    for (const struct sl_cli_line *line = lines; line != NULL && line->what != NULL; line++) {
        int width = (int)strlen(line->what);
        column = width > column && width <= LIST_COLUMN ? width : column;
    }
    if (lines != NULL) {
        (void)sl_buf_addf(out, "\n%s:\n", title);
    }
    for (const struct sl_cli_line *line = lines; line != NULL && line->what != NULL; line++) {
        if ((int)strlen(line->what) > column) {
            (void)sl_buf_addf(out, "  %s\n  %*s  %s\n", line->what, column, "", line->text);
        } else {
            (void)sl_buf_addf(out, "  %-*s  %s\n", column, line->what, line->text);
        }
    }
}

static void help_commands(const struct sl_cli *cli, struct sl_buf *out)
{
    for (const struct sl_cli_command *command = cli->commands; command->name != NULL; command++) {
        if (command->run != NULL) {
            (void)sl_buf_addf(out, "  %-10s  %s\n", command->name, command->help);
        }
    }
    (void)sl_buf_addf(out, "\n'%s COMMAND --help' says more.\n\n", cli->program);
}

void sl_cli_help(const struct sl_cli *cli, struct sl_buf *out)
{
    (void)sl_buf_addf(out, "usage: %s [OPTION ...]%s%s\n\n%s\n\n", cli->program,
                      cli->operands == NULL ? "" : " ", cli->operands == NULL ? "" : cli->operands,
                      cli->summary);
    if (cli->commands != NULL) {
        help_commands(cli, out);
    }
    help_options(cli, out);
    if (cli->notes != NULL) {
        (void)sl_buf_addf(out, "\n%s\n", cli->notes);
    }
    help_lines("Exit status", cli->exits, out);
    help_lines("Examples", cli->examples, out);
}

/* One line of what shells complete; of the help only its first line. */
static void word(const char *prefix, const char *name, const char *value, const char *help,
                 struct sl_buf *out)
{
    (void)sl_buf_addf(out, "%s%s\t%s\t%.*s\n", prefix, name, value == NULL ? "" : value,
                      (int)strcspn(help, "\n"), help);
}

void sl_cli_words(const struct sl_cli *cli, struct sl_buf *out)
{
    const struct sl_cli_command *command = cli->commands;
    for (; command != NULL && command->name != NULL; command++) {
        if (command->run != NULL) {
            word("", command->name, NULL, command->help, out);
        }
    }
    for (size_t i = 0; i < cli->option_count; i++) {
        word("--", cli->options[i].name, cli->options[i].argument, cli->options[i].help, out);
    }
    for (size_t i = 0; i < SL_CLI_COMMON; i++) {
        word("--", sl_cli_common[i].name, NULL, sl_cli_common[i].help, out);
    }
}
