/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one subscription to its end by the h2 transport and checks every message as the harness does: decoded,
 * its stamp read, in order, none twice, none lost.
 *
 *     bench_receive PORT MESSAGES      exit 0 when all came
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/engine/chat.h"
#include "harness/transport/transport.h"

enum {
    WINDOW = 16 * 1024 * 1024,
};

struct reader {
    uv_loop_t loop;
    struct har_conn *conn;
    struct har_stream *stream;
    uint64_t received, wrong;
    uint32_t code;
    bool has_ended;
};

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct reader *reader = owner;
    struct har_message message;
    struct har_stamp stamp;
    (void)stream;
    (void)now_ns;
    bool is_right = har_message_read(payload, &message) == SL_OK &&
                    har_stamp_read(message.text, &stamp) && stamp.sequence == reader->received;
    reader->wrong += !is_right;
    reader->received++;
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct reader *reader = owner;
    (void)stream;
    reader->code = result->code;
    reader->has_ended = true;
    uv_stop(&reader->loop);
}

static const struct har_stream_handler handler = {.message = on_message, .end = on_end};
static const struct har_conn_handler conn_handler = {0};

int main(int argc, char **argv)
{
    struct reader reader = {0};
    if (argc != 3) {
        (void)fprintf(stderr, "usage: bench_receive PORT MESSAGES\n");
        return 2;
    }
    (void)uv_loop_init(&reader.loop);
    struct har_conn_config config = har_conn_defaults();
    config.transport = HAR_TRANSPORT_H2;
    config.host = "127.0.0.1";
    config.port = (uint16_t)strtoul(argv[1], NULL, 10);
    config.stream_window = WINDOW;
    config.handler = &conn_handler;
    reader.conn = har_conn_new(&reader.loop, &config);
    struct har_stream_config stream = {
        .method = HAR_SUBSCRIBE_METHOD, .handler = &handler, .owner = &reader};
    reader.stream = har_stream_new(reader.conn, &stream);
    (void)har_stream_send(reader.stream, sl_span_str(""));
    har_stream_half_close(reader.stream);
    (void)uv_run(&reader.loop, UV_RUN_DEFAULT);
    har_stream_free(reader.stream);
    har_conn_free(reader.conn);
    (void)uv_run(&reader.loop, UV_RUN_NOWAIT);
    (void)printf("%llu messages, %llu wrong, status %u\n", (unsigned long long)reader.received,
                 (unsigned long long)reader.wrong, reader.code);
    return reader.wrong != 0 || reader.code != 0 || !reader.has_ended ||
           reader.received != strtoull(argv[2], NULL, 10);
}
