/* SPDX-License-Identifier: Apache-2.0 */
/* What only the h2 transport can do: credit to the byte, frames of any kind, limits of windows. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"
#include "tests/unit/harness/client.h"

/* A connection whose streams have no window of their own. */
static struct client *connect_held(struct peer_script script)
{
    struct client *client = client_new(&script);
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    config.stream_window = 0;
    client_connect(client, &config);
    return client;
}

static int64_t window_of(const struct client *client, const struct record *record)
{
    return sl_observer_window(har_conn_observer(client->conn), SL_DIR_RESPONSE,
                              har_stream_id(record->stream));
}

static struct record *open_held(struct client *client, const char *burst)
{
    struct record *record = client_open(client, "/t/Burst", true);
    assert_int_equal(har_stream_send(record->stream, sl_span_str(burst)), SL_OK);
    har_stream_half_close(record->stream);
    return record;
}

struct credit_case {
    const char *name;
    struct peer_script script;
    const char *burst; /* 200 messages */
    uint64_t size;
};

static const struct credit_case credit_cases[] = {
    {"whole messages", {0}, "200 1000", 1000},
    {"three bytes a frame", {.max_data = 3}, "200 100", 100},
    {"messages of several frames", {0}, "200 40000", 40000},
    {"padded frames", {.is_padding = true}, "200 300", 300},
    {"empty messages", {0}, "200 0", 0},
    {"messages of one byte", {0}, "200 1", 1},
};

static void message_credit_brings_exactly_one_message_a_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof credit_cases / sizeof credit_cases[0]; i++) {
        const struct credit_case *c = &credit_cases[i];
        struct client *client = connect_held(c->script);
        struct record *record = open_held(client, c->burst);
        client_until(client, record->headers == 1);
        for (size_t step = 1; step <= 200; step++) {
            assert_int_equal(har_stream_credit_messages(record->stream, 1), SL_OK);
            client_until(client, record->messages == step);
            /* The padding of the last frame may have left some; a message never. */
            int64_t left = record->ends == 0 ? window_of(client, record) : 0;
            if (left < 0 || left > (c->script.is_padding ? 16 : 0)) {
                fail_msg("%s: %lld bytes are left after message %zu", c->name, (long long)left,
                         step);
            }
            assert_int_equal(record->bytes, step * c->size);
            assert_int_equal(record->prefixes, step);
        }
        client_until(client, record->ends == 1);
        assert_int_equal(record->code, SL_GRPC_OK);
        assert_true(record->is_in_order);
        assert_int_equal(peer_seen(client->peer)->stray, 0);
        assert_int_equal(client->findings, 0);
        client_free(client);
    }
}

static void unpaid_messages_do_not_come(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    struct record *record = open_held(client, "200 100");
    assert_int_equal(har_stream_credit_messages(record->stream, 3), SL_OK); /* before it is open */
    client_until(client, record->messages == 3);
    client_settle(client);
    assert_int_equal(record->messages, 3);
    assert_int_equal(record->bytes, 300);
    assert_int_equal(window_of(client, record), 0);
    client_free(client);
}

static void byte_credit_is_exact(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    struct record *record = open_held(client, "200 95");
    client_until(client, record->headers == 1);
    assert_int_equal(har_stream_credit_bytes(record->stream, 250), SL_OK);
    client_until(client, record->messages == 2);
    client_settle(client);
    assert_int_equal(record->messages, 2);
    assert_int_equal(record->prefixes, 3); /* 250 = 100 + 100 + 50 */
    assert_int_equal(window_of(client, record), 0);
    /* The message that has begun is paid to its end. */
    assert_int_equal(har_stream_credit_messages(record->stream, 1), SL_OK);
    client_until(client, record->messages == 3);
    assert_int_equal(window_of(client, record), 0);
    assert_int_equal(har_stream_credit_bytes(record->stream, 0), SL_LIMIT);
    assert_int_equal(har_stream_credit_bytes(record->stream, UINT32_MAX), SL_LIMIT);
    client_free(client);
}

static void a_held_stream_does_not_hold_its_siblings(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    struct record *held = open_held(client, "3000 1000");
    struct record *live = client_call(client, "/t/Burst", "3000 1000");
    client_until(client, live->ends == 1);
    assert_int_equal(live->messages, 3000);
    assert_int_equal(held->bytes, 0);
    assert_int_equal(held->prefixes, 0);
    har_stream_resume(held->stream);
    client_until(client, held->ends == 1);
    assert_int_equal(held->messages, 3000);
    client_free(client);
}

static void a_resumed_stream_can_be_stalled_again(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Burst", "5000 1000");
    for (size_t round = 0; round < 20; round++) {
        har_stream_stall(record->stream);
        assert_int_equal(har_stream_credit_messages(record->stream, 1), SL_OK);
        size_t before = record->messages;
        client_until(client, record->messages > before);
        har_stream_resume(record->stream);
        assert_int_equal(har_stream_credit_messages(record->stream, 1), SL_STATE);
        client_step(client, "a turn");
    }
    client_until(client, record->ends == 1);
    assert_int_equal(record->messages, 5000);
    assert_int_equal(peer_seen(client->peer)->stray, 0);
    assert_int_equal(client->findings, 0);
    client_free(client);
}

static void a_manual_connection_gets_only_what_is_asked_for(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    config.stream_window = 1 << 20;
    config.suppress = HAR_SUPPRESS_WINDOW_UPDATES;
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Burst", "100 995");
    client_until(client, record->messages == 65); /* of the 65535 bytes that every connection has */
    client_settle(client);
    assert_int_equal(record->messages, 65);
    assert_int_equal(har_conn_window_update(client->conn, 0, 465 + 34000), SL_OK);
    client_until(client, record->messages == 100);
    client_until(client, record->ends == 1);
    client_free(client);
}

static void a_lowered_window_holds_and_a_raised_one_lets_go(void **state)
{
    (void)state;
    const struct sl_h2_setting_pair none = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    const struct sl_h2_setting_pair some = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 5000};
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    config.stream_window = 1005;
    client_connect(client, &config);
    struct record *record = open_held(client, "100 1000");
    client_until(client, record->messages == 1);
    assert_int_equal(har_conn_settings(client->conn, &none, 1), SL_OK);
    client_settle(client);
    assert_int_equal(window_of(client, record), -1005);
    /* What is paid for must first make up for the negative window (RFC 9113 6.9.2). */
    assert_int_equal(har_stream_credit_messages(record->stream, 1), SL_OK);
    client_until(client, record->messages == 2);
    assert_int_equal(window_of(client, record), 0);
    assert_int_equal(har_conn_settings(client->conn, &some, 1), SL_OK);
    client_until(client, record->messages == 6);
    client_settle(client);
    assert_int_equal(record->messages, 6);
    har_stream_resume(record->stream);
    client_until(client, record->ends == 1);
    assert_int_equal(record->messages, 100);
    assert_int_equal(client->findings, 0);
    client_free(client);
}

static void a_ping_is_acknowledged(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    assert_int_equal(har_conn_ping(client->conn, 77), SL_STATE); /* not connected yet */
    client_until(client, client->connected == 1);
    assert_int_equal(har_conn_ping(client->conn, 77), SL_OK);
    client_until(client, client->ping_acks == 1);
    client_free(client);
}

/* The kernel holds some megabytes of the acknowledgements for it. */
static void a_flood_that_is_not_read_ends_the_connection(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){.pings = 500000});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    client_connect(client, &config);
    client_until(client, client->ended == 1);
    assert_int_equal(client->how, HAR_CONN_ERROR);
    assert_non_null(strstr(client->text, "the server does not read"));
    client_free(client);
}

static void raw_bytes_go_out_as_they_are(void **state)
{
    (void)state;
    static const uint8_t ping[] = {0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77};
    struct client *client = connect_held((struct peer_script){0});
    client_until(client, client->connected == 1);
    assert_int_equal(har_conn_send_raw(client->conn, sl_span(ping, sizeof ping)), SL_OK);
    client_until(client, client->ping_acks == 1);
    client_free(client);
}

static void raw_data_counts_against_the_window_that_is_given_back(void **state)
{
    (void)state;
    static const uint8_t data[] = {0, 0, 9, SL_H2_DATA, 0, 0,   0,   0,   101,
                                   0, 0, 0, 0,          4, 'r', 'a', 'w', '!'};
    struct client *client = client_new(&(struct peer_script){.is_generous = true});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    client_connect(client, &config);
    for (size_t i = 0; i < 3; i++) {
        struct record *record = client_call(client, "/t/Echo", "x");
        client_until(client, record->ends == 1);
        assert_int_equal(record->code, SL_GRPC_OK);
        assert_int_equal(har_conn_send_raw(client->conn, sl_span(data, sizeof data)), SL_OK);
    }
    client_free(client);
}

static void a_goaway_can_be_said_before_the_fin(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    client_until(client, record->headers == 1);
    har_conn_close(client->conn, HAR_CLOSE_GOAWAY);
    client_until(client, peer_seen(client->peer)->fins == 1);
    assert_int_equal(peer_seen(client->peer)->goaways, 1);
    client_free(client);
}

static void long_metadata_is_split_into_continuations(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    char *text = sl_alloc(50000);
    for (size_t i = 0; i < 50000; i++) {
        text[i] = (char)('a' + (i * 7 + i / 26) % 26);
    }
    const struct sl_header metadata = {.name = sl_span_str("x-extra"),
                                       .value = sl_span(text, 50000)};
    struct har_stream_config config = {
        .method = "/t/Quiet", .metadata = &metadata, .metadata_count = 1};
    struct har_stream *stream = har_stream_new(client->conn, &config);
    client_until(client, peer_seen(client->peer)->calls == 1);
    assert_true(peer_seen(client->peer)->continuations >= 2);
    assert_memory_equal(peer_seen(client->peer)->last_extra, text, 63);
    har_stream_free(stream);
    sl_free(text);
    client_free(client);
}

static void metadata_past_the_limit_ends_the_stream_alone(void **state)
{
    (void)state;
    struct client *client = connect_held((struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    char *text = sl_alloc(SL_HPACK_LIST_MAX + 1);
    const struct sl_header metadata = {.name = sl_span_str("x-extra"),
                                       .value = sl_span(text, SL_HPACK_LIST_MAX + 1)};
    struct har_stream_config config = {
        .method = "/t/Quiet", .metadata = &metadata, .metadata_count = 1};
    struct har_stream *stream = har_stream_new(client->conn, &config);
    client_until(client, record->headers == 1);
    assert_int_equal(har_stream_id(stream), 0);
    assert_int_equal(peer_seen(client->peer)->calls, 1);
    har_stream_free(stream);
    sl_free(text);
    client_free(client);
}

static void a_message_past_the_limit_ends_its_stream_alone(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Burst", "1 16777217");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_RESOURCE_EXHAUSTED);
    client_until(client, peer_seen(client->peer)->resets == 1);
    record = client_call(client, "/t/Echo", "x");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_credit_brings_exactly_one_message_a_step),
        cmocka_unit_test(unpaid_messages_do_not_come),
        cmocka_unit_test(byte_credit_is_exact),
        cmocka_unit_test(a_held_stream_does_not_hold_its_siblings),
        cmocka_unit_test(a_resumed_stream_can_be_stalled_again),
        cmocka_unit_test(a_manual_connection_gets_only_what_is_asked_for),
        cmocka_unit_test(a_lowered_window_holds_and_a_raised_one_lets_go),
        cmocka_unit_test(a_ping_is_acknowledged),
        cmocka_unit_test(a_flood_that_is_not_read_ends_the_connection),
        cmocka_unit_test(raw_bytes_go_out_as_they_are),
        cmocka_unit_test(raw_data_counts_against_the_window_that_is_given_back),
        cmocka_unit_test(a_goaway_can_be_said_before_the_fin),
        cmocka_unit_test(long_metadata_is_split_into_continuations),
        cmocka_unit_test(metadata_past_the_limit_ends_the_stream_alone),
        cmocka_unit_test(a_message_past_the_limit_ends_its_stream_alone),
    };
    return cmocka_run_group_tests_name("transport_h2", tests, NULL, NULL);
}
