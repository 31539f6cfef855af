/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/cli.h"
#include "lib/base/units.h"
#include "tests/support/cmocka_all.h"

struct options {
    const char *name;
    uint64_t size;
    unsigned verbose;
};

static enum sl_status set_name(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct options *)options)->name = value;
    return SL_OK;
}

static enum sl_status set_size(void *options, const char *value, struct sl_error *reterr)
{
    if (sl_units_size(sl_span_str(value), &((struct options *)options)->size) != SL_OK) {
        return sl_error_set(reterr, SL_USAGE, "want a size");
    }
    return SL_OK;
}

static enum sl_status set_verbose(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    assert_null(value);
    ((struct options *)options)->verbose++;
    return SL_OK;
}

static const struct sl_cli_option table[] = {
    {"name", 'n', "NAME", "what it is called", set_name},
    {"a-very-long-option-name", 0, "SIZE", "how big\n(a second line)", set_size},
    {"verbose", 'v', NULL, "say more", set_verbose},
};

static const struct sl_cli with_operands = {
    .program = "prog run",
    .operands = "[FILE ...]",
    .summary = "Runs.",
    .notes = "Exit status: 0",
    .options = table,
    .option_count = 3,
};

static const struct sl_cli without_operands = {
    .program = "prog", .summary = "Is.", .options = table, .option_count = 3};

enum {
    ARGS_MAX = 8,
};

struct parse_case {
    const char *name;
    const struct sl_cli *cli;
    const char *args[ARGS_MAX];
    const char *error; /* NULL: it parses */
    const char *set_name;
    uint64_t size;
    unsigned verbose;
    int operands;
};

static const struct parse_case cases[] = {
    {"nothing", &with_operands, {NULL}, NULL, NULL, 0, 0, 0},
    {"long and value", &with_operands, {"--name", "x"}, NULL, "x", 0, 0, 0},
    {"long=value", &with_operands, {"--name=x=y"}, NULL, "x=y", 0, 0, 0},
    {"short", &with_operands, {"-n", "x", "-vv"}, NULL, "x", 0, 2, 0},
    {"short joined", &with_operands, {"-vnx"}, NULL, "x", 0, 1, 0},
    {"operands between", &with_operands, {"a", "-v", "b", "--name", "x"}, NULL, "x", 0, 1, 2},
    {"double dash", &with_operands, {"--", "-v"}, NULL, NULL, 0, 0, 1},
    {"size", &with_operands, {"--a-very-long-option-name=4KiB"}, NULL, NULL, 4096, 0, 0},
    {"bad value",
     &with_operands,
     {"--a-very-long-option-name=q"},
     "--a-very-long-option-name 'q': want a size",
     NULL,
     0,
     0,
     0},
    {"misspelt",
     &with_operands,
     {"--nam-e", "x"},
     "unknown option '--nam-e'; did you mean --name?",
     NULL,
     0,
     0,
     0},
    {"unlike any", &with_operands, {"--zzzzzzzz"}, "unknown option '--zzzzzzzz'", NULL, 0, 0, 0},
    {"unknown letter", &with_operands, {"-q"}, "unknown option '-q'", NULL, 0, 0, 0},
    {"no value", &with_operands, {"--name"}, "option '--name' needs a value", NULL, 0, 0, 0},
    {"operand unasked", &without_operands, {"stray"}, "unexpected argument 'stray'", NULL, 0, 0, 0},
};

/* argv of its own for each run: parsing reorders it. Answers argc. */
static int make_argv(const char *const *args, char *argv[ARGS_MAX + 2])
{
    static char texts[ARGS_MAX + 1][64];
    static char program[] = "prog";
    int argc = 1;
    argv[0] = program;
    for (; argc <= ARGS_MAX && args[argc - 1] != NULL; argc++) {
        (void)snprintf(texts[argc], sizeof texts[argc], "%s", args[argc - 1]);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    return argc;
}

static void command_lines_are_parsed_or_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct parse_case *c = &cases[i];
        print_message("%s\n", c->name);
        char *argv[ARGS_MAX + 2];
        int argc = make_argv(c->args, argv);
        struct options options = {0};
        struct sl_cli_result result;
        struct sl_error error = {0};
        enum sl_status status = sl_cli_parse(c->cli, argc, argv, &options, &result, &error);
        assert_int_equal(status, c->error == NULL ? SL_OK : SL_USAGE);
        assert_string_equal(error.text, c->error == NULL ? "" : c->error);
        if (c->error == NULL) {
            assert_int_equal(result.operand_count, c->operands);
            assert_true(options.size == c->size);
            assert_int_equal(options.verbose, c->verbose);
            assert_true((options.name == NULL) == (c->set_name == NULL));
            if (c->set_name != NULL) {
                assert_string_equal(options.name, c->set_name);
            }
        }
    }
}

static void help_and_version_end_the_parsing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const first[] = {"--help", "-h", "--version"};
        const char *const args[ARGS_MAX] = {first[i], "--unknown"};
        char *argv[ARGS_MAX + 2];
        int argc = make_argv(args, argv);
        struct options options = {0};
        struct sl_cli_result result;
        assert_int_equal(sl_cli_parse(&with_operands, argc, argv, &options, &result, NULL), SL_OK);
        assert_int_equal(result.wants_help, i < 2);
        assert_int_equal(result.wants_version, i == 2);
    }
}

static void help_names_every_option_in_columns(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 4096);
    sl_cli_help(&with_operands, &text);
    test_span_is(sl_buf_span(&text), "usage: prog run [OPTION ...] [FILE ...]\n\nRuns.\n\n"
                                     "  -n, --name NAME             what it is called\n"
                                     "      --a-very-long-option-name SIZE\n"
                                     "                              how big\n"
                                     "                              (a second line)\n"
                                     "  -v, --verbose               say more\n"
                                     "  -h, --help                  show this help and exit\n"
                                     "      --version               show the version and exit\n"
                                     "\nExit status: 0\n");
    sl_buf_release(&text);
}

static void help_has_headings_where_options_have_groups(void **state)
{
    (void)state;
    static const struct sl_cli_group groups[] = {
        {"name", "First"}, {"verbose", "Second"}, {NULL, NULL}};
    struct sl_cli grouped = with_operands;
    grouped.groups = groups;
    struct sl_buf text;
    sl_buf_init(&text, 4096);
    sl_cli_help(&grouped, &text);
    test_span_is(sl_buf_span(&text), "usage: prog run [OPTION ...] [FILE ...]\n\nRuns.\n\n"
                                     "First:\n"
                                     "  -n, --name NAME             what it is called\n"
                                     "      --a-very-long-option-name SIZE\n"
                                     "                              how big\n"
                                     "                              (a second line)\n"
                                     "\nSecond:\n"
                                     "  -v, --verbose               say more\n"
                                     "\n  -h, --help                  show this help and exit\n"
                                     "      --version               show the version and exit\n"
                                     "\nExit status: 0\n");
    sl_buf_release(&text);
}

static void the_nearest_word_is_suggested_when_it_is_near(void **state)
{
    (void)state;
    static const char *const words[] = {"calls", "messages", "frames"};
    assert_string_equal(sl_cli_nearest("call", words, 3), "calls");
    assert_string_equal(sl_cli_nearest("mesages", words, 3), "messages");
    assert_null(sl_cli_nearest("zebra", words, 3));
    assert_null(sl_cli_nearest("calls", words, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_are_parsed_or_refused_with_a_reason),
        cmocka_unit_test(help_and_version_end_the_parsing),
        cmocka_unit_test(help_names_every_option_in_columns),
        cmocka_unit_test(help_has_headings_where_options_have_groups),
        cmocka_unit_test(the_nearest_word_is_suggested_when_it_is_near),
    };
    return cmocka_run_group_tests_name("base/cli", tests, NULL, NULL);
}
