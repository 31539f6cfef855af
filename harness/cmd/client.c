/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-harness client: for the harness's own use. A client that lives in a process of its own, so that a scenario can
 * kill or stop it: one connection with many subscriptions to one room, read as fast as they come. It says on stdout, a
 * line at each change: its local port, and how many subscriptions have had headers, a message, and an end. It ends by
 * a signal, and when its parent is gone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/target_options.h"
#include "harness/engine/chat.h"
#include "harness/target/child.h"
#include "harness/transport/tls.h"
#include "lib/base/alloc.h"
#include "lib/base/units.h"

enum {
    RATE_HZ = 100000,
};

struct options {
    struct har_run_options run; /* first: the shared setters write here */
    const char *room;
    enum har_transport transport;
    unsigned streams;
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

static const char program[] = "sluice-harness client";

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

static void open_streams(struct client *client, const struct options *options)
{
    struct sl_buf payload;
    sl_buf_init(&payload, 64 * 1024);
    const struct har_subscription wanted = {
        .room_id = sl_span_str(options->room),
        .max_rate_hz = RATE_HZ,
        .after_message_id = sl_span_str(""),
    };
    har_subscription_write(&payload, &wanted);
    for (unsigned i = 0; i < client->count; i++) {
        struct subscription *subscription = &client->subscriptions[i];
        subscription->client = client;
        struct har_stream_config config = {.method = HAR_SUBSCRIBE_METHOD,
                                           .metadata = options->run.metadata.fields,
                                           .metadata_count = options->run.metadata.count,
                                           .handler = &stream_handler,
                                           .owner = subscription};
        struct har_stream *stream = har_stream_new(client->conn, &config);
        (void)har_stream_send(stream, sl_buf_span(&payload));
        har_stream_half_close(stream);
    }
    sl_buf_release(&payload);
}

static enum sl_status set_room(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    (void)reterr;
    options->room = value;
    return SL_OK;
}

static enum sl_status set_transport(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    (void)reterr;
    options->transport = strcmp(value, "grpc") == 0 ? HAR_TRANSPORT_GRPC : HAR_TRANSPORT_H2;
    return SL_OK;
}

static enum sl_status set_streams(void *target, const char *value, struct sl_error *reterr)
{
    struct options *options = target;
    uint64_t streams = 0;
    if (sl_units_u64(sl_span_str(value), &streams) != SL_OK || streams > HAR_CHILD_STREAMS_MAX) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number up to %d", HAR_CHILD_STREAMS_MAX);
    }
    options->streams = (unsigned)streams;
    return SL_OK;
}

/* Until a signal: that is what it is for. */
static int hold(const struct options *options)
{
    static const struct har_conn_handler conn_handler = {0};
    const struct har_run_options *run = &options->run;
    struct har_tls_config files = {
        .ca_file = run->ca,
        .cert_file = run->cert,
        .key_file = run->key,
        .server_name = run->server_name,
    };
    struct har_tls *tls = NULL;
    struct sl_error error = {0};
    if (run->has_tls && har_tls_new(&files, &tls, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: %s\n", program, error.text);
        return 2;
    }
    uv_loop_t loop;
    struct client client = {.count = options->streams};
    struct har_conn_config config = har_conn_defaults();
    config.host = run->host;
    config.port = run->port;
    config.transport = options->transport;
    config.authority = run->authority;
    config.tls = tls;
    config.handler = &conn_handler;
    client.subscriptions = sl_calloc(client.count + 1, sizeof(client.subscriptions[0]));
    (void)uv_loop_init(&loop);
    client.conn = har_conn_new(&loop, &config);
    open_streams(&client, options);
    for (;;) {
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        (void)pause();
    }
}

int har_cmd_client(int argc, char **argv)
{
    static const struct sl_cli_option own[] = {
        {"room", 0, "ID", "what it subscribes to", set_room},
        {"transport", 0, "grpc|h2", "by the C core, or by HTTP/2 of our own", set_transport},
        {"streams", 0, "N", "subscriptions", set_streams},
    };
    enum { SHARED = HAR_TARGET_OPTIONS, OWN = sizeof(own) / sizeof(own[0]) };
    struct sl_cli_option list[SHARED + OWN];
    har_target_options_copy(list);
    memcpy(list + SHARED, own, sizeof(own));
    const struct sl_cli cli = {
        .program = program,
        .summary = "Holds subscriptions until it is killed: for the harness's own use.",
        .options = list,
        .option_count = SHARED + OWN,
    };
    struct options options = {.transport = HAR_TRANSPORT_H2, .room = ""};
    struct sl_cli_result result;
    int status = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sl_cli_start(&cli, argc, argv, &options, &result, &status)) {
        status = options.run.target == NULL ? 2 : hold(&options);
    }
    sl_headers_release(&options.run.metadata);
    return status;
}
