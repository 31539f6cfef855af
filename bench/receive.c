/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads subscriptions to their end by the h2 transport and checks every message as the harness does: decoded,
 * its stamp read, in order, none twice, none lost.
 *
 *     bench_receive PORT MESSAGES [STREAMS]      exit 0 when all came, so many on each stream (of one connection)
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/engine/chat.h"
#include "harness/transport/transport.h"

enum {
    WINDOW = 16 * 1024 * 1024,
    STREAMS_MAX = 1000,
};

struct subscription {
    struct reader *reader;
    struct har_stream *stream;
    uint64_t received;
};

struct reader {
    uv_loop_t loop;
    struct har_conn *conn;
    uint64_t received, wrong, failed;
    unsigned streams, ended;
    struct subscription subscriptions[STREAMS_MAX];
};

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct subscription *subscription = owner;
    struct har_message message;
    struct har_stamp stamp;
    (void)stream;
    (void)now_ns;
    bool is_right = har_message_read(payload, &message) == SL_OK &&
                    har_stamp_read(message.text, &stamp) &&
                    stamp.sequence == subscription->received;
    subscription->reader->wrong += !is_right;
    subscription->received++;
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct subscription *subscription = owner;
    struct reader *reader = subscription->reader;
    (void)stream;
    reader->failed += result->code != 0;
    reader->received += subscription->received;
    reader->ended++;
    if (reader->ended == reader->streams) {
        uv_stop(&reader->loop);
    }
}

static const struct har_stream_handler handler = {.message = on_message, .end = on_end};
static const struct har_conn_handler conn_handler = {0};

static void subscribe(struct reader *reader, struct subscription *subscription)
{
    subscription->reader = reader;
    struct har_stream_config config = {
        .method = HAR_SUBSCRIBE_METHOD, .handler = &handler, .owner = subscription};
    subscription->stream = har_stream_new(reader->conn, &config);
    (void)har_stream_send(subscription->stream, sl_span_str(""));
    har_stream_half_close(subscription->stream);
}

int main(int argc, char **argv)
{
    static struct reader reader;
    uint64_t streams = argc == 4 ? strtoull(argv[3], NULL, 10) : 1;
    if (argc < 3 || argc > 4 || streams == 0 || streams > STREAMS_MAX) {
        (void)fprintf(stderr, "usage: bench_receive PORT MESSAGES [STREAMS]\n");
        return 2;
    }
    reader.streams = (unsigned)streams;
    (void)uv_loop_init(&reader.loop);
    struct har_conn_config config = har_conn_defaults();
    config.transport = HAR_TRANSPORT_H2;
    config.host = "127.0.0.1";
    config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    config.stream_window = WINDOW;
    config.handler = &conn_handler;
    reader.conn = har_conn_new(&reader.loop, &config);
    for (unsigned i = 0; i < reader.streams; i++) {
        subscribe(&reader, &reader.subscriptions[i]);
    }
    (void)uv_run(&reader.loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < reader.streams; i++) {
        har_stream_free(reader.subscriptions[i].stream);
    }
    har_conn_free(reader.conn);
    (void)uv_run(&reader.loop, UV_RUN_NOWAIT);
    (void)printf("%llu messages, %llu wrong, %llu failed\n", (unsigned long long)reader.received,
                 (unsigned long long)reader.wrong, (unsigned long long)reader.failed);
    return reader.wrong != 0 || reader.failed != 0 || reader.ended != reader.streams ||
           reader.received != strtoull(argv[2], NULL, 10) * streams;
}
