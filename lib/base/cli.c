/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/cli.h"

#include <getopt.h>
#include <string.h>

#include "lib/base/alloc.h"

enum {
    HELP_OPTION = 0x1000, /* values of getopt_long beyond any character */
    VERSION_OPTION,
    FIRST_OPTION,
    HELP_MAX = 1 << 20,
    WORD_MAX = 64, /* words longer than this get no suggestion */
};

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein distance; both words at most WORD_MAX long. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t above = row[j + 1];
            size_t substitute = diagonal + (a[i] == b[j] ? 0 : 1);
            row[j + 1] = smallest(row[j] + 1, above + 1, substitute);
            diagonal = above;
        }
    }
    return row[b_len];
}

const struct sl_cli_command *sl_cli_command(const struct sl_cli *cli, const char *name)
{
    const struct sl_cli_command *command = cli->commands;
    while (command != NULL && command->name != NULL && strcmp(command->name, name) != 0) {
        command++;
    }
    return command == NULL || command->name == NULL ? NULL : command;
}

const char *sl_cli_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t word_len = strlen(word);
    const char *nearest = NULL;
    size_t best = word_len / 3 + 2;
    for (size_t i = 0; i < count && word_len <= WORD_MAX; i++) {
        if (strlen(candidates[i]) > WORD_MAX) {
            continue;
        }
        size_t apart = distance(word, candidates[i]);
        if (apart < best) {
            best = apart;
            nearest = candidates[i];
        }
    }
    return nearest;
}

static enum sl_status unknown_option(const struct sl_cli *cli, const char *given,
                                     struct sl_error *reterr)
{
    char name[WORD_MAX + 1];
    const char *start = given + strspn(given, "-");
    size_t len = strcspn(start, "=");
    if (len > WORD_MAX) {
        return sl_error_set(reterr, SL_USAGE, "unknown option '%.80s'", given);
    }
    memcpy(name, start, len);
    name[len] = '\0';
    const char **names = sl_calloc(cli->option_count + 1, sizeof(names[0]));
    for (size_t i = 0; i < cli->option_count; i++) {
        names[i] = cli->options[i].name;
    }
    const char *nearest = sl_cli_nearest(name, names, cli->option_count);
    enum sl_status status =
        nearest == NULL ? sl_error_set(reterr, SL_USAGE, "unknown option '%s'", given)
                        : sl_error_set(reterr, SL_USAGE, "unknown option '%s'; did you mean --%s?",
                                       given, nearest);
    sl_free(names);
    return status;
}

static enum sl_status set_option(const struct sl_cli_option *option, void *options,
                                 const char *value, struct sl_error *reterr)
{
    struct sl_error why = {0};
    enum sl_status status = option->set(options, value, &why);
    if (status == SL_OK) {
        return SL_OK;
    }
    if (value == NULL) {
        return sl_error_set(reterr, SL_USAGE, "--%s: %s", option->name, why.text);
    }
    return sl_error_set(reterr, SL_USAGE, "--%s '%.200s': %s", option->name, value, why.text);
}

/* The tables that getopt_long wants; both are the caller's to free. */
static struct option *long_table(const struct sl_cli *cli, struct sl_buf *shorts)
{
    struct option *table = sl_calloc(cli->option_count + 3, sizeof(table[0]));
    (void)sl_buf_add_str(shorts, ":h");
    for (size_t i = 0; i < cli->option_count; i++) {
        const struct sl_cli_option *option = &cli->options[i];
        bool takes_value = option->argument != NULL;
        table[i] = (struct option){option->name, takes_value ? required_argument : no_argument,
                                   NULL, FIRST_OPTION + (int)i};
        if (option->short_name != 0) {
            (void)sl_buf_addf(shorts, "%c%s", option->short_name, takes_value ? ":" : "");
        }
    }
    table[cli->option_count] = (struct option){"help", optional_argument, NULL, HELP_OPTION};
    table[cli->option_count + 1] = (struct option){"version", no_argument, NULL, VERSION_OPTION};
    return table;
}

static const struct sl_cli_option *find_option(const struct sl_cli *cli, int found)
{
    if (found >= FIRST_OPTION) {
        return &cli->options[found - FIRST_OPTION];
    }
    for (size_t i = 0; i < cli->option_count; i++) {
        if (cli->options[i].short_name == found) {
            return &cli->options[i];
        }
    }
    return NULL;
}

/* One answer of getopt_long. */
static enum sl_status take(const struct sl_cli *cli, int found, char **argv, void *options,
                           struct sl_cli_result *result, struct sl_error *reterr)
{
    if (found == HELP_OPTION || found == 'h') {
        result->wants_help = true;
        result->help_form = found == 'h' ? NULL : optarg;
        return SL_OK;
    }
    if (found == VERSION_OPTION) {
        result->wants_version = true;
        return SL_OK;
    }
    if (found == '?') {
        char letter[3] = {'-', (char)optopt, '\0'};
        bool is_letter = optopt > 0 && optopt < 128;
        return unknown_option(cli, is_letter ? letter : argv[optind - 1], reterr);
    }
    if (found == ':') {
        return sl_error_set(reterr, SL_USAGE, "option '%s' needs a value", argv[optind - 1]);
    }
    return set_option(find_option(cli, found), options, optarg, reterr);
}

enum sl_status sl_cli_parse(const struct sl_cli *cli, int argc, char **argv, void *options,
                            struct sl_cli_result *ret_result, struct sl_error *reterr_error)
{
    *ret_result = (struct sl_cli_result){0};
    struct sl_buf shorts;
    sl_buf_init(&shorts, 256);
    struct option *table = long_table(cli, &shorts);
    enum sl_status status = SL_OK;
    opterr = 0;
    optind = 0; /* starts getopt_long anew (glibc) */
    int found = 0;
    while (status == SL_OK && !ret_result->wants_help && !ret_result->wants_version) {
        found = getopt_long(argc, argv, sl_buf_str(&shorts), table, NULL);
        if (found == -1) {
            break;
        }
        status = take(cli, found, argv, options, ret_result, reterr_error);
    }
    if (status == SL_OK && found == -1) {
        ret_result->operands = argv + optind;
        ret_result->operand_count = argc - optind;
        if (cli->operands == NULL && ret_result->operand_count > 0) {
            status =
                sl_error_set(reterr_error, SL_USAGE, "unexpected argument '%.200s'", argv[optind]);
        }
    }
    sl_free(table);
    sl_buf_release(&shorts);
    return status;
}

/* What --help=FORM asks for; false when there is no such form. */
static bool print_help(const struct sl_cli *cli, const char *form)
{
    struct sl_buf text;
    sl_buf_init(&text, HELP_MAX);
    bool is_known = true;
    if (form == NULL) {
        sl_cli_help(cli, &text);
    } else if (strcmp(form, "man") == 0) {
        sl_cli_man(cli, &text);
    } else if (strcmp(form, "words") == 0) {
        sl_cli_words(cli, &text);
    } else {
        is_known = false;
    }
    (void)fwrite(text.data, 1, text.len, stdout);
    sl_buf_release(&text);
    return is_known;
}

bool sl_cli_start(const struct sl_cli *cli, int argc, char **argv, void *options,
                  struct sl_cli_result *ret_result, int *ret_exit)
{
    struct sl_error error = {0};
    *ret_exit = 0;
    if (sl_cli_parse(cli, argc, argv, options, ret_result, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: %s\nTry '%s --help'.\n", cli->program, error.text, cli->program);
        *ret_exit = 2;
        return false;
    }
    if (ret_result->wants_version) {
        (void)printf("%s %s\n", cli->program, SL_VERSION);
        return false;
    }
    if (ret_result->wants_help && !print_help(cli, ret_result->help_form)) {
        (void)fprintf(stderr, "%s: --help '%.80s': there are man and words\n", cli->program,
                      ret_result->help_form);
        *ret_exit = 2;
    }
    return !ret_result->wants_help;
}
