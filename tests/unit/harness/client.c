/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/harness/client.h"

#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    GUARD_MS = 10 * 1000,
    SETTLE_MS = 50,
};

static void on_guard(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static bool is_late;

void client_step(struct client *client, const char *waiting_for)
{
    if (!uv_is_active((uv_handle_t *)&client->guard)) {
        is_late = false;
        client->guard.data = &is_late;
        uv_timer_start(&client->guard, on_guard, GUARD_MS, 0);
    }
    uv_run(&client->loop, UV_RUN_ONCE);
    if (is_late) {
        fail_msg("still waiting for: %s", waiting_for);
    }
}

void client_settle(struct client *client)
{
    bool is_over = false;
    client->guard.data = &is_over;
    uv_timer_start(&client->guard, on_guard, SETTLE_MS, 0);
    while (!is_over) {
        uv_run(&client->loop, UV_RUN_ONCE);
    }
}

static void on_headers(void *owner, struct har_stream *stream, const struct sl_headers *headers)
{
    struct record *record = owner;
    const struct sl_header *field = sl_headers_find(headers, "x-seen");
    assert_ptr_equal(stream, record->stream);
    record->headers++;
    if (field != NULL) {
        snprintf(record->seen, sizeof record->seen, "%.*s", SL_SPAN_ARG(field->value));
    }
}

static void on_prefix(void *owner, struct har_stream *stream, uint32_t length)
{
    struct record *record = owner;
    (void)stream;
    (void)length;
    record->prefixes++;
}

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct record *record = owner;
    struct client *client = record->client;
    assert_true(now_ns > 0);
    for (size_t i = 0; i < payload.len; i++) {
        record->is_in_order = record->is_in_order && payload.data[i] == (uint8_t)record->messages;
    }
    record->messages++;
    record->bytes += payload.len;
    if (record->is_freeing) {
        har_stream_free(stream);
        record->stream = NULL;
    }
    if (client->is_freeing) {
        har_conn_free(client->conn);
        client->conn = NULL;
    }
}

static void on_drained(void *owner, struct har_stream *stream)
{
    struct record *record = owner;
    assert_int_equal(har_stream_queued(stream), 0);
    record->drained++;
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct record *record = owner;
    assert_ptr_equal(stream, record->stream);
    record->ends++;
    record->code = result->code;
    record->source = result->source;
    record->reset_error = result->reset_error;
    snprintf(record->text, sizeof record->text, "%s", result->message);
    if (result->trailers != NULL) {
        const struct sl_header *field = sl_headers_find(result->trailers, "x-trailer");
        if (field != NULL) {
            snprintf(record->trailer, sizeof record->trailer, "%.*s", SL_SPAN_ARG(field->value));
        }
    }
}

static const struct har_stream_handler stream_handler = {
    .headers = on_headers,
    .prefix = on_prefix,
    .message = on_message,
    .drained = on_drained,
    .end = on_end,
};

static void on_connected(void *owner, struct har_conn *conn)
{
    struct client *client = owner;
    assert_ptr_equal(conn, client->conn);
    client->connected++;
}

static void on_ended(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text)
{
    struct client *client = owner;
    assert_ptr_equal(conn, client->conn);
    client->ended++;
    client->how = how;
    snprintf(client->text, sizeof client->text, "%s", text);
    for (size_t i = 0; i < client->record_count; i++) {
        /* Every stream that was open has had its end before. */
        assert_true(client->records[i].ends == 1 || client->records[i].stream == NULL);
    }
}

static void on_goaway(void *owner, struct har_conn *conn, uint32_t last_stream, uint32_t error)
{
    struct client *client = owner;
    (void)conn;
    (void)error;
    client->goaways++;
    client->goaway_last = last_stream;
}

static void on_ping_ack(void *owner, struct har_conn *conn, uint64_t opaque)
{
    struct client *client = owner;
    (void)conn;
    assert_int_equal(opaque, 77);
    client->ping_acks++;
}

static void on_frame(void *owner, struct har_conn *conn, const struct sl_frame_event *event)
{
    struct client *client = owner;
    (void)conn;
    (void)event;
    client->frames++;
}

static void on_finding(void *owner, struct har_conn *conn, const struct sl_finding *finding)
{
    struct client *client = owner;
    (void)conn;
    client->findings++;
    snprintf(client->finding, sizeof client->finding, "%s: %s", finding->rule, finding->text);
}

static const struct har_conn_handler conn_handler = {
    .connected = on_connected,
    .ended = on_ended,
    .goaway = on_goaway,
    .ping_ack = on_ping_ack,
    .frame = on_frame,
    .finding = on_finding,
};

struct client *client_new(const struct peer_script *script)
{
    struct client *client = sl_alloc(sizeof *client);
    assert_int_equal(uv_loop_init(&client->loop), 0);
    uv_timer_init(&client->loop, &client->guard);
    client->peer = peer_new(&client->loop, script);
    return client;
}

struct har_conn_config client_config(struct client *client, enum har_transport transport)
{
    struct har_conn_config config = har_conn_defaults();
    config.transport = transport;
    config.host = "127.0.0.1";
    config.port = peer_port(client->peer);
    config.handler = &conn_handler;
    config.owner = client;
    return config;
}

void client_connect(struct client *client, const struct har_conn_config *config)
{
    client->conn = har_conn_new(&client->loop, config);
}

void client_free(struct client *client)
{
    for (size_t i = 0; i < client->record_count; i++) {
        har_stream_free(client->records[i].stream);
    }
    har_conn_free(client->conn);
    if (client->peer != NULL) {
        peer_free(client->peer);
    }
    uv_close((uv_handle_t *)&client->guard, NULL);
    assert_int_equal(uv_run(&client->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&client->loop), 0);
    sl_free(client);
}

static struct record *open_stream(struct client *client, struct har_stream_config config)
{
    struct record *record = &client->records[client->record_count++];
    config.handler = &stream_handler;
    config.owner = record;
    record->client = client;
    record->is_in_order = true;
    record->stream = har_stream_new(client->conn, &config);
    return record;
}

struct record *client_open(struct client *client, const char *method, bool is_manual)
{
    return open_stream(client,
                       (struct har_stream_config){.method = method, .is_manual = is_manual});
}

struct record *client_open_timed(struct client *client, const char *method, uint64_t timeout_ns)
{
    return open_stream(client,
                       (struct har_stream_config){.method = method, .timeout_ns = timeout_ns});
}

struct record *client_call(struct client *client, const char *method, const char *message)
{
    struct record *record = client_open(client, method, false);
    assert_int_equal(har_stream_send(record->stream, sl_span_str(message)), SL_OK);
    har_stream_half_close(record->stream);
    return record;
}
