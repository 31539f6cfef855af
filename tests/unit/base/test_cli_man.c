/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of --help, the manual page and what shells complete, from one table. */
#include "lib/base/cli.h"
#include "tests/support/cmocka_all.h"

static int never(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}

static const struct sl_cli_option options[] = {
    {"name", 'n', "'A|B'", "what it is called", NULL},
    {"off", 0, NULL, "first line\nof two", NULL},
};
static const struct sl_cli_command commands[] = {
    {"run", never, "run it"},
    {"later", NULL, "not built yet"},
    {NULL, NULL, NULL},
};
static const struct sl_cli_line exits[] = {{"0", "good"}, {"1", "bad"}, {NULL, NULL}};
static const struct sl_cli_line examples[] = {
    {"prog 'x'", "a short one"},
    {"prog 123456789 123456789 123456789 123456789 123456789 123456789", "a long one"},
    {NULL, NULL},
};
static const struct sl_cli_line files[] = {{".rc", "settings"}, {NULL, NULL}};
static const struct sl_cli cli = {
    .program = "prog",
    .operands = "FILE",
    .summary = "Reads x.pcap files: all of them. 'x' is\n.hidden\n\none  a column\ntwo  another",
    .notes = "C:\\temp",
    .options = options,
    .option_count = 2,
    .commands = commands,
    .exits = exits,
    .examples = examples,
    .files = files,
};

static void the_manual_page_has_every_part_and_no_escape_of_the_texts(void **state)
{
    (void)state;
    struct sl_buf page;
    sl_buf_init(&page, 1 << 16);
    sl_cli_man(&cli, &page);
    const char *text = sl_buf_str(&page);
    static const char description[] =
        ".SH DESCRIPTION\nReads x.pcap files: all of them. \\(aqx\\(aq is .hidden\n"
        ".PP\n.EX\none  a column\ntwo  another\n.EE\n.PP\nC:\\etemp\n";
    static const char *const parts[] = {
        ".TH PROG 1 ",
        ".SH NAME\nprog \\-\nreads x.pcap files\n",
        ".SH SYNOPSIS\n\\fBprog\\fR [\\fIOPTION\\fR ...]\\&\nFILE\n",
        description,
        ".SH COMMANDS\n.TP\n\\fBrun\\fR\nrun it\n.SH OPTIONS\n",
        ".TP\n\\fB\\-n\\fR, \\fB\\-\\-name\\fR \\fI\\(aqA|B\\(aq\\fR\nwhat it is called\n",
        ".TP\n\\fB\\-\\-off\\fR\nfirst line of two\n",
        ".SH EXIT STATUS\n.TP\n\\fB0\\fR\ngood\n.TP\n\\fB1\\fR\nbad\n",
        ".SH FILES\n.TP\n\\fB.rc\\fR\nsettings\n",
        ".SH EXAMPLES\na short one\n.PP\n.RS 4\n.EX\nprog \\(aqx\\(aq\n.EE\n.RE\n",
        ".SH SEE ALSO\n.BR prog\\-run (1)\n",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(text, parts[i]) == NULL) {
            fail_msg("missing: %s\nin: %s", parts[i], text);
        }
    }
    assert_null(strstr(text, "later"));
    sl_buf_release(&page);
}

static void a_line_never_begins_with_a_request_of_the_texts(void **state)
{
    (void)state;
    static const char summary[] = ".TH evil\n\n'br\n\n.so  /etc/passwd\n\n\\fB";
    struct sl_cli hostile = {.program = "prog", .summary = summary};
    struct sl_buf page;
    sl_buf_init(&page, 1 << 16);
    sl_cli_man(&hostile, &page);
    static const char expected[] =
        ".SH DESCRIPTION\n\\&.TH evil\n.PP\n\\(aqbr\n.PP\n.EX\n\\&.so  /etc/passwd\n"
        ".EE\n.PP\n\\efB\n.SH OPTIONS\n";
    assert_non_null(strstr(sl_buf_str(&page), expected));
    sl_buf_release(&page);
}

static void the_page_of_a_subcommand_leads_to_the_program(void **state)
{
    (void)state;
    struct sl_cli sub = {.program = "prog run", .summary = "HTTP it is"};
    struct sl_buf page;
    sl_buf_init(&page, 1 << 16);
    sl_cli_man(&sub, &page);
    const char *text = sl_buf_str(&page);
    assert_non_null(strstr(text, ".TH PROG\\-RUN 1 "));
    assert_non_null(strstr(text, "prog\\-run \\-\nHTTP it is\n"));
    assert_non_null(strstr(text, ".SH SEE ALSO\n.BR prog (1)\n"));
    sl_buf_release(&page);
}

static void help_shows_commands_exit_statuses_and_examples(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 1 << 16);
    sl_cli_help(&cli, &text);
    const char *shown = sl_buf_str(&text);
    assert_non_null(strstr(shown, "\n  run         run it\n\n'prog COMMAND --help' says more.\n"));
    assert_non_null(strstr(shown, "\nExit status:\n  0  good\n  1  bad\n"));
    assert_non_null(strstr(shown, "\nExamples:\n  prog 'x'  a short one\n  prog 1234"));
    assert_non_null(strstr(shown, "56789\n            a long one\n"));
    assert_null(strstr(shown, "later"));
    sl_buf_release(&text);
}

static void shells_get_a_line_for_each_command_and_option(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 1 << 16);
    sl_cli_words(&cli, &text);
    test_span_is(sl_buf_span(&text), "run\t\trun it\n"
                                     "--name\t'A|B'\twhat it is called\n"
                                     "--off\t\tfirst line\n"
                                     "--help\t\tshow this help and exit\n"
                                     "--version\t\tshow the version and exit\n");
    sl_buf_release(&text);
}

static void the_form_of_help_is_told(void **state)
{
    (void)state;
    static const char *const forms[] = {"--help", "-h", "--help=man"};
    for (size_t i = 0; i < 3; i++) {
        char program[] = "prog";
        char argument[16];
        (void)snprintf(argument, sizeof(argument), "%s", forms[i]);
        char *argv[] = {program, argument, NULL};
        struct sl_cli_result result;
        assert_int_equal(sl_cli_parse(&cli, 2, argv, NULL, &result, NULL), SL_OK);
        assert_true(result.wants_help);
        if (i == 2) {
            assert_string_equal(result.help_form, "man");
        } else {
            assert_null(result.help_form);
        }
    }
}

static void only_a_command_of_the_table_is_found(void **state)
{
    (void)state;
    struct sl_cli without = {.program = "prog"};
    assert_ptr_equal(sl_cli_command(&cli, "run"), &commands[0]);
    assert_ptr_equal(sl_cli_command(&cli, "later"), &commands[1]);
    assert_null(sl_cli_command(&cli, "ru"));
    assert_null(sl_cli_command(&without, "run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_page_has_every_part_and_no_escape_of_the_texts),
        cmocka_unit_test(a_line_never_begins_with_a_request_of_the_texts),
        cmocka_unit_test(the_page_of_a_subcommand_leads_to_the_program),
        cmocka_unit_test(help_shows_commands_exit_statuses_and_examples),
        cmocka_unit_test(shells_get_a_line_for_each_command_and_option),
        cmocka_unit_test(the_form_of_help_is_told),
        cmocka_unit_test(only_a_command_of_the_table_is_found),
    };
    return cmocka_run_group_tests_name("base/cli_man", tests, NULL, NULL);
}
