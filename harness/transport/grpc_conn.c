/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "harness/transport/grpc.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    OUTPUT_ENOUGH = 256 * 1024, /* the C core is not read while so much waits for the server */
    READ_SIZE = 64 * 1024,
    ARGS_MAX = 12,
};

/* What the socketpair did not take at once. */
struct relay_write {
    uv_write_t write;
    size_t len;
    uint8_t bytes[];
};

/* All relays of a thread read into one buffer, as the links do. */
static _Thread_local uint8_t relay_buffer[READ_SIZE];

/* --- the end --- */

static void on_pipe_closed(uv_handle_t *handle)
{
    struct grpc_conn *conn = handle->data;
    conn->has_pipe = false;
    har_conn_reap(&conn->base);
}

static void close_pipe(struct grpc_conn *conn)
{
    conn->is_pipe_open = false;
    if (conn->has_pipe && !uv_is_closing((uv_handle_t *)&conn->pipe)) {
        uv_close((uv_handle_t *)&conn->pipe, on_pipe_closed);
    }
}

static void close_channel(struct grpc_conn *conn)
{
    if (conn->channel != NULL) {
        grpc_channel_destroy(conn->channel);
        conn->channel = NULL;
    }
}

/* ended(), once every stream has had its end. */
static void on_late(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    if (!conn->is_ending || !har_conn_is_live(base)) {
        return;
    }
    for (struct har_stream *stream = conn->base.streams; stream != NULL; stream = stream->next) {
        if (!stream->is_ended) {
            return;
        }
    }
    close_pipe(conn);
    close_channel(conn);
    har_conn_deliver_ended(&conn->base, conn->end_how, conn->end_error.text);
}

/* Ends the streams that the C core knows nothing of. One a round, as each end() may free any. */
static void end_unstarted(struct grpc_conn *conn, const char *text)
{
    for (;;) {
        struct har_stream *stream = conn->base.streams;
        while (stream != NULL && (stream->is_ended || grpc_stream_of(stream)->call != NULL)) {
            stream = stream->next;
        }
        if (stream == NULL || !har_conn_is_live(&conn->base)) {
            return;
        }
        har_grpc_stream_forget(conn, grpc_stream_of(stream));
        har_stream_deliver_unavailable(stream, SL_FROM_CONNECTION_CLOSED, text);
    }
}

/* The connection is over: the C core learns it as the end of its socket, and gives each call its
 * status. */
static void begin_end(struct grpc_conn *conn, enum har_conn_end how, const char *text)
{
    if (conn->is_ending || !har_conn_is_live(&conn->base)) {
        return;
    }
    conn->is_ending = true;
    conn->end_how = how;
    sl_error_set(&conn->end_error, SL_CLOSED, "%s", text);
    end_unstarted(conn, conn->end_error.text);
    if (!conn->base.is_freed) {
        har_turn_defer(conn->base.turn, &conn->base.task);
    }
}

/* --- the relay --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)handle;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)relay_buffer, READ_SIZE);
}

static void read_pipe(struct grpc_conn *conn, bool is_wanted);

static void on_pipe_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct grpc_conn *conn = stream->data;
    if (count == 0 || !conn->is_pipe_open) {
        return;
    }
    if (count < 0) {
        conn->is_pipe_open = false;
        read_pipe(conn, false);
        if (har_conn_is_live(&conn->base)) {
            har_link_finish(conn->base.link);
            begin_end(conn, conn->base.has_goaway ? HAR_CONN_FIN : HAR_CONN_ERROR,
                      "the gRPC C core closed the connection");
        }
        return;
    }
    (void)sl_buf_add(har_link_out(conn->base.link), buf->base, (size_t)count);
    har_link_wake(conn->base.link);
    if (har_link_queued(conn->base.link) >= OUTPUT_ENOUGH) {
        read_pipe(conn, false);
    }
}

static void read_pipe(struct grpc_conn *conn, bool is_wanted)
{
    if (is_wanted && !conn->is_pipe_read) {
        uv_read_start((uv_stream_t *)&conn->pipe, on_alloc, on_pipe_read);
    } else if (!is_wanted && conn->is_pipe_read) {
        uv_read_stop((uv_stream_t *)&conn->pipe);
    }
    conn->is_pipe_read = is_wanted;
}

static void on_drained(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    if (conn->is_pipe_open) {
        read_pipe(conn, true);
    }
}

static void on_relayed(uv_write_t *write, int status)
{
    struct grpc_conn *conn = write->handle->data;
    (void)status; /* a broken pipe shows as the end of the reading side */
    sl_free(write);
    if (conn->is_pipe_open && conn->pipe.write_queue_size == 0) {
        har_conn_choke(&conn->base, false);
    }
}

static void on_received(struct har_conn *base, struct sl_span bytes, uint64_t now_ns)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    (void)now_ns;
    if (!conn->is_pipe_open) {
        return;
    }
    uv_buf_t piece = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
    int count = uv_try_write((uv_stream_t *)&conn->pipe, &piece, 1);
    if (count < 0 && count != UV_EAGAIN) {
        return;
    }
    struct sl_span left = sl_span_from(bytes, count > 0 ? (size_t)count : 0);
    if (left.len == 0) {
        return;
    }
    struct relay_write *write = sl_alloc(sizeof *write + left.len);
    write->len = left.len;
    memcpy(write->bytes, left.data, left.len);
    piece = uv_buf_init((char *)write->bytes, (unsigned)write->len);
    if (uv_write(&write->write, (uv_stream_t *)&conn->pipe, &piece, 1, on_relayed) != 0) {
        sl_free(write);
        return;
    }
    har_conn_choke(base, true);
}

/* --- the channel --- */

static grpc_arg text_arg(const char *key, const char *value)
{
    /* The C core copies; it only does not say so in its types. */
    return (grpc_arg){.type = GRPC_ARG_STRING,
                      .key = (char *)(uintptr_t)key,
                      .value.string = (char *)(uintptr_t)value};
}

static grpc_arg number_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static int to_ms(uint64_t ns)
{
    uint64_t ms = (ns + SL_MS - 1) / SL_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static grpc_channel *open_channel(const struct grpc_conn *conn, int fd)
{
    const struct har_conn_config *config = &conn->base.config;
    grpc_arg args[ARGS_MAX];
    size_t count = 0;
    args[count++] = text_arg(GRPC_ARG_DEFAULT_AUTHORITY, conn->base.authority);
    args[count++] = text_arg(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "sluice-harness/" SL_VERSION);
    args[count++] = text_arg(GRPC_ARG_HTTP2_SCHEME, har_conn_scheme(&conn->base));
    args[count++] = number_arg(GRPC_ARG_ENABLE_RETRIES, 0);
    args[count++] = number_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, HAR_MESSAGE_MAX);
    /* The window stays at 64 KiB: a stalled stream is felt by the server, not hidden in 4 MiB. */
    args[count++] = number_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    if (config->keepalive_time_ns > 0) {
        args[count++] = number_arg(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(config->keepalive_time_ns));
        args[count++] =
            number_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(config->keepalive_timeout_ns));
        args[count++] = number_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
        args[count++] = number_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    grpc_channel_args all = {.num_args = count, .args = args};
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create_from_fd(conn->base.authority, fd, plain, &all);
    grpc_channel_credentials_release(plain);
    return channel;
}

static void on_connected(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        char text[128];
        snprintf(text, sizeof text, "cannot make a socket pair: %s", strerror(errno));
        har_link_finish(base->link);
        begin_end(conn, HAR_CONN_ERROR, text);
        return;
    }
    conn->core = har_grpc_core_ref(base->loop);
    conn->channel = open_channel(conn, ends[0]);
    uv_pipe_init(base->loop, &conn->pipe, 0);
    conn->pipe.data = conn;
    conn->has_pipe = conn->is_pipe_open = true;
    uv_pipe_open(&conn->pipe, ends[1]);
    read_pipe(conn, true);
    har_link_wake(base->link);
}

static void on_turn(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    struct grpc_stream *stream = NULL;
    struct grpc_stream *next = NULL;
    if (conn->channel == NULL || !conn->is_ready || base->has_goaway) {
        return;
    }
    DL_FOREACH_SAFE2(conn->unseen, stream, next, next_unseen)
    {
        if (stream->is_starting) {
            har_grpc_stream_start(conn, stream);
        }
    }
}

/* --- life --- */

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    sl_free(shutdown);
}

static void on_link_closed(struct har_conn *base, enum har_conn_end how, const char *text)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    if (conn->is_pipe_open) {
        /* Behind what is still being relayed. */
        uv_shutdown_t *shutdown = sl_alloc(sizeof *shutdown);
        if (uv_shutdown(shutdown, (uv_stream_t *)&conn->pipe, on_shutdown) != 0) {
            sl_free(shutdown);
            close_pipe(conn);
        }
    }
    begin_end(conn, how, text);
}

static void forget_streams(struct grpc_conn *conn)
{
    for (struct har_stream *stream = conn->base.streams; stream != NULL; stream = stream->next) {
        har_grpc_stream_forget(conn, grpc_stream_of(stream));
    }
}

/* Moves what the C core has written into the output. */
static void drain_pipe(struct grpc_conn *conn)
{
    uv_os_fd_t fd = -1;
    struct sl_buf *out = har_link_out(conn->base.link);
    if (!conn->is_pipe_open || uv_fileno((uv_handle_t *)&conn->pipe, &fd) != 0) {
        return;
    }
    for (;;) {
        ssize_t count = recv(fd, relay_buffer, READ_SIZE, MSG_DONTWAIT);
        if (count <= 0 || sl_buf_add(out, relay_buffer, (size_t)count) != SL_OK) {
            return;
        }
    }
}

static void on_close(struct har_conn *base, enum har_close how)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    if (how != HAR_CLOSE_RST && har_link_is_up(base->link)) {
        drain_pipe(conn);
    }
    close_pipe(conn);
    forget_streams(conn);
    close_channel(conn);
}

static void on_detach(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    close_pipe(conn);
    forget_streams(conn);
    close_channel(conn);
}

static bool release(struct har_conn *base)
{
    struct grpc_conn *conn = grpc_conn_of(base);
    if (conn->has_pipe) {
        return false;
    }
    har_grpc_core_unref(conn->core);
    return true;
}

/* --- the observer --- */

/* The C core does not tell stream ids. Calls of one channel go to the wire in the order they were
 * started, so the oldest one of this path that was not seen yet is meant. */
static void on_call_begin(void *owner, struct sl_call *call)
{
    struct grpc_conn *conn = owner;
    struct grpc_stream *stream = NULL;
    const struct sl_header *path = sl_headers_find(&call->request.headers, ":path");
    DL_FOREACH2(conn->unseen, stream, next_unseen)
    {
        if (stream->call != NULL && path != NULL && sl_span_is(path->value, stream->base.method)) {
            break;
        }
    }
    if (stream != NULL) {
        stream->is_unseen = false;
        DL_DELETE2(conn->unseen, stream, prev_unseen, next_unseen);
        stream->base.id = call->stream;
        stream->observed = call;
        call->user = stream;
    }
}

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct grpc_stream *stream = call->user;
    (void)owner;
    (void)headers;
    (void)at;
    if (stream != NULL && block == SL_BLOCK_RESPONSE) {
        stream->has_wire_headers = true;
    }
}

static void on_call_end(void *owner, struct sl_call *call)
{
    struct grpc_stream *stream = call->user;
    (void)owner;
    if (stream == NULL) {
        return;
    }
    call->user = stream->observed = NULL;
    if (call->has_status) {
        stream->source = call->status_source;
        stream->reset_error = call->reset_error;
    }
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct grpc_conn *conn = owner;
    if (event->dir == SL_DIR_REQUEST && event->header.type == SL_H2_SETTINGS &&
        (event->header.flags & SL_H2_FLAG_ACK) != 0 && !conn->is_ready && !conn->base.is_freed) {
        /* The C core has read the server's limits. With its own connector it waits too. */
        conn->is_ready = true;
        har_link_wake(conn->base.link);
    }
    har_conn_deliver_frame(&conn->base, event);
    if (conn->base.has_goaway && har_conn_is_live(&conn->base)) {
        end_unstarted(conn, "the server takes no new streams: it sent GOAWAY");
    }
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    struct grpc_conn *conn = owner;
    har_conn_deliver_finding(&conn->base, finding);
}

static const struct sl_observer_handler observer = {
    .call_begin = on_call_begin,
    .headers = on_headers,
    .call_end = on_call_end,
    .frame = on_frame,
    .is_single_answer = har_conn_is_single_answer,
    .finding = on_finding,
};

/* --- what the C core does not let us do --- */

static enum sl_status send_raw(struct har_conn *conn, struct sl_span bytes)
{
    (void)conn;
    (void)bytes;
    return SL_UNSUPPORTED;
}

static enum sl_status ping(struct har_conn *conn, uint64_t opaque)
{
    (void)conn;
    (void)opaque;
    return SL_UNSUPPORTED;
}

static enum sl_status settings(struct har_conn *conn, const struct sl_h2_setting_pair *pairs,
                               size_t count)
{
    (void)conn;
    (void)pairs;
    (void)count;
    return SL_UNSUPPORTED;
}

static enum sl_status window_update(struct har_conn *conn, uint32_t stream, uint32_t increment)
{
    (void)conn;
    (void)stream;
    (void)increment;
    return SL_UNSUPPORTED;
}

static const struct har_conn_ops ops = {
    .observer = &observer,
    .connected = on_connected,
    .received = on_received,
    .turn = on_turn,
    .drained = on_drained,
    .link_closed = on_link_closed,
    .close = on_close,
    .detach = on_detach,
    .late = on_late,
    .release = release,
    .send_raw = send_raw,
    .ping = ping,
    .settings = settings,
    .window_update = window_update,
    .stream_new = har_grpc_stream_new,
};

struct har_conn *har_grpc_conn_new(void)
{
    struct grpc_conn *conn = sl_alloc(sizeof *conn);
    conn->base.ops = &ops;
    return &conn->base;
}
