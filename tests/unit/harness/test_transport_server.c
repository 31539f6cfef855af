/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both transports against a real server: the reference server, or whatever TEST_SERVER_COMMAND starts
 * (a chat.v1 server; {port} in it is replaced).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chat/v1/chat.pb-c.h"
#include "harness/evidence/capture.h"
#include "harness/target/process.h"
#include "harness/target/ready.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "tests/unit/harness/client.h"

#define SEND      "/chat.v1.ChatService/SendMessage"
#define SUBSCRIBE "/chat.v1.ChatService/SubscribeToRoom"
#define CHAT      "/chat.v1.ChatService/ChatRoom"

struct setup {
    enum har_transport transport;
};

static struct setup on_h2 = {HAR_TRANSPORT_H2};
static struct setup on_grpc = {HAR_TRANSPORT_GRPC};

struct server {
    struct client *client; /* no peer: its loop, records and connection */
    struct har_process *process;
    struct har_capture *capture;
    bool is_ready;
};

static char capture_path[64];

static void on_ready(void *owner, struct har_ready *ready, enum sl_status status, const char *text)
{
    struct server *server = owner;
    if (status != SL_OK) {
        fail_msg("not ready: %s; output: %.*s", text,
                 SL_SPAN_ARG(har_process_output(server->process)));
    }
    server->is_ready = true;
    har_ready_free(ready);
}

static struct har_conn_config config_of(struct server *server, enum har_transport transport)
{
    struct har_conn_config config = client_config(server->client, transport);
    config.port = har_process_port(server->process);
    config.capture = server->capture;
    return config;
}

static struct server *start(enum har_transport transport, uint32_t stream_window)
{
    struct server *server = sl_alloc(sizeof *server);
    const char *command = getenv("TEST_SERVER_COMMAND");
    struct sl_error error = {0};
    struct har_process_config process = {
        .command = command != NULL ? command : "exec " SLUICE_SERVER " --listen 127.0.0.1:{port}",
        .owner = server,
    };
    server->client = client_new(&(struct peer_script){0});
    assert_int_equal(har_process_new(&server->client->loop, &process, &server->process, &error),
                     SL_OK);
    snprintf(capture_path, sizeof capture_path, "/tmp/test_transport_%d.pcapng", (int)getpid());
    assert_int_equal(har_capture_open(capture_path, NULL, &server->capture, &error), SL_OK);
    struct har_ready_config ready = {
        .conn = config_of(server, HAR_TRANSPORT_H2),
        .method = SEND,
        .timeout_ns = 30 * SL_SECOND,
        .done = on_ready,
        .owner = server,
    };
    (void)har_ready_new(&server->client->loop, &ready);
    client_until(server->client, server->is_ready);
    struct har_conn_config config = config_of(server, transport);
    config.stream_window = stream_window;
    client_connect(server->client, &config);
    return server;
}

static void on_stopped(void *owner, struct har_process *process)
{
    struct server *server = owner;
    (void)process;
    server->is_ready = false;
}

static void stop(struct server *server)
{
    struct client *client = server->client;
    for (size_t i = 0; i < client->record_count; i++) {
        har_stream_free(client->records[i].stream);
        client->records[i].stream = NULL;
    }
    har_conn_free(client->conn);
    client->conn = NULL;
    har_process_stop(server->process, SL_SECOND, on_stopped, server);
    client_until(client, !server->is_ready);
    har_process_free(server->process);
    client_free(client);
    assert_int_equal(har_capture_close(server->capture, NULL), SL_OK);
    unlink(capture_path);
    sl_free(server);
}

static void send_chat(struct record *record, const char *id, const char *room, const char *text)
{
    uint8_t bytes[512];
    Chat__V1__ChatMessage message;
    char room_copy[64];
    char text_copy[256];
    char id_copy[16];
    chat__v1__chat_message__init(&message);
    snprintf(id_copy, sizeof id_copy, "%s", id);
    snprintf(room_copy, sizeof room_copy, "%s", room);
    snprintf(text_copy, sizeof text_copy, "%s", text);
    message.room_id = room_copy;
    message.text = text_copy;
    message.message_id = id_copy;
    size_t len = chat__v1__chat_message__pack(&message, bytes);
    assert_int_equal(har_stream_send(record->stream, sl_span(bytes, len)), SL_OK);
}

static struct record *publish(struct server *server, const char *room, const char *text)
{
    struct client *client = server->client;
    if (client->record_count == CLIENT_STREAMS_MAX) {
        client->record_count--; /* the last one is used over and over */
        har_stream_free(client->records[client->record_count].stream);
        client->records[client->record_count] = (struct record){0};
    }
    struct record *record = client_open(client, SEND, false);
    send_chat(record, "", room, text);
    har_stream_half_close(record->stream);
    client_until(client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(record->messages, 1);
    return record;
}

static struct record *subscribe(struct server *server, const char *room, bool is_manual)
{
    uint8_t bytes[128];
    char room_copy[64];
    Chat__V1__RoomSubscription subscription;
    chat__v1__room_subscription__init(&subscription);
    snprintf(room_copy, sizeof room_copy, "%s", room);
    subscription.room_id = room_copy;
    subscription.max_rate_hz = 1000000;
    size_t len = chat__v1__room_subscription__pack(&subscription, bytes);
    struct record *record = client_open(server->client, SUBSCRIBE, is_manual);
    assert_int_equal(har_stream_send(record->stream, sl_span(bytes, len)), SL_OK);
    har_stream_half_close(record->stream);
    return record;
}

/* Publishes probes until the subscriber has had one: not every server says when it is registered. */
static void make_sure(struct server *server, struct record *record, const char *room)
{
    while (record->messages == 0) {
        publish(server, room, "probe");
        client_settle(server->client);
    }
}

static void messages_reach_a_subscriber(void **state)
{
    const struct setup *setup = *state;
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    struct record *record = subscribe(server, "a", false);
    make_sure(server, record, "a");
    size_t before = record->messages;
    for (size_t i = 0; i < 50; i++) {
        publish(server, "a", "text");
    }
    client_until(server->client, record->messages == before + 50);
    assert_int_equal(record->ends, 0);
    har_stream_cancel(record->stream, SL_H2_CANCEL);
    publish(server, "a", "after the cancel");
    assert_int_equal(server->client->findings, 0);
    stop(server);
}

static void a_chat_is_acknowledged_to_the_half_close(void **state)
{
    const struct setup *setup = *state;
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    struct record *record = client_open(server->client, CHAT, false);
    for (size_t i = 0; i < 500; i++) {
        send_chat(record, "id", "a", "text");
    }
    har_stream_half_close(record->stream);
    client_until(server->client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_OK);
    assert_int_equal(record->messages, 500);
    stop(server);
}

static void a_deadline_ends_a_call(void **state)
{
    const struct setup *setup = *state;
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    uint64_t start_ns = sl_clock_mono_ns();
    struct record *record = client_open_timed(server->client, CHAT, 200 * SL_MS);
    client_until(server->client, record->ends == 1);
    /* Some servers reset the stream before their status is out. */
    assert_true(record->code == SL_GRPC_DEADLINE_EXCEEDED || record->code == SL_GRPC_CANCELLED);
    assert_true(sl_clock_mono_ns() - start_ns >= 199 * SL_MS);
    stop(server);
}

static void an_unknown_method_is_unimplemented(void **state)
{
    const struct setup *setup = *state;
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    struct record *record = client_call(server->client, "/chat.v1.ChatService/Nothing", "");
    client_until(server->client, record->ends == 1);
    assert_int_equal(record->code, SL_GRPC_UNIMPLEMENTED);
    stop(server);
}

static void death_of_the_server_ends_everything(void **state)
{
    const struct setup *setup = *state;
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    struct record *record = subscribe(server, "a", false);
    make_sure(server, record, "a");
    assert_int_equal(har_process_signal(server->process, SIGKILL), SL_OK);
    client_until(server->client, server->client->ended == 1);
    assert_int_equal(record->ends, 1);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    client_until(server->client, har_process_has_exited(server->process));
    stop(server);
}

/* scenarios.md 0: two-step credit, 200 of 200, no stray byte; and the sibling on the same connection
 * is not delayed. */
static void message_credit_is_exact_on_a_real_server(void **state)
{
    (void)state;
    struct server *server = start(HAR_TRANSPORT_H2, 0);
    struct client *client = server->client;
    struct record *live = subscribe(server, "a", false);
    struct record *held = subscribe(server, "a", true);
    make_sure(server, live, "a");
    assert_int_equal(har_stream_credit_messages(held->stream, 1), SL_OK);
    while (held->messages == 0) {
        publish(server, "a", "probe");
        client_settle(client);
    }
    size_t held_before = held->messages;
    for (size_t i = 1; i <= 200; i++) {
        char text[256];
        size_t live_before = live->messages;
        snprintf(text, sizeof text, "%.*s", (int)(i % 200),
                 "................................"
                 "................................");
        publish(server, "a", text[0] == '\0' ? "x" : text);
        client_until(client, live->messages > live_before);
        assert_int_equal(har_stream_credit_messages(held->stream, 1), SL_OK);
        client_until(client, held->messages == held_before + i);
        assert_int_equal(sl_observer_window(har_conn_observer(client->conn), SL_DIR_RESPONSE,
                                            har_stream_id(held->stream)),
                         0);
        assert_int_equal(held->prefixes, held->messages);
    }
    assert_int_equal(client->findings, 0);
    stop(server);
}

/* What a command prints, its first line. */
static void run_line(const char *command, char *line, size_t size)
{
    FILE *out = popen(command, "r");
    assert_non_null(out);
    line[0] = '\0';
    (void)fgets(line, (int)size, out);
    pclose(out);
}

static void the_capture_reads_in_tshark(void **state)
{
    const struct setup *setup = *state;
    char command[512];
    char line[256];
    if (system("command -v tshark >/dev/null 2>&1") != 0) {
        skip();
    }
    struct server *server = start(setup->transport, SL_H2_DEFAULT_WINDOW);
    unsigned port = har_process_port(server->process);
    struct record *chat = client_open(server->client, CHAT, false);
    for (size_t i = 0; i < 300; i++) {
        send_chat(chat, "id", "a", "text");
    }
    har_stream_half_close(chat->stream);
    client_until(server->client, chat->ends == 1);
    assert_int_equal(chat->messages, 300);
    har_capture_flush(server->capture);

    snprintf(command, sizeof command,
             "tshark -r %s -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -d "
             "tcp.port==%u,http2 -Y '_ws.malformed || tcp.checksum.status==0 || "
             "ip.checksum.status==0 || tcp.analysis.flags' 2>/dev/null | wc -l",
             capture_path, port);
    run_line(command, line, sizeof line);
    assert_string_equal(line, "0\n");
    /* 300 messages each way, and the empty one of the readiness call with its reply. */
    snprintf(command, sizeof command,
             "tshark -r %s -d tcp.port==%u,http2 -Y grpc -T fields -E occurrence=a -e "
             "grpc.message_length 2>/dev/null | tr ',' '\\n' | wc -l",
             capture_path, port);
    run_line(command, line, sizeof line);
    assert_string_equal(line, "602\n");
    stop(server);
}

#define ON_BOTH(test)                                \
    {"h2: " #test, (test), NULL, NULL, &on_h2},      \
    {                                                \
        "grpc: " #test, (test), NULL, NULL, &on_grpc \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(messages_reach_a_subscriber),
        ON_BOTH(a_chat_is_acknowledged_to_the_half_close),
        ON_BOTH(a_deadline_ends_a_call),
        ON_BOTH(an_unknown_method_is_unimplemented),
        ON_BOTH(death_of_the_server_ends_everything),
        cmocka_unit_test(message_credit_is_exact_on_a_real_server),
        ON_BOTH(the_capture_reads_in_tshark),
    };
    return cmocka_run_group_tests_name("transport_server", tests, NULL, NULL);
}
