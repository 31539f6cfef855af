/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/opts.h"

#include "inspector/filter.h"
#include "tests/support/cmocka_all.h"

enum {
    WORDS_MAX = 12,
};

/* Parses and checks a command line; its words stand in one string, apart by blanks. */
static enum sl_status parse(const char *line, struct ins_opts *opts, struct sl_error *error)
{
    static char words[256];
    char *argv[WORDS_MAX + 2] = {NULL};
    int argc = 0;
    struct sl_cli_result result;
    (void)snprintf(words, sizeof(words), "sluice-inspector%s%s", line[0] == '\0' ? "" : " ", line);
    for (char *at = words; at != NULL && argc <= WORDS_MAX;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    ins_opts_init(opts);
    enum sl_status status = sl_cli_parse(ins_opts_cli(), argc, argv, opts, &result, error);
    return status == SL_OK ? ins_opts_check(opts, &result, error) : status;
}

static void takes_what_is_documented(void **state)
{
    (void)state;
    struct ins_opts opts;
    struct sl_error error = {0};
    assert_int_equal(parse("a.pcap", &opts, &error), SL_OK);
    assert_ptr_equal(opts.view, ins_view_calls_new);
    assert_int_equal(opts.call_messages, 100);
    assert_int_equal(parse("--view summary --status unavailable -I x -I y a b", &opts, &error),
                     SL_OK);
    assert_ptr_equal(opts.view, ins_view_summary_new);
    assert_int_equal(opts.includes.count, 2);
    assert_string_equal(opts.includes.items[1], "y");
    assert_int_equal(opts.select.statuses[0].code, 14);
    assert_int_equal(parse("--status 77 --strict --lint -o out -", &opts, &error), SL_OK);
    assert_int_equal(opts.select.statuses[0].code, 77);
    assert_true(opts.is_strict && opts.has_lint);
    assert_string_equal(opts.output, "out");
    assert_int_equal(parse("--status open --format json --call 7 x", &opts, &error), SL_OK);
    assert_true(opts.select.statuses[0].is_open);
    assert_int_equal(opts.select.call, 7);
    assert_int_equal(parse("--reflect a:1 --reflect b:2 x", &opts, &error), SL_OK);
    assert_int_equal(opts.reflects.count, 2);
    assert_int_equal(parse("--call-messages 0 --method /a/* x", &opts, &error), SL_OK);
    assert_int_equal(opts.call_messages, 0);
    assert_int_equal(
        parse("--status ok --status 5 --peer :1 --peer 10.1.2.3 --metadata a=b x", &opts, &error),
        SL_OK);
    assert_int_equal(opts.select.status_count, 2);
    assert_int_equal(opts.select.peer_count, 2);
    assert_int_equal(opts.select.metadata_count, 1);
    assert_int_equal(parse("--view messages --status ok --since 5 --until +1s x", &opts, &error),
                     SL_OK);
    assert_int_equal(parse("-i any --buffer-size 64MiB --filter x", &opts, &error), SL_OK);
    assert_string_equal(opts.interface, "any");
    assert_int_equal(opts.buffer_size, 64 << 20);
    assert_int_equal(parse("--follow a b", &opts, &error), SL_OK);
    assert_true(opts.is_following);
}

static void refuses_what_it_cannot_do(void **state)
{
    (void)state;
    static const char *const lines[] = {"",
                                        "- -",
                                        "--view stales x",
                                        "--format yaml x",
                                        "--format html --view frames x",
                                        "--follow -",
                                        "--follow",
                                        "-i lo x",
                                        "-i lo --follow",
                                        "--buffer-size 63KiB -i lo",
                                        "--buffer-size 2GiB -i lo",
                                        "--status nonsense x",
                                        "--status -1 x",
                                        "--call 0 x",
                                        "--call x x",
                                        "--call-messages 1000001 x",
                                        "--peer localhost x",
                                        "--metadata =x x",
                                        "--since yesterday x",
                                        "--until +1 x",
                                        "--since +2s --until +1s x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct ins_opts opts;
        struct sl_error error = {0};
        if (parse(lines[i], &opts, &error) == SL_OK) {
            fail_msg("'%s' was taken", lines[i]);
        }
        assert_string_not_equal(error.text, "");
    }
}

static void a_filter_runs_on_packets_of_every_link_type(void **state)
{
    (void)state;
    static const uint8_t ip[] = {0x45, 0, 0,  40, 0,  0,  0x40, 0,    64, 6,    0, 0, 10, 0,
                                 0,    1, 10, 0,  0,  2,  0x9c, 0x40, 1,  0xbb, 0, 0, 0,  0,
                                 0,    0, 0,  0,  80, 16, 0,    0,    0,  0,    0, 0};
    uint8_t ethernet[14 + sizeof(ip)] = {[12] = 8};
    struct ins_filter *filter = NULL;
    struct sl_error error = {0};
    memcpy(ethernet + 14, ip, sizeof(ip));
    const struct ins_packet packets[] = {
        {.bytes = {ip, sizeof(ip)}, .original_len = sizeof(ip), .link_type = INS_LINK_RAW},
        {.bytes = {ethernet, sizeof(ethernet)},
         .original_len = sizeof(ethernet),
         .link_type = INS_LINK_ETHERNET}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ins_filter_new("tcp port 443", &filter, &error), SL_OK);
        assert_true(ins_filter_matches(filter, &packets[i]));
        assert_null(ins_filter_failure(filter));
        ins_filter_free(filter);
        assert_int_equal(ins_filter_new("tcp port 444", &filter, &error), SL_OK);
        assert_false(ins_filter_matches(filter, &packets[i]));
        ins_filter_free(filter);
    }
    assert_int_equal(ins_filter_new("tcp porrt 1", &filter, &error), SL_USAGE);
    assert_string_not_equal(error.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_documented),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(a_filter_runs_on_packets_of_every_link_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
