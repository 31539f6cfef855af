/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-harness client HOST PORT TRANSPORT STREAMS ROOM [AUTHORITY]: for the harness's own use. A client that lives in a
 * process of its own, so that a scenario can kill or stop it: one connection with STREAMS subscriptions to ROOM,
 * read as fast as they come. It says on stdout, a line at each change: its local port, and how many subscriptions
 * have had headers, a message, and an end. It ends by a signal, and when its parent is gone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/cmd/cmd.h"
#include "harness/engine/chat.h"
#include "harness/target/child.h"
#include "lib/base/alloc.h"

enum {
    ARGUMENTS = 6,
    RATE_HZ = 100000,
};

struct client;
struct subscription {
    struct client *client;
    bool has_headers, has_message;
};
struct client {
    struct har_conn *conn;
    struct subscription *subscriptions;
    unsigned count, headers, messages, ended;
};

static void tell(const struct client *client)
{
    const char *local = har_conn_local(client->conn);
    const char *port = strrchr(local, ':');
    (void)printf("%s %u %u %u\n", port == NULL ? "0" : port + 1, client->headers, client->messages,
                 client->ended);
    (void)fflush(stdout);
}

static void on_headers(void *owner, struct har_stream *stream, const struct sl_headers *headers)
{
    struct subscription *subscription = owner;
    (void)stream;
    (void)headers;
    if (!subscription->has_headers) {
        subscription->has_headers = true;
        subscription->client->headers++;
        tell(subscription->client);
    }
}

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct subscription *subscription = owner;
    (void)stream;
    (void)payload;
    (void)now_ns;
    if (!subscription->has_message) {
        subscription->has_message = true;
        subscription->client->messages++;
        tell(subscription->client);
    }
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct subscription *subscription = owner;
    (void)stream;
    (void)result;
    subscription->client->ended++;
    tell(subscription->client);
}

static const struct har_stream_handler stream_handler = {
    .headers = on_headers, .message = on_message, .end = on_end};

static void open_streams(struct client *client, const char *room)
{
    struct sl_buf payload;
    sl_buf_init(&payload, 64 * 1024);
    const struct har_subscription wanted = {
        .room_id = sl_span_str(room),
        .max_rate_hz = RATE_HZ,
        .after_message_id = sl_span_str(""),
    };
    har_subscription_write(&payload, &wanted);
    for (unsigned i = 0; i < client->count; i++) {
        struct subscription *subscription = &client->subscriptions[i];
        subscription->client = client;
        struct har_stream_config config = {
            .method = HAR_SUBSCRIBE_METHOD, .handler = &stream_handler, .owner = subscription};
        struct har_stream *stream = har_stream_new(client->conn, &config);
        (void)har_stream_send(stream, sl_buf_span(&payload));
        har_stream_half_close(stream);
    }
    sl_buf_release(&payload);
}

int har_cmd_client(int argc, char **argv)
{
    static const struct har_conn_handler conn_handler = {0};
    if (argc != ARGUMENTS && argc != ARGUMENTS + 1) {
        (void)fprintf(stderr, "sluice-harness client: for the harness's own use\n");
        return 2;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    uv_loop_t loop;
    struct client client = {.count = (unsigned)strtoul(argv[4], NULL, 10)};
    struct har_conn_config config = har_conn_defaults();
    config.host = argv[1];
    config.port = (uint16_t)strtoul(argv[2], NULL, 10);
    config.transport = strcmp(argv[3], "grpc") == 0 ? HAR_TRANSPORT_GRPC : HAR_TRANSPORT_H2;
    config.authority = argc > ARGUMENTS ? argv[ARGUMENTS] : NULL;
    config.handler = &conn_handler;
    client.count = client.count > HAR_CHILD_STREAMS_MAX ? HAR_CHILD_STREAMS_MAX : client.count;
    client.subscriptions = sl_calloc(client.count + 1, sizeof(client.subscriptions[0]));
    (void)uv_loop_init(&loop);
    client.conn = har_conn_new(&loop, &config);
    open_streams(&client, argv[5]);
    for (;;) { /* until a signal: that is what it is for */
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        (void)pause();
    }
}
