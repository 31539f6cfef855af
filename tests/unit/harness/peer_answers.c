/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "tests/unit/harness/peer_inside.h"

enum {
    PAD = 7,
};

static void send_block(struct peer_call *call, const struct sl_header *fields, size_t count,
                       uint8_t flags)
{
    struct sl_buf block;
    sl_buf_init(&block, 4096);
    if (sl_hpack_encode(call->conn->encoder, fields, count, &block) == SL_OK) {
        (void)sl_h2_write_frame(&call->conn->out, SL_H2_HEADERS, flags | SL_H2_FLAG_END_HEADERS,
                                call->stream, sl_buf_span(&block));
    }
    sl_buf_release(&block);
}

static struct sl_header field(const char *name, const char *value)
{
    return (struct sl_header){.name = sl_span_str(name), .value = sl_span_str(value)};
}

static void send_headers(struct peer_call *call)
{
    const struct sl_header fields[] = {
        field(":status", "200"),
        field("content-type", "application/grpc"),
        field("x-seen", "yes"),
    };
    if (!call->has_headers) {
        call->has_headers = true;
        send_block(call, fields, sizeof fields / sizeof fields[0], 0);
    }
}

static void end_call(struct peer_call *call)
{
    DL_DELETE(call->conn->calls, call);
    if (call->call != NULL) {
        call->call->user = NULL;
    }
    call->conn->peer->seen.open_now--;
    sl_buf_release(&call->out);
    sl_free(call);
}

static void send_trailers(struct peer_call *call)
{
    const struct sl_header fields[] = {
        field("grpc-status", "0"),
        field("x-trailer", "end"),
    };
    send_block(call, fields, sizeof fields / sizeof fields[0], SL_H2_FLAG_END_STREAM);
    end_call(call);
}

static void send_data(struct peer_call *call, struct sl_span bytes)
{
    struct peer_conn *conn = call->conn;
    if (!conn->peer->script.is_padding || bytes.len == 0) {
        (void)sl_h2_write_frame(&conn->out, SL_H2_DATA, 0, call->stream, bytes);
        return;
    }
    struct sl_buf padded;
    static const uint8_t zeros[PAD];
    sl_buf_init(&padded, 20000);
    (void)sl_buf_add_u8(&padded, PAD);
    (void)sl_buf_add_span(&padded, bytes);
    (void)sl_buf_add(&padded, zeros, sizeof zeros);
    (void)sl_h2_write_frame(&conn->out, SL_H2_DATA, SL_H2_FLAG_PADDED, call->stream,
                            sl_buf_span(&padded));
    sl_buf_release(&padded);
}

/* Sends what the windows allow, frame by frame. */
static void pump(struct peer_call *call)
{
    struct peer_conn *conn = call->conn;
    bool is_padding = conn->peer->script.is_padding;
    size_t max = conn->peer->script.max_data == 0 ? 16384 : conn->peer->script.max_data;
    while (call->out.len > 0) {
        peer_flush(conn);
        int64_t stream = sl_observer_window(conn->observer, SL_DIR_RESPONSE, call->stream);
        int64_t connection = sl_observer_window(conn->observer, SL_DIR_RESPONSE, 0);
        int64_t window = stream < connection ? stream : connection;
        bool can_pad = is_padding && window > PAD + 1;
        int64_t room = can_pad ? window - PAD - 1 : window;
        if (room <= 0) {
            return;
        }
        size_t len = call->out.len < (size_t)room ? call->out.len : (size_t)room;
        len = len < max ? len : max;
        conn->peer->script.is_padding = can_pad;
        send_data(call, sl_span_first(sl_buf_span(&call->out), len));
        conn->peer->script.is_padding = is_padding;
        sl_buf_consume(&call->out, len);
        peer_flush(conn);
        conn->peer->seen.stray +=
            sl_observer_window(conn->observer, SL_DIR_RESPONSE, call->stream) < 0 ? 1 : 0;
    }
    if (call->is_finishing) {
        send_trailers(call);
    }
}

void peer_pump(struct peer_conn *conn)
{
    struct peer_call *call = NULL;
    struct peer_call *next = NULL;
    DL_FOREACH_SAFE (conn->calls, call, next) {
        pump(call);
    }
    peer_flush(conn);
}

static void begin_burst(struct peer_call *call, struct sl_span payload)
{
    char text[64];
    char *end = NULL;
    snprintf(text, sizeof text, "%.*s", SL_SPAN_ARG(payload));
    size_t count = strtoul(text, &end, 10);
    size_t size = strtoul(end, NULL, 10);
    uint8_t *bytes = sl_alloc(size);
    for (size_t i = 0; i < count; i++) {
        memset(bytes, (int)i, size);
        (void)sl_message_write(&call->out, 0, sl_span(bytes, size));
    }
    sl_free(bytes);
    call->is_finishing = true;
}

static void on_message(void *owner, struct sl_call *seen, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct peer_call *call = seen->user;
    (void)owner;
    (void)at;
    if (dir != SL_DIR_REQUEST || call == NULL || !message->is_complete) {
        return;
    }
    if (strcmp(call->method, "/t/Echo") == 0) {
        send_headers(call);
        (void)sl_message_write(&call->out, 0, message->payload);
    } else if (strcmp(call->method, "/t/Burst") == 0) {
        send_headers(call);
        begin_burst(call, message->payload);
    }
}

static void copy_field(const struct sl_headers *headers, const char *name, char *out, size_t size)
{
    const struct sl_header *found = sl_headers_find(headers, name);
    snprintf(out, size, "%.*s", found == NULL ? 0 : (int)found->value.len,
             found == NULL ? "" : (const char *)found->value.data);
}

static void note_request(struct peer_seen *seen, const struct sl_headers *headers)
{
    copy_field(headers, ":path", seen->last_path, sizeof seen->last_path);
    copy_field(headers, "user-agent", seen->last_agent, sizeof seen->last_agent);
    copy_field(headers, "grpc-timeout", seen->last_timeout, sizeof seen->last_timeout);
    copy_field(headers, "te", seen->last_te, sizeof seen->last_te);
    copy_field(headers, "content-type", seen->last_type, sizeof seen->last_type);
    copy_field(headers, "x-extra", seen->last_extra, sizeof seen->last_extra);
    copy_field(headers, "x-extra-bin", seen->last_binary, sizeof seen->last_binary);
}

/* The methods whose answers are wrong; false for the others. */
static bool answer_wrongly(struct peer_call *call)
{
    struct peer_conn *conn = call->conn;
    const struct sl_header other = field("x-trailer", "end");
    const struct sl_header status = field("grpc-status", "0");
    const struct sl_header page[] = {field(":status", "200"), field("content-type", "text/html")};
    if (strcmp(call->method, "/t/NoStatus") == 0) {
        send_headers(call);
        send_block(call, &other, 1, SL_H2_FLAG_END_STREAM);
    } else if (strcmp(call->method, "/t/NoEnd") == 0) {
        send_headers(call);
        send_block(call, &status, 1, 0);
    } else if (strcmp(call->method, "/t/NoTrailers") == 0) {
        send_headers(call);
        (void)sl_h2_write_rst_stream(&conn->out, call->stream, SL_H2_NO_ERROR);
    } else if (strcmp(call->method, "/t/Long") == 0) {
        send_headers(call);
        send_data(call, sl_span("\0\x7f\0\0\0xy", 7));
        send_block(call, &status, 1, SL_H2_FLAG_END_STREAM);
    } else if (strcmp(call->method, "/t/Page") == 0) {
        send_block(call, page, 2, SL_H2_FLAG_END_STREAM);
    } else {
        return false;
    }
    end_call(call);
    return true;
}

static void answer_at_once(struct peer_call *call)
{
    struct peer_conn *conn = call->conn;
    if (answer_wrongly(call)) {
        return;
    }
    if (strcmp(call->method, "/t/Quiet") == 0) {
        send_headers(call);
    } else if (strcmp(call->method, "/t/Fail") == 0) {
        const struct sl_header fields[] = {
            field(":status", "200"),
            field("content-type", "application/grpc"),
            field("grpc-status", "7"),
            field("grpc-message", "no way: 100%25"),
        };
        send_block(call, fields, sizeof fields / sizeof fields[0], SL_H2_FLAG_END_STREAM);
        end_call(call);
    } else if (strcmp(call->method, "/t/Reset") == 0) {
        (void)sl_h2_write_rst_stream(&conn->out, call->stream, SL_H2_REFUSED_STREAM);
        end_call(call);
    } else if (strcmp(call->method, "/t/Die") == 0) {
        const struct sl_h2_frame_header header = {
            .length = 100, .type = SL_H2_DATA, .stream = call->stream};
        send_headers(call);
        (void)sl_h2_write_header(&conn->out, &header);
        (void)sl_buf_add_str(&conn->out, "half");
        peer_flush(conn);
        conn->is_dying = true;
    } else if (strcmp(call->method, "/t/Goaway") == 0) {
        (void)sl_h2_write_goaway(&conn->out, call->stream, SL_H2_NO_ERROR, sl_span(NULL, 0));
        send_headers(call);
        send_trailers(call);
    }
}

static void on_headers(void *owner, struct sl_call *seen, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct peer_conn *conn = owner;
    struct peer *peer = conn->peer;
    (void)at;
    if (block != SL_BLOCK_REQUEST) {
        return;
    }
    struct peer_call *call = sl_alloc(sizeof *call);
    call->conn = conn;
    call->call = seen;
    call->stream = seen->stream;
    sl_buf_init(&call->out, OUTPUT_MAX);
    copy_field(headers, ":path", call->method, sizeof call->method);
    seen->user = call;
    DL_APPEND(conn->calls, call);
    note_request(&peer->seen, headers);
    peer->seen.calls++;
    peer->seen.open_now++;
    if (peer->seen.open_now > peer->seen.most_open) {
        peer->seen.most_open = peer->seen.open_now;
    }
}

static void on_call_end(void *owner, struct sl_call *seen)
{
    struct peer_call *call = seen->user;
    (void)owner;
    if (call != NULL) {
        call->call = NULL;
        end_call(call);
    }
}

static void on_request_end(struct peer_call *call)
{
    if (strcmp(call->method, "/t/Echo") == 0) {
        send_headers(call);
        call->is_finishing = true;
    }
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct peer_conn *conn = owner;
    struct peer_seen *seen = &conn->peer->seen;
    bool is_ack = (event->header.flags & SL_H2_FLAG_ACK) != 0;
    struct peer_call *call = event->call == NULL ? NULL : event->call->user;
    if (event->dir != SL_DIR_REQUEST) {
        return;
    }
    if (event->header.type == SL_H2_SETTINGS && !is_ack) {
        (void)sl_h2_write_settings_ack(&conn->out);
    } else if (event->header.type == SL_H2_PING && !is_ack) {
        seen->pings++;
        if (conn->peer->script.is_deaf_to_pings) {
            return;
        }
        (void)sl_buf_add(&conn->out, "\0\0\10\6\1\0\0\0\0", SL_H2_FRAME_HEADER_SIZE);
        (void)sl_buf_add_span(&conn->out, event->payload);
    } else if (event->header.type == SL_H2_PING) {
        seen->ping_acks++;
    } else if (event->header.type == SL_H2_GOAWAY) {
        seen->goaways++;
    } else if (event->header.type == SL_H2_CONTINUATION) {
        seen->continuations++;
    } else if (event->header.type == SL_H2_RST_STREAM && event->payload.len == 4) {
        seen->resets++;
        seen->last_reset = event->payload.data[3];
    } else if (event->header.type == SL_H2_DATA && event->header.length > 0) {
        uint32_t credit = event->header.length;
        if (conn->peer->script.is_generous && !conn->has_been_generous) {
            credit += SL_H2_MAX_WINDOW - SL_H2_DEFAULT_WINDOW;
            conn->has_been_generous = true;
        }
        (void)sl_h2_write_window_update(&conn->out, 0, credit);
        if (call != NULL) {
            (void)sl_h2_write_window_update(&conn->out, call->stream, event->header.length);
        }
    }
    bool has_end_stream =
        event->header.type <= SL_H2_HEADERS && (event->header.flags & SL_H2_FLAG_END_STREAM) != 0;
    if (has_end_stream && call != NULL) {
        on_request_end(call);
    }
}

const struct sl_observer_handler peer_observer = {
    .headers = on_headers,
    .message = on_message,
    .call_end = on_call_end,
    .frame = on_frame,
};

void peer_answer(struct peer_conn *conn)
{
    struct peer_call *call = NULL;
    struct peer_call *next = NULL;
    DL_FOREACH_SAFE (conn->calls, call, next) {
        if (!call->has_headers) {
            answer_at_once(call);
        }
    }
}

void peer_forget_calls(struct peer_conn *conn)
{
    while (conn->calls != NULL) {
        end_call(conn->calls);
    }
}
