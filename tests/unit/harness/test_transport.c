/* SPDX-License-Identifier: Apache-2.0 */
/* What both transports promise, against a scripted server: each test runs on each of them. */
#include "lib/wire/grpc_status.h"
#include "tests/unit/harness/client.h"

struct setup {
    enum har_transport transport;
};

static struct setup on_h2 = {HAR_TRANSPORT_H2};
static struct setup on_grpc = {HAR_TRANSPORT_GRPC};

/* A client with a connection to a peer of this script. */
static struct client *connect_to(void **state, struct peer_script script)
{
    const struct setup *setup = *state;
    struct client *client = client_new(&script);
    struct har_conn_config config = client_config(client, setup->transport);
    client_connect(client, &config);
    return client;
}

static void a_unary_call_brings_headers_message_and_trailers(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Echo", "hello");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(record->source, SL_FROM_TRAILERS);
    assert_int_equal(record->headers, 1);
    assert_string_equal(record->seen, "yes");
    assert_int_equal(record->messages, 1);
    assert_int_equal(record->bytes, 5);
    assert_string_equal(record->trailer, "end");
    assert_string_equal(record->text, "");
    assert_int_equal(record->drained, 1);
    assert_int_equal(har_stream_id(record->stream), 1);
    assert_int_equal(client->connected, 1);
    assert_int_equal(client->findings, 0);
    assert_int_equal(strncmp(har_conn_local(client->conn), "127.0.0.1:", 10), 0);
    client_free(client);
}

static void a_request_says_what_grpc_asks_for(void **state)
{
    static const uint8_t binary[] = {0, 255, 16};
    struct client *client = connect_to(state, (struct peer_script){0});
    const struct sl_header metadata[] = {
        {.name = sl_span_str("x-extra"), .value = sl_span_str("plain")},
        {.name = sl_span_str("x-extra-bin"), .value = sl_span(binary, sizeof binary)},
    };
    struct har_stream_config config = {
        .method = "/t/Quiet",
        .metadata = metadata,
        .metadata_count = 2,
        .timeout_ns = UINT64_C(5000000000),
    };
    struct har_stream *stream = har_stream_new(client->conn, &config);
    const struct peer_seen *seen = peer_seen(client->peer);
    client_until(client, seen->calls == 1);
    assert_string_equal(seen->last_path, "/t/Quiet");
    assert_string_equal(seen->last_te, "trailers");
    assert_string_equal(seen->last_type, "application/grpc");
    assert_int_equal(strncmp(seen->last_agent, "sluice-harness/", 15), 0);
    assert_int_not_equal(strlen(seen->last_timeout), 0);
    assert_string_equal(seen->last_extra, "plain");
    assert_string_equal(seen->last_binary, "AP8Q"); /* three bytes need no padding */
    har_stream_free(stream);
    client_free(client);
}

static void a_server_stream_arrives_whole_and_in_order(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Burst", "2000 700");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(record->messages, 2000);
    assert_int_equal(record->bytes, 2000 * 700);
    assert_true(record->is_in_order);
    assert_int_equal(peer_seen(client->peer)->stray, 0);
    client_free(client);
}

static void a_message_larger_than_every_window_arrives(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Burst", "2 3000000");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(record->bytes, 6000000);
    client_free(client);
}

static void a_bidi_stream_echoes_until_the_half_close(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){.window = 100});
    struct record *record = client_open(client, "/t/Echo", false);
    uint8_t message[300];
    for (size_t i = 0; i < 200; i++) {
        memset(message, (int)i, sizeof message);
        assert_int_equal(har_stream_send(record->stream, sl_span(message, sizeof message)), SL_OK);
    }
    client_until(client, record->messages == 200);
    assert_true(record->is_in_order);
    assert_int_equal(har_stream_queued(record->stream), 0);
    assert_true(record->drained >= 1);
    assert_int_equal(record->ends, 0);
    har_stream_half_close(record->stream);
    assert_int_equal(har_stream_send(record->stream, sl_span_str("late")), SL_STATE);
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    client_free(client);
}

static void a_trailers_only_status_is_decoded(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Fail", "x");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_PERMISSION_DENIED);
    assert_int_equal(record->source, SL_FROM_TRAILERS_ONLY);
    assert_string_equal(record->text, "no way: 100%");
    assert_int_equal(record->headers, 0);
    client_free(client);
}

static void a_reset_by_the_server_gives_its_status(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Reset", "x");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    assert_int_equal(record->source, SL_FROM_RST_STREAM);
    assert_int_equal(record->reset_error, SL_H2_REFUSED_STREAM);
    record = client_call(client, "/t/Echo", "again");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    client_free(client);
}

static void a_cancel_resets_the_stream_and_no_end_comes(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    const struct peer_seen *seen = peer_seen(client->peer);
    client_until(client, record->headers == 1);
    har_stream_cancel(record->stream, SL_H2_CANCEL);
    client_until(client, seen->resets == 1);
    assert_int_equal(seen->last_reset, SL_H2_CANCEL);
    assert_int_equal(seen->open_now, 0);
    struct record *other = client_call(client, "/t/Echo", "again");
    client_until(client, other->ends == 1);
    assert_int_equal(other->code, SL_GRPC_OK);
    assert_int_equal(record->ends, 0);
    client_free(client);
}

static void freeing_a_stream_cancels_it(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    client_until(client, record->headers == 1);
    har_stream_free(record->stream);
    record->stream = NULL;
    client_until(client, peer_seen(client->peer)->resets == 1);
    client_free(client);
}

static void a_stream_may_be_freed_in_its_own_message(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Burst", "1000 1000");
    record->is_freeing = true;
    client_until(client, record->messages == 1);
    struct record *other = client_call(client, "/t/Echo", "again");
    client_until(client, other->ends == 1);
    assert_int_equal(record->messages, 1);
    assert_int_equal(record->ends, 0);
    client_free(client);
}

static void a_connection_may_be_freed_in_a_message(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_call(client, "/t/Burst", "1000 1000");
    client->is_freeing = true;
    client_until(client, record->messages == 1);
    client_until(client, peer_seen(client->peer)->open_now == 0);
    assert_int_equal(record->messages, 1);
    assert_int_equal(record->ends, 0);
    assert_int_equal(client->ended, 0);
    client_free(client);
}

static void a_refused_connection_ends_streams_and_itself(void **state)
{
    const struct setup *setup = *state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, setup->transport);
    peer_free(client->peer); /* its port is free now */
    client->peer = NULL;
    client_settle(client);
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Echo", "x");
    client_until(client, client->ended == 1);
    assert_int_equal(client->how, HAR_CONN_REFUSED);
    assert_int_equal(client->connected, 0);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    assert_non_null(strstr(client->text, "connection refused"));
    record = client_call(client, "/t/Echo", "too late");
    assert_int_equal(record->ends, 0); /* from the loop, not from inside the call */
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    client_free(client);
}

static void a_name_that_does_not_resolve_is_a_refusal(void **state)
{
    const struct setup *setup = *state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, setup->transport);
    config.host = "no-such-host.invalid";
    client_connect(client, &config);
    client_until(client, client->ended == 1);
    assert_int_equal(client->how, HAR_CONN_REFUSED);
    client_free(client);
}

static void a_name_with_several_addresses_is_tried_to_the_end(void **state)
{
    const struct setup *setup = *state;
    struct client *client = client_new(&(struct peer_script){0});
    struct har_conn_config config = client_config(client, setup->transport);
    config.host = "localhost"; /* ::1 first, where nothing listens */
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Echo", "x");
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    client_free(client);
}

static void garbage_ends_the_connection(void **state)
{
    static const char *const greetings[] = {
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof greetings / sizeof greetings[0]; i++) {
        struct client *client = connect_to(state, (struct peer_script){.greeting = greetings[i]});
        struct record *record = client_call(client, "/t/Echo", "x");
        client_until(client, client->ended == 1);
        assert_int_equal(client->how, HAR_CONN_ERROR);
        assert_int_equal(record->ends, 1);
        assert_int_not_equal(record->code,
                             SL_GRPC_OK); /* the C core says INTERNAL or UNAVAILABLE */
        assert_int_equal(record->messages, 0);
        client_free(client);
    }
}

static void death_in_mid_frame_is_told(void **state)
{
    static const enum peer_die ways[] = {PEER_DIE_FIN, PEER_DIE_RST};
    static const enum har_conn_end ends[] = {HAR_CONN_FIN, HAR_CONN_RST};
    for (size_t i = 0; i < 2; i++) {
        struct client *client = connect_to(state, (struct peer_script){.die = ways[i]});
        struct record *quiet = client_open(client, "/t/Quiet", false);
        client_until(client, quiet->headers == 1);
        struct record *record = client_open(client, "/t/Die", false);
        client_until(client, client->ended == 1);
        assert_int_equal(client->how, ends[i]);
        assert_int_equal(record->ends, 1);
        assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
        assert_int_equal(record->source, SL_FROM_CONNECTION_CLOSED);
        assert_int_equal(record->messages, 0);
        assert_int_equal(quiet->code, SL_GRPC_UNAVAILABLE);
        client_free(client);
    }
}

static void death_after_any_byte_ends_everything_once(void **state)
{
    bool has_succeeded = false;
    for (size_t bytes = 1; !has_succeeded; bytes++) {
        struct client *client = connect_to(
            state, (struct peer_script){.die_after = bytes,
                                        .die = bytes % 2 == 0 ? PEER_DIE_FIN : PEER_DIE_RST});
        struct record *quiet = client_open(client, "/t/Quiet", false);
        struct record *record = client_call(client, "/t/Burst", "3 10");
        client_until(client, record->ends == 1 && (quiet->ends == 1 || quiet->headers == 1));
        has_succeeded = record->code == SL_GRPC_OK;
        assert_true(record->messages <= 3);
        assert_true(!has_succeeded || record->messages == 3);
        if (!has_succeeded) {
            client_until(client, client->ended == 1);
            assert_int_equal(quiet->code, SL_GRPC_UNAVAILABLE);
        }
        client_free(client);
        assert_in_range(bytes, 1, 1000);
    }
}

static void a_closed_connection_tells_the_server_and_calls_back_no_more(void **state)
{
    static const enum har_close ways[] = {HAR_CLOSE_FIN, HAR_CLOSE_RST};
    for (size_t i = 0; i < 2; i++) {
        struct client *client = connect_to(state, (struct peer_script){0});
        struct record *record = client_open(client, "/t/Quiet", false);
        client_until(client, record->headers == 1);
        har_conn_close(client->conn, ways[i]);
        client_until(client, peer_seen(client->peer)->open_now == 0);
        assert_int_equal(peer_seen(client->peer)->fins, ways[i] == HAR_CLOSE_FIN ? 1 : 0);
        assert_int_equal(record->ends, 0);
        assert_int_equal(client->ended, 0);
        assert_int_equal(har_stream_send(record->stream, sl_span_str("x")), SL_STATE);
        client_free(client);
    }
}

static void what_was_sent_before_a_close_arrives(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    client_until(client, record->headers == 1);
    (void)client_open(client, "/t/Echo", false);
    client_until(client, peer_seen(client->peer)->calls == 2);
    har_conn_close(client->conn, HAR_CLOSE_FIN);
    har_conn_free(client->conn);
    client->conn = NULL;
    client_until(client, peer_seen(client->peer)->fins == 1);
    client_free(client);
}

static void goaway_is_told_and_no_stream_is_opened_after_it(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_open(client, "/t/Goaway", false);
    client_until(client, record->ends == 1 && client->goaways == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(client->goaway_last, 1);
    struct record *late = client_call(client, "/t/Echo", "x");
    client_until(client, late->ends == 1);
    assert_int_equal(late->code, SL_GRPC_UNAVAILABLE);
    assert_int_equal(peer_seen(client->peer)->calls, 1);
    client_free(client);
}

static void no_more_streams_are_open_than_the_server_allows(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){.max_streams = 3});
    struct record *records[20];
    for (size_t i = 0; i < 20; i++) {
        records[i] = client_call(client, "/t/Burst", "50 100");
    }
    for (size_t i = 0; i < 20; i++) {
        client_until(client, records[i]->ends == 1);
        assert_int_equal(records[i]->code, SL_GRPC_OK);
        assert_int_equal(records[i]->messages, 50);
    }
    assert_int_equal(peer_seen(client->peer)->most_open, 3);
    client_free(client);
}

static void pings_of_the_server_are_answered(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *record = client_open(client, "/t/Quiet", false);
    client_until(client, record->headers == 1);
    peer_ping(client->peer);
    client_until(client, peer_seen(client->peer)->ping_acks == 1);
    client_free(client);
}

static void a_paused_connection_reads_nothing_until_it_goes_on(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *quiet = client_open(client, "/t/Quiet", false);
    client_until(client, quiet->headers == 1);
    har_conn_pause(client->conn, true);
    struct record *record = client_call(client, "/t/Echo", "x");
    client_until(client, peer_seen(client->peer)->calls == 2);
    client_settle(client);
    assert_int_equal(record->headers, 0);
    har_conn_pause(client->conn, false);
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    client_free(client);
}

static void a_stalled_stream_stands_still_beside_a_live_one(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    struct record *stalled = client_open(client, "/t/Burst", false);
    har_stream_stall(stalled->stream);
    assert_int_equal(har_stream_send(stalled->stream, sl_span_str("5000 1000")), SL_OK);
    har_stream_half_close(stalled->stream);
    struct record *live = client_call(client, "/t/Burst", "3000 1000");
    client_until(client, live->ends == 1);
    assert_int_equal(live->messages, 3000);
    /* At most the stream's window of 65535 bytes, though no credit was given. */
    assert_true(stalled->messages <= 65);
    har_stream_resume(stalled->stream);
    client_until(client, stalled->ends == 1);
    assert_int_equal(stalled->messages, 5000);
    assert_true(stalled->is_in_order);
    client_free(client);
}

static void a_server_that_answers_no_ping_is_found_by_keepalive(void **state)
{
    const struct setup *setup = *state;
    struct client *client = client_new(&(struct peer_script){.is_deaf_to_pings = true});
    struct har_conn_config config = client_config(client, setup->transport);
    config.keepalive_time_ns = UINT64_C(20000000);
    config.keepalive_timeout_ns = UINT64_C(20000000);
    client_connect(client, &config);
    struct record *record = client_open(client, "/t/Quiet", false);
    client_until(client, client->ended == 1);
    assert_int_equal(client->how, HAR_CONN_ERROR);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    client_free(client);
}

static void everything_can_be_freed_before_it_is_connected(void **state)
{
    struct client *client = connect_to(state, (struct peer_script){0});
    (void)client_call(client, "/t/Echo", "x");
    client_free(client);
}

#define ON_BOTH(test)                                \
    {"h2: " #test, (test), NULL, NULL, &on_h2},      \
    {                                                \
        "grpc: " #test, (test), NULL, NULL, &on_grpc \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_unary_call_brings_headers_message_and_trailers),
        ON_BOTH(a_request_says_what_grpc_asks_for),
        ON_BOTH(a_server_stream_arrives_whole_and_in_order),
        ON_BOTH(a_message_larger_than_every_window_arrives),
        ON_BOTH(a_bidi_stream_echoes_until_the_half_close),
        ON_BOTH(a_trailers_only_status_is_decoded),
        ON_BOTH(a_reset_by_the_server_gives_its_status),
        ON_BOTH(a_cancel_resets_the_stream_and_no_end_comes),
        ON_BOTH(freeing_a_stream_cancels_it),
        ON_BOTH(a_stream_may_be_freed_in_its_own_message),
        ON_BOTH(a_connection_may_be_freed_in_a_message),
        ON_BOTH(a_refused_connection_ends_streams_and_itself),
        ON_BOTH(a_name_that_does_not_resolve_is_a_refusal),
        ON_BOTH(a_name_with_several_addresses_is_tried_to_the_end),
        ON_BOTH(garbage_ends_the_connection),
        ON_BOTH(death_in_mid_frame_is_told),
        ON_BOTH(death_after_any_byte_ends_everything_once),
        ON_BOTH(a_closed_connection_tells_the_server_and_calls_back_no_more),
        ON_BOTH(what_was_sent_before_a_close_arrives),
        ON_BOTH(goaway_is_told_and_no_stream_is_opened_after_it),
        ON_BOTH(no_more_streams_are_open_than_the_server_allows),
        ON_BOTH(pings_of_the_server_are_answered),
        ON_BOTH(a_paused_connection_reads_nothing_until_it_goes_on),
        ON_BOTH(a_stalled_stream_stands_still_beside_a_live_one),
        ON_BOTH(a_server_that_answers_no_ping_is_found_by_keepalive),
        ON_BOTH(everything_can_be_freed_before_it_is_connected),
    };
    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
