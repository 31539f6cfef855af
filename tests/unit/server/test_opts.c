/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/opts.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    ARGS_MAX = 8,
};

/* Parses "--a b --c d" split at spaces. */
static enum sl_status parse(const char *line, struct srv_opts *opts, struct sl_error *error)
{
    static char words[512];
    static char program[] = "sluice-server";
    char *argv[ARGS_MAX + 2] = {program};
    int argc = 1;
    struct sl_cli_result result;
    char *rest = NULL;
    (void)snprintf(words, sizeof(words), "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL && argc <= ARGS_MAX;
         word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    srv_opts_init(opts);
    *error = (struct sl_error){0};
    enum sl_status status = sl_cli_parse(&srv_cli, argc, argv, opts, &result, error);
    return status == SL_OK ? srv_opts_check(opts, error) : status;
}

static void the_defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct srv_opts opts;
    struct sl_error error;
    assert_int_equal(parse("", &opts, &error), SL_OK);
    assert_string_equal(opts.listen, "127.0.0.1:50051");
    assert_int_equal(opts.chat.buffer, 100);
    assert_int_equal(opts.chat.history, 256);
    assert_int_equal(opts.chat.drop_policy, SRV_DROP_NEWEST);
    assert_int_equal(opts.chat.default_rate_hz, 10);
    assert_int_equal(opts.chat.ping_interval_ns, 10 * SL_SECOND);
    assert_int_equal(opts.max_message, 4 * 1024 * 1024);
    assert_int_equal(opts.chat.limits.max_rooms, 100000);
    assert_int_equal(opts.chat.limits.max_room_subscribers, 100000);
    assert_int_equal(opts.chat.limits.max_subscriptions, 200000);
    assert_int_equal(opts.chat.limits.subscriber_memory, 16 * 1024 * 1024);
    assert_int_equal(opts.chat.limits.memory, 256 * 1024 * 1024);
    assert_int_equal(opts.drain_grace_ns, 10 * SL_SECOND);
    assert_int_equal(opts.limits.keepalive_time_ns, 10 * SL_SECOND);
    assert_int_equal(opts.limits.keepalive_timeout_ns, 5 * SL_SECOND);
    assert_int_equal(opts.limits.min_ping_interval_ns, SL_SECOND);
    assert_int_equal(opts.limits.max_streams, 0);
    assert_true(opts.limits.max_age_ns == SRV_NEVER);
    assert_null(opts.tls_cert);
    assert_false(opts.wants_misbehave_list);
}

static void each_option_sets_its_own(void **state)
{
    (void)state;
    struct srv_opts opts;
    struct sl_error error;
    assert_int_equal(parse("--frontend grpc --listen [::1]:0 --buffer 7", &opts, &error), SL_OK);
    assert_string_equal(opts.listen, "[::1]:0");
    assert_int_equal(opts.chat.buffer, 7);
    assert_int_equal(parse("--drop-policy oldest --default-rate 2147483647 --ping-interval 250ms",
                           &opts, &error),
                     SL_OK);
    assert_int_equal(opts.chat.drop_policy, SRV_DROP_OLDEST);
    assert_int_equal(opts.chat.default_rate_hz, INT32_MAX);
    assert_int_equal(opts.chat.ping_interval_ns, 250 * SL_MS);
    assert_int_equal(parse("--max-message 64KiB --drain-grace 0 --log json", &opts, &error), SL_OK);
    assert_int_equal(opts.max_message, 65536);
    assert_int_equal(opts.drain_grace_ns, 0);
    assert_int_equal(opts.log_format, SL_LOG_JSON);
    assert_int_equal(parse("--keepalive-time off --keepalive-timeout 20ms --min-ping-interval 0 "
                           "--max-streams 7",
                           &opts, &error),
                     SL_OK);
    assert_true(opts.limits.keepalive_time_ns == SRV_NEVER);
    assert_int_equal(opts.limits.keepalive_timeout_ns, 20 * SL_MS);
    assert_int_equal(opts.limits.min_ping_interval_ns, 0);
    assert_int_equal(opts.limits.max_streams, 7);
    assert_int_equal(parse("--max-connection-age 3s --max-connection-age-grace 0", &opts, &error),
                     SL_OK);
    assert_int_equal(opts.limits.max_age_ns, 3 * SL_SECOND);
    assert_int_equal(opts.limits.max_age_grace_ns, 0);
    assert_int_equal(
        parse("--max-rooms 3 --max-subscribers-per-room 4 --max-subscriptions 5", &opts, &error),
        SL_OK);
    assert_int_equal(opts.chat.limits.max_rooms, 3);
    assert_int_equal(opts.chat.limits.max_room_subscribers, 4);
    assert_int_equal(opts.chat.limits.max_subscriptions, 5);
    assert_int_equal(parse("--stall-limit 30s", &opts, &error), SL_OK);
    assert_int_equal(opts.chat.limits.stall_ns, 30 * SL_SECOND);
    assert_int_equal(parse("--stall-limit 30s --stall-limit off", &opts, &error), SL_OK);
    assert_int_equal(opts.chat.limits.stall_ns, 0);
    assert_int_equal(
        parse("--max-message 1MiB --subscriber-memory 2MiB --memory 1GiB", &opts, &error), SL_OK);
    assert_int_equal(opts.chat.limits.subscriber_memory, 2 * 1024 * 1024);
    assert_int_equal(opts.chat.limits.memory, 1024 * 1024 * 1024);
    assert_int_equal(parse("--tls-cert c --tls-key k --tls-client-ca a --keylog f", &opts, &error),
                     SL_OK);
    assert_string_equal(opts.tls_cert, "c");
    assert_string_equal(opts.tls_key, "k");
    assert_string_equal(opts.tls_client_ca, "a");
    assert_int_equal(parse("--misbehave drop-oldest --misbehave ping-never", &opts, &error), SL_OK);
    assert_true(opts.chat.misbehave.drop_oldest && opts.chat.misbehave.ping_never);
    assert_false(opts.chat.misbehave.ping_twice);
    assert_int_equal(parse("--misbehave list", &opts, &error), SL_OK);
    assert_true(opts.wants_misbehave_list);
}

static void what_makes_no_sense_or_is_not_built_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--frontend x",
        "--listen 1",
        "--listen :1",
        "--listen h:65536",
        "--listen h:",
        "--listen h:-1",
        "--listen http://127.0.0.1:1",
        "--listen h/path:1",
        "--listen ::1:80",
        "--listen []:0",
        "--listen [::1:80",
        "--metrics user@h:1",
        "--history -1",
        "--history 100001",
        "--keepalive-time 0",
        "--keepalive-timeout off",
        "--max-streams 0",
        "--max-connection-age x",
        "--buffer 0",
        "--buffer 1000001",
        "--buffer -1",
        "--buffer x",
        "--drop-policy new",
        "--default-rate 0",
        "--default-rate -5",
        "--default-rate 2147483648",
        "--ping-interval 0",
        "--ping-interval 5",
        "--ping-interval 9999h",
        "--max-rooms 0",
        "--max-subscribers-per-room -1",
        "--max-subscriptions 1000000001",
        "--subscriber-memory 4MiB",
        "--subscriber-memory 0",
        "--memory 16MiB",
        "--memory 2000GiB",
        "--max-message 100MiB",
        "--max-message 0",
        "--max-message 2GiB",
        "--drain-grace x",
        "--log xml",
        "--misbehave nope",
        "--tls-cert c",
        "--tls-key k",
        "--tls-client-ca a",
        "--keylog f",
        "--metrics 127.0.0.1",
        "--stall-limit 0",
        "--stall-limit x",
        "--keylog f",
        "operand",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct srv_opts opts;
        struct sl_error error;
        print_message("%s\n", lines[i]);
        assert_int_equal(parse(lines[i], &opts, &error), SL_USAGE);
        assert_true(error.text[0] != '\0');
    }
}

static void a_near_miss_of_a_wrong_server_is_helped(void **state)
{
    (void)state;
    struct srv_opts opts;
    struct sl_error error;
    assert_int_equal(parse("--misbehave ping-nevr", &opts, &error), SL_USAGE);
    assert_non_null(strstr(error.text, "ping-never"));
}

static void the_list_has_three_columns_and_no_name_twice(void **state)
{
    (void)state;
    struct sl_buf list;
    sl_buf_init(&list, 1 << 16);
    srv_misbehave_list(&list);
    char *text = (char *)sl_buf_take(&list, NULL);
    char *rest = NULL;
    struct srv_misbehave set = {0};
    size_t lines = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char name[64];
        char frontend[16];
        char rule[16];
        char more = 0;
        assert_int_equal(
            sscanf(line, "%63[^\t]\t%15[^\t]\t%15[^\t]%c", name, frontend, rule, &more), 3);
        assert_true(strcmp(frontend, "grpc") == 0 || strcmp(frontend, "h2") == 0);
        assert_int_equal(srv_misbehave_set(&set, name, NULL), SL_OK);
        lines++;
        size_t switched_on = 0;
        for (size_t i = 0; i < sizeof(set); i++) {
            switched_on += ((const unsigned char *)&set)[i];
        }
        assert_int_equal(switched_on, lines);
    }
    assert_int_equal(lines, sizeof(set));
    sl_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_contract),
        cmocka_unit_test(each_option_sets_its_own),
        cmocka_unit_test(what_makes_no_sense_or_is_not_built_is_refused),
        cmocka_unit_test(a_near_miss_of_a_wrong_server_is_helped),
        cmocka_unit_test(the_list_has_three_columns_and_no_name_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
