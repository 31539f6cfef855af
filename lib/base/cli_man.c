/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "lib/base/cli.h"

enum {
    LINE_BYTES = 70, /* a line of the source, before escapes */
    FIRST_MAX = 256, /* of a summary, for NAME */
};

/* Bytes as they are: nothing in them is an escape or, at the head of a line, a request. Hyphens and
 * quotes stay those that can be typed. */
static void verbatim(struct sl_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool begins_line = out->len == 0 || out->data[out->len - 1] == '\n';
        switch (text[i]) {
        case '\\':
            (void)sl_buf_add_str(out, "\\e");
            break;
        case '-':
            (void)sl_buf_add_str(out, "\\-");
            break;
        case '\'':
            (void)sl_buf_add_str(out, "\\(aq");
            break;
        case '`':
            (void)sl_buf_add_str(out, "\\(ga");
            break;
        case '^':
            (void)sl_buf_add_str(out, "\\(ha");
            break;
        case '~':
            (void)sl_buf_add_str(out, "\\(ti");
            break;
        case '.':
            (void)sl_buf_add_str(out, begins_line ? "\\&." : ".");
            break;
        default:
            (void)sl_buf_add_u8(out, (uint8_t)text[i]);
        }
    }
}

static void verbatim_str(struct sl_buf *out, const char *text)
{
    verbatim(out, text, strlen(text));
}

/* The words of a line, broken where a line of the source is full; *width is how full it is. */
static void flow(struct sl_buf *out, const char *line, size_t len, size_t *width)
{
    for (size_t at = 0; at < len;) {
        size_t word = 0;
        while (at + word < len && line[at + word] != ' ') {
            word++;
        }
        if (*width > 0 && *width + 1 + word > LINE_BYTES) {
            (void)sl_buf_add_u8(out, '\n');
            *width = 0;
        }
        if (*width > 0) {
            (void)sl_buf_add_u8(out, ' ');
            (*width)++;
        }
        verbatim(out, line + at, word);
        *width += word;
        at += word + (at + word < len ? 1 : 0);
    }
}

/* Ends the line that flow() began. */
static void end_line(struct sl_buf *out, size_t *width)
{
    if (*width > 0) {
        (void)sl_buf_add_u8(out, '\n');
        *width = 0;
    }
}

static bool has_columns(const char *line, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (line[i] == ' ' && line[i + 1] == ' ') {
            return true;
        }
    }
    return false;
}

/* Text as the tables hold it: an empty line is a new paragraph, lines that are set in columns keep
 * them, all others flow together. The text ends with its line. */
static void prose(struct sl_buf *out, const char *text)
{
    size_t width = 0;
    bool is_literal = false;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        bool is_column = has_columns(text, len);
        bool is_empty = len == 0;
        if (is_column != is_literal) {
            end_line(out, &width);
            (void)sl_buf_add_str(out, is_column ? ".PP\n.EX\n" : ".EE\n");
            is_literal = is_column;
        }
        if (is_column) {
            verbatim(out, text, len);
            (void)sl_buf_add_u8(out, '\n');
        } else if (is_empty) {
            end_line(out, &width);
            bool is_followed = text[1] != '\0' && !has_columns(text + 1, strcspn(text + 1, "\n"));
            (void)sl_buf_add_str(out, is_followed ? ".PP\n" : "");
        } else {
            flow(out, text, len, &width);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
    end_line(out, &width);
    (void)sl_buf_add_str(out, is_literal ? ".EE\n" : "");
}

static void option(const struct sl_cli_option *option, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, ".TP\n");
    if (option->short_name != 0) {
        (void)sl_buf_addf(out, "\\fB\\-%c\\fR, ", option->short_name);
    }
    (void)sl_buf_add_str(out, "\\fB\\-\\-");
    verbatim_str(out, option->name);
    (void)sl_buf_add_str(out, "\\fR");
    if (option->argument != NULL) {
        (void)sl_buf_add_str(out, " \\fI");
        verbatim_str(out, option->argument);
        (void)sl_buf_add_str(out, "\\fR");
    }
    (void)sl_buf_add_u8(out, '\n');
    prose(out, option->help);
}

static void options(const struct sl_cli *cli, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < cli->option_count; i++) {
        const char *heading = sl_cli_heading(cli, &cli->options[i]);
        if (heading != NULL) {
            (void)sl_buf_add_str(out, ".SS ");
            verbatim_str(out, heading);
            (void)sl_buf_add_u8(out, '\n');
        }
        option(&cli->options[i], out);
    }
    (void)sl_buf_add_str(out, cli->groups == NULL ? "" : ".SS Of every program\n");
    for (size_t i = 0; i < SL_CLI_COMMON; i++) {
        option(&sl_cli_common[i], out);
    }
}

/* A name in bold, then its text. */
static void entry(const char *name, const char *text, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, ".TP\n\\fB");
    verbatim_str(out, name);
    (void)sl_buf_add_str(out, "\\fR\n");
    prose(out, text);
}

static void lines(const char *title, const struct sl_cli_line *line, struct sl_buf *out)
{
    if (line != NULL) {
        (void)sl_buf_addf(out, ".SH %s\n", title);
    }
    for (; line != NULL && line->what != NULL; line++) {
        entry(line->what, line->text, out);
    }
}

static void examples(const struct sl_cli_line *line, struct sl_buf *out)
{
    if (line != NULL) {
        (void)sl_buf_add_str(out, ".SH EXAMPLES\n");
    }
    for (bool is_first = true; line != NULL && line->what != NULL; line++, is_first = false) {
        (void)sl_buf_add_str(out, is_first ? "" : ".PP\n");
        prose(out, line->text);
        (void)sl_buf_add_str(out, ".PP\n.RS 4\n.EX\n");
        verbatim_str(out, line->what);
        (void)sl_buf_add_str(out, "\n.EE\n.RE\n");
    }
}

/* "sluice-harness run" as the name of a page. */
static void page_name(const char *program, bool is_upper, struct sl_buf *out)
{
    for (const char *c = program; *c != '\0'; c++) {
        char shown = *c == ' ' ? '-' : *c;
        shown = is_upper ? (char)toupper((unsigned char)shown) : shown;
        verbatim(out, &shown, 1);
    }
}

/* The summary's first sentence, or what of it stands before a colon, as part of a line. */
static void first_sentence(const char *summary, struct sl_buf *out)
{
    char text[FIRST_MAX];
    size_t len = 0;
    while (summary[len] != '\0' && len < sizeof(text)) {
        bool ends = summary[len] == '.' || summary[len] == ':';
        if (ends && (summary[len + 1] == '\0' || isspace((unsigned char)summary[len + 1]))) {
            break;
        }
        text[len] = summary[len] == '\n' ? ' ' : summary[len];
        len++;
    }
    if (len > 1 && islower((unsigned char)text[1])) {
        text[0] = (char)tolower((unsigned char)text[0]);
    }
    size_t width = 0;
    flow(out, text, len, &width);
}

static void see_also(const struct sl_cli *cli, struct sl_buf *out)
{
    const char *blank = strchr(cli->program, ' ');
    const struct sl_cli_command *command = cli->commands;
    if (blank == NULL && command == NULL) {
        return;
    }
    (void)sl_buf_add_str(out, ".SH SEE ALSO\n");
    if (blank != NULL) {
        (void)sl_buf_add_str(out, ".BR ");
        verbatim(out, cli->program, (size_t)(blank - cli->program));
        (void)sl_buf_add_str(out, " (1)\n");
    }
    for (bool is_first = true; command != NULL && command->name != NULL; command++) {
        if (command->run != NULL) {
            (void)sl_buf_add_str(out, is_first ? ".BR " : " ,\n.BR ");
            page_name(cli->program, false, out);
            (void)sl_buf_addf(out, "\\-%s (1)", command->name);
            is_first = false;
        }
    }
    (void)sl_buf_add_str(out, command == NULL ? "" : "\n");
}

/* NAME, SYNOPSIS and DESCRIPTION. */
static void head(const struct sl_cli *cli, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, ".TH ");
    page_name(cli->program, true, out);
    (void)sl_buf_add_str(out, " 1 " SL_DATE " \"Sluice " SL_VERSION "\"\n.nh\n.ad l\n.SH NAME\n");
    page_name(cli->program, false, out);
    (void)sl_buf_add_str(out, " \\-\n");
    first_sentence(cli->summary, out);
    (void)sl_buf_add_str(out, "\n.SH SYNOPSIS\n\\fB");
    verbatim_str(out, cli->program);
    (void)sl_buf_add_str(out, "\\fR [\\fIOPTION\\fR ...]\\&\n");
    prose(out, cli->operands == NULL ? "" : cli->operands);
    (void)sl_buf_add_str(out, ".SH DESCRIPTION\n");
    prose(out, cli->summary);
    if (cli->notes != NULL) {
        (void)sl_buf_add_str(out, ".PP\n");
        prose(out, cli->notes);
    }
}

void sl_cli_man(const struct sl_cli *cli, struct sl_buf *out)
{
    head(cli, out);
    const struct sl_cli_command *command = cli->commands;
    (void)sl_buf_add_str(out, command == NULL ? "" : ".SH COMMANDS\n");
    for (; command != NULL && command->name != NULL; command++) {
        if (command->run != NULL) {
            entry(command->name, command->help, out);
        }
    }
    options(cli, out);
    lines("EXIT STATUS", cli->exits, out);
    lines("ENVIRONMENT", cli->environment, out);
    lines("FILES", cli->files, out);
    examples(cli->examples, out);
    see_also(cli, out);
}
