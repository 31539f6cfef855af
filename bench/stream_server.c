/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that costs as little as it can, so that the client is what is measured: on nghttp2, one thread.
 *
 *     bench_stream_server PORT MESSAGES [TEXT_BYTES]
 *
 * SubscribeToRoom streams so many ChatMessages, each in a DATA frame of its own and stamped with its number, then
 * ends with OK. Their text is the stamp, and spaces up to TEXT_BYTES. Every other method is answered with accepted=true. It never looks at a request's bytes.
 */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "harness/engine/chat.h"
#include "lib/base/alloc.h"

enum {
    FLUSH_BYTES = 64 * 1024, /* gathered into one write */
    READ_BYTES = 64 * 1024,
    TEXT_MAX = 4096,
    MESSAGE_BYTES = TEXT_MAX + 256,
    STREAMS_MAX = 100000,
};

static uint32_t messages_per_stream;
static size_t text_bytes;

struct stream {
    uint32_t sent;
    bool is_subscription;
    uint8_t unsent[MESSAGE_BYTES];
    size_t unsent_len, unsent_at;
};

struct connection {
    uv_tcp_t tcp;
    nghttp2_session *session;
    uint8_t in[READ_BYTES];
    bool is_writing, is_closing;
};

struct write {
    uv_write_t request;
    struct connection *connection;
    struct sl_buf bytes;
};

static void flush(struct connection *connection);

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    nghttp2_session_del(connection->session);
    sl_free(connection);
}

static void drop(struct connection *connection)
{
    if (!connection->is_closing) {
        connection->is_closing = true;
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    struct connection *connection = write->connection;
    sl_buf_release(&write->bytes);
    sl_free(write);
    connection->is_writing = false;
    if (status != 0) {
        drop(connection);
    } else if (!connection->is_closing) {
        flush(connection);
    }
}

static void flush(struct connection *connection)
{
    if (connection->is_writing || connection->is_closing) {
        return;
    }
    struct write *write = sl_alloc(sizeof(*write));
    sl_buf_init(&write->bytes, 2 * FLUSH_BYTES);
    write->connection = connection;
    while (write->bytes.len < FLUSH_BYTES) {
        const uint8_t *data = NULL;
        ssize_t len = nghttp2_session_mem_send(connection->session, &data);
        if (len <= 0) {
            break;
        }
        (void)sl_buf_add(&write->bytes, data, (size_t)len);
    }
    if (write->bytes.len == 0) {
        sl_buf_release(&write->bytes);
        sl_free(write);
        return;
    }
    connection->is_writing = true;
    uv_buf_t buf = uv_buf_init((char *)write->bytes.data, (unsigned)write->bytes.len);
    (void)uv_write(&write->request, (uv_stream_t *)&connection->tcp, &buf, 1, on_written);
}

/* The next message with its prefix. */
static void make_message(struct stream *stream)
{
    struct sl_buf text;
    struct sl_buf payload;
    sl_buf_init(&text, MESSAGE_BYTES);
    sl_buf_init(&payload, MESSAGE_BYTES);
    if (stream->is_subscription) {
        struct har_stamp stamp = {.run = 1, .publisher = 1, .sequence = stream->sent};
        har_stamp_write(&text, &stamp);
        while (text.len < text_bytes) {
            (void)sl_buf_add_u8(&text, ' ');
        }
        struct har_message message = {.message_id = sl_span_str("m"),
                                      .room_id = sl_span_str("bench"),
                                      .user_id = sl_span_str("u"),
                                      .text = sl_buf_span(&text)};
        har_message_write(&payload, &message);
    } else {
        (void)sl_buf_add(&payload, "\x10\x01", 2); /* ActionResponse: accepted */
    }
    memset(stream->unsent, 0, 3);
    stream->unsent[3] = (uint8_t)(payload.len >> 8);
    stream->unsent[4] = (uint8_t)payload.len;
    memcpy(stream->unsent + 5, payload.data, payload.len);
    stream->unsent_len = 5 + payload.len;
    stream->unsent_at = 0;
    stream->sent++;
    sl_buf_release(&text);
    sl_buf_release(&payload);
}

static ssize_t on_data(nghttp2_session *session, int32_t id, uint8_t *out, size_t len,
                       uint32_t *flags, nghttp2_data_source *source, void *owner)
{
    struct stream *stream = source->ptr;
    (void)owner;
    uint32_t total = stream->is_subscription ? messages_per_stream : 1;
    if (stream->unsent_at == stream->unsent_len && stream->sent < total) {
        make_message(stream);
    }
    size_t left = stream->unsent_len - stream->unsent_at;
    size_t take = left < len ? left : len;
    memcpy(out, stream->unsent + stream->unsent_at, take);
    stream->unsent_at += take;
    if (stream->unsent_at == stream->unsent_len && stream->sent == total) {
        static const char name[] = "grpc-status";
        nghttp2_nv trailer = {.name = (uint8_t *)(uintptr_t)name,
                              .value = (uint8_t *)(uintptr_t) "0",
                              .namelen = sizeof(name) - 1,
                              .valuelen = 1};
        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        (void)nghttp2_submit_trailer(session, id, &trailer, 1);
    }
    return (ssize_t)take;
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    (void)owner;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        struct stream *stream = sl_alloc(sizeof(*stream));
        (void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    }
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *owner)
{
    static const char subscribe[] = HAR_SUBSCRIBE_METHOD;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)owner;
    if (stream != NULL && sl_span_is(sl_span(name, name_len), ":path")) {
        stream->is_subscription = sl_span_is(sl_span(value, value_len), subscribe);
    }
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
    static const char type[] = "content-type";
    static const char grpc[] = "application/grpc";
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)owner;
    if (stream == NULL || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return 0;
    }
    nghttp2_nv headers[] = {
        {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "200", 7, 3, 0},
        {(uint8_t *)(uintptr_t)type, (uint8_t *)(uintptr_t)grpc, sizeof(type) - 1, sizeof(grpc) - 1,
         0},
    };
    nghttp2_data_provider data = {.source.ptr = stream, .read_callback = on_data};
    return nghttp2_submit_response(session, frame->hd.stream_id, headers, 2, &data);
}

static int on_stream_closed(nghttp2_session *session, int32_t id, uint32_t error, void *owner)
{
    (void)error;
    (void)owner;
    sl_free(nghttp2_session_get_stream_user_data(session, id));
    return 0;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
    struct connection *connection = handle->data;
    (void)size;
    *ret_buf = uv_buf_init((char *)connection->in, READ_BYTES);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf)
{
    struct connection *connection = tcp->data;
    if (len < 0 || nghttp2_session_mem_recv(connection->session, (const uint8_t *)buf->base,
                                            (size_t)len) < 0) {
        drop(connection);
        return;
    }
    flush(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *connection = sl_alloc(sizeof(*connection));
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX}};
    (void)uv_tcp_init(listener->loop, &connection->tcp);
    connection->tcp.data = connection;
    (void)nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    (void)nghttp2_session_server_new(&connection->session, callbacks, connection);
    nghttp2_session_callbacks_del(callbacks);
    (void)nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 1);
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0) {
        drop(connection);
        return;
    }
    (void)uv_tcp_nodelay(&connection->tcp, 1);
    (void)uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
    flush(connection);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    uv_loop_t loop;
    uv_tcp_t listener;
    if (argc < 3 || argc > 4) {
        (void)fprintf(stderr, "usage: bench_stream_server PORT MESSAGES [TEXT_BYTES]\n");
        return 2;
    }
    messages_per_stream = (uint32_t)strtoul(argv[2], NULL, 10);
    text_bytes = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    text_bytes = text_bytes > TEXT_MAX ? TEXT_MAX : text_bytes;
    (void)uv_loop_init(&loop);
    (void)uv_tcp_init(&loop, &listener);
    (void)uv_ip4_addr("127.0.0.1", (int)strtol(argv[1], NULL, 10), &address);
    (void)uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0);
    int status = uv_listen((uv_stream_t *)&listener, 512, on_connection);
    if (status != 0) {
        (void)fprintf(stderr, "bench_stream_server: %s\n", uv_strerror(status));
        return 2;
    }
    int len = sizeof(address);
    (void)uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &len);
    (void)printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
