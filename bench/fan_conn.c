/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fan_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/wire/h2_frame.h"

enum {
    READ_BYTES = 1024 * 1024,
    OUT_MAX = 64 * 1024 * 1024,
    SOCKET_BUFFER = 4 * 1024 * 1024,
    TOP_UP_BYTES = 1 << 30, /* consumed before a window is opened again */
    PREFIX_SIZE = 5,
    HEADERS_COUNT = 7,
    TABLE_SIZE = 4096,
};

void fan_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("bench_fanout: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    int size = SOCKET_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fan_fail("socket: %s", strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        fan_fail("connect to port %u: %s", port, strerror(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

void fan_conn_open(struct fan_conn *conn, uint16_t port)
{
    const struct sl_h2_setting_pair settings[] = {
        {SL_H2_SETTINGS_ENABLE_PUSH, 0},
        {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, SL_H2_MAX_WINDOW},
    };
    conn->fd = connect_to(port);
    conn->in = sl_alloc(READ_BYTES);
    sl_buf_init(&conn->out, OUT_MAX);
    sl_buf_init(&conn->block, FAN_MESSAGE_MAX);
    sl_buf_init(&conn->piece, FAN_MESSAGE_MAX);
    if (nghttp2_hd_deflate_new(&conn->deflater, TABLE_SIZE) != 0) {
        fan_fail("no memory");
    }
    (void)sl_buf_add(&conn->out, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    (void)sl_h2_write_settings(&conn->out, settings, 2);
    (void)sl_h2_write_window_update(&conn->out, 0, SL_H2_MAX_WINDOW - SL_H2_DEFAULT_WINDOW);
}

void fan_conn_close(struct fan_conn *conn)
{
    (void)close(conn->fd);
    sl_buf_release(&conn->piece);
    sl_free(conn->streams);
    sl_free(conn->in);
    sl_buf_release(&conn->out);
    sl_buf_release(&conn->block);
    nghttp2_hd_deflate_del(conn->deflater);
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

/* What a gRPC client sends. The second block of a path has every field from the table, and so do all that follow. */
static void make_block(struct fan_conn *conn, const char *path)
{
    if (conn->is_block_stable && conn->block_path == path) {
        return;
    }
    nghttp2_nv fields[HEADERS_COUNT] = {
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", path),
        field(":authority", "127.0.0.1"),
        field("te", "trailers"),
        field("content-type", "application/grpc"),
        field("user-agent", "sluice-bench"),
    };
    sl_buf_clear(&conn->block);
    size_t room = nghttp2_hd_deflate_bound(conn->deflater, fields, HEADERS_COUNT);
    uint8_t *to = sl_buf_reserve(&conn->block, room);
    ssize_t len =
        to == NULL ? -1 : nghttp2_hd_deflate_hd(conn->deflater, to, room, fields, HEADERS_COUNT);
    if (len < 0) {
        fan_fail("the header block cannot be made");
    }
    sl_buf_commit(&conn->block, (size_t)len);
    conn->is_block_stable = conn->block_path == path;
    conn->block_path = path;
}

static uint32_t add_stream(struct fan_conn *conn)
{
    uint32_t index = conn->stream_count;
    if (index == FAN_STREAMS_MAX) {
        fan_fail("too many streams on one connection");
    }
    if (index == conn->streams_capacity) {
        conn->streams_capacity = index == 0 ? 64 : 2 * index;
        conn->streams = sl_realloc(conn->streams, conn->streams_capacity * sizeof(*conn->streams));
    }
    conn->streams[index] = (struct fan_stream){.is_open = true};
    conn->stream_count++;
    return index;
}

uint32_t fan_conn_call(struct fan_conn *conn, const char *path, struct sl_span message)
{
    uint32_t index = add_stream(conn);
    uint32_t id = 2 * index + 1;
    make_block(conn, path);
    (void)sl_h2_write_frame(&conn->out, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, id,
                            sl_buf_span(&conn->block));
    const struct sl_h2_frame_header data = {.length = PREFIX_SIZE + (uint32_t)message.len,
                                            .type = SL_H2_DATA,
                                            .flags = SL_H2_FLAG_END_STREAM,
                                            .stream = id};
    (void)sl_h2_write_header(&conn->out, &data);
    (void)sl_buf_add_u8(&conn->out, 0);
    (void)sl_buf_add_be32(&conn->out, (uint32_t)message.len);
    (void)sl_buf_add_span(&conn->out, message);
    return index;
}

void fan_conn_ping(struct fan_conn *conn)
{
    (void)sl_h2_write_ping(&conn->out, false, 1);
}

bool fan_conn_flush(struct fan_conn *conn)
{
    while (conn->out.len > 0) {
        ssize_t sent = send(conn->fd, conn->out.data, conn->out.len, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                fan_fail("send: %s", strerror(errno));
            }
            return false;
        }
        sl_buf_consume(&conn->out, (size_t)sent);
    }
    return true;
}

/* The next bytes of a message whose prefix has been read; returns how many were taken. */
static size_t take_payload(struct fan_conn *conn, uint32_t index, struct sl_span data)
{
    struct fan_stream *stream = &conn->streams[index];
    struct sl_span taken = sl_span_first(data, stream->left);
    bool is_shown = index == 0 && conn->on_message != NULL;
    stream->left -= (uint32_t)taken.len;
    if (is_shown && (stream->left > 0 || conn->piece.len > 0)) {
        (void)sl_buf_add_span(&conn->piece, taken);
    }
    if (stream->left == 0) {
        stream->prefix_len = 0;
        stream->messages++;
        conn->messages++;
        if (is_shown) {
            conn->on_message(conn, conn->piece.len > 0 ? sl_buf_span(&conn->piece) : taken);
            sl_buf_clear(&conn->piece);
        }
    }
    return taken.len;
}

static void take_data(struct fan_conn *conn, uint32_t index, struct sl_span data)
{
    while (data.len > 0) {
        struct fan_stream *stream = &conn->streams[index];
        if (stream->prefix_len < PREFIX_SIZE) {
            struct sl_span taken = sl_span_first(data, (size_t)PREFIX_SIZE - stream->prefix_len);
            memcpy(stream->prefix + stream->prefix_len, taken.data, taken.len);
            stream->prefix_len = (uint8_t)(stream->prefix_len + taken.len);
            data = sl_span_from(data, taken.len);
            if (stream->prefix_len < PREFIX_SIZE) {
                return;
            }
            const uint8_t *prefix = stream->prefix;
            stream->left = (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 |
                           (uint32_t)prefix[3] << 8 | prefix[4];
            if (stream->left > FAN_MESSAGE_MAX) {
                fan_fail("a message of %u bytes", stream->left);
            }
        }
        data = sl_span_from(data, take_payload(conn, index, data));
    }
}

static void top_up(struct fan_conn *conn, uint32_t id, uint64_t *consumed, uint32_t len)
{
    *consumed += len;
    if (*consumed >= TOP_UP_BYTES) {
        (void)sl_h2_write_window_update(&conn->out, id, (uint32_t)*consumed);
        *consumed = 0;
    }
}

static void take_stream_frame(struct fan_conn *conn, const struct sl_h2_frame_header *header,
                              struct sl_span payload)
{
    uint32_t index = (header->stream - 1) / 2;
    if (header->stream % 2 == 0 || index >= conn->stream_count) {
        fan_fail("a frame on stream %u, which was never opened", header->stream);
    }
    if (header->type == SL_H2_DATA) {
        struct sl_span content = payload;
        if (sl_h2_frame_content(header, payload, &content) != SL_OK) {
            fan_fail("a malformed DATA frame");
        }
        top_up(conn, 0, &conn->consumed, header->length);
        top_up(conn, header->stream, &conn->streams[index].consumed, header->length);
        take_data(conn, index, content);
    }
    bool has_ended = header->type == SL_H2_RST_STREAM ||
                     ((header->type == SL_H2_DATA || header->type == SL_H2_HEADERS) &&
                      (header->flags & SL_H2_FLAG_END_STREAM) != 0);
    if (has_ended && conn->streams[index].is_open) {
        conn->streams[index].is_open = false;
        conn->on_end(conn, index);
    }
}

static void take_frame(struct fan_conn *conn, const struct sl_h2_frame_header *header,
                       struct sl_span payload)
{
    bool is_ack = (header->flags & SL_H2_FLAG_ACK) != 0;
    if (header->type == SL_H2_PING) {
        if (is_ack) {
            conn->pongs++;
        } else {
            (void)sl_h2_write_frame(&conn->out, SL_H2_PING, SL_H2_FLAG_ACK, 0, payload);
        }
    } else if (header->type == SL_H2_SETTINGS && !is_ack) {
        (void)sl_h2_write_settings_ack(&conn->out);
    } else if (header->type == SL_H2_GOAWAY) {
        fan_fail("the server sent GOAWAY: %.*s", SL_SPAN_ARG(sl_span_from(payload, 8)));
    } else if (header->stream != 0) {
        take_stream_frame(conn, header, payload);
    }
}

void fan_conn_read(struct fan_conn *conn, uint64_t now_ns)
{
    ssize_t got = recv(conn->fd, conn->in + conn->in_len, READ_BYTES - conn->in_len, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        fan_fail("the server closed a connection: %s", got == 0 ? "end of file" : strerror(errno));
    }
    conn->in_len += (size_t)got;
    conn->read_ns = now_ns;
    struct sl_span rest = sl_span(conn->in, conn->in_len);
    struct sl_h2_frame_header header;
    while (sl_h2_frame_header_read(rest, &header) == SL_OK) {
        size_t size = SL_H2_FRAME_HEADER_SIZE + (size_t)header.length;
        if (header.length > SL_H2_DEFAULT_MAX_FRAME) {
            fan_fail("a frame of %u bytes", header.length);
        }
        if (rest.len < size) {
            break;
        }
        take_frame(conn, &header, sl_span(rest.data + SL_H2_FRAME_HEADER_SIZE, header.length));
        rest = sl_span_from(rest, size);
    }
    if (rest.len > 0) {
        memmove(conn->in, rest.data, rest.len);
    }
    conn->in_len = rest.len;
}
