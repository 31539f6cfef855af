/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/link.h"

#include <signal.h>
#include <stdio.h>

#include "harness/transport/link_state.h"
#include "harness/transport/tls.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    READ_SIZE = 64 * 1024,
    KEEP_CAPACITY = 64 * 1024, /* a larger output buffer is given back once it is empty */
};

/* All links of a thread read into one buffer: libuv asks for it and hands it back in one go. */
static _Thread_local uint8_t read_buffer[READ_SIZE];
static _Thread_local uint8_t plain_buffer[READ_SIZE];

void har_link_reap(struct har_link *link)
{
    if (!link->is_freed || link->has_handle || link->is_resolving || link->task.is_queued) {
        return;
    }
    har_turn_unref(link->turn);
    if (link->addresses != NULL) {
        uv_freeaddrinfo(link->addresses);
    }
    har_tls_session_free(link->tls);
    sl_buf_release(&link->out);
    sl_buf_release(&link->wire);
    sl_buf_release(&link->inflight);
    sl_free(link);
}

static void on_closed(uv_handle_t *handle)
{
    struct har_link *link = handle->data;
    link->has_handle = false;
    if (link->state == LINK_CONNECTING && !link->is_freed) {
        har_link_try_address(link);
    } else {
        har_link_reap(link);
    }
}

void har_link_close_handle(struct har_link *link)
{
    if (link->has_handle && !uv_is_closing((uv_handle_t *)&link->tcp)) {
        uv_close((uv_handle_t *)&link->tcp, on_closed);
    }
    link->is_reading = false;
}

/* The end of the link, told to the owner. Only from the loop. */
static void end(struct har_link *link, enum har_conn_end how, const char *text)
{
    if (link->state == LINK_CLOSED) {
        return;
    }
    link->state = LINK_CLOSED;
    har_link_close_handle(link);
    link->config.handler->closed(link->config.owner, how, text);
}

static void end_by_errno(struct har_link *link, int error)
{
    char text[160];
    bool is_reset = error == UV_ECONNRESET || error == UV_EPIPE;
    if (error == UV_EOF || is_reset) {
        har_trace_end(link->trace, false, is_reset, sl_clock_mono_ns());
    }
    if (error == UV_EOF) {
        end(link, HAR_CONN_FIN, "the server closed the connection");
        return;
    }
    snprintf(text, sizeof text, "the connection failed: %s", uv_strerror(error));
    end(link, is_reset ? HAR_CONN_RST : HAR_CONN_ERROR,
        is_reset ? "the server reset the connection" : text);
}

/* --- writing --- */

static void send_records(struct har_link *link);

static void on_written(uv_write_t *write, int status)
{
    struct har_link *link = write->data;
    link->is_writing = false;
    sl_buf_clear(&link->inflight);
    if (link->state == LINK_CONNECTING && status == 0) {
        send_records(link);
    }
    if (link->state != LINK_UP) {
        return;
    }
    if (status < 0) {
        link->is_write_broken = true;
        if (link->is_paused) {
            end_by_errno(link, status);
            return;
        }
    }
    har_link_wake(link);
}

/* Hands waiting to the socket; what the kernel does not take at once goes through uv_write. Empties
 * waiting. */
static void write_out(struct har_link *link, struct sl_buf *waiting)
{
    size_t taken = 0;
    if (link->trace != NULL && !link->is_write_broken) {
        har_trace_bytes(link->trace, true, sl_buf_span(waiting), sl_clock_mono_ns());
    }
    uv_buf_t piece = uv_buf_init((char *)waiting->data, (unsigned)waiting->len);
    int count =
        link->is_write_broken ? UV_EPIPE : uv_try_write((uv_stream_t *)&link->tcp, &piece, 1);
    if (count > 0) {
        taken = (size_t)count;
    } else if (count < 0 && count != UV_EAGAIN) {
        /* The reading side reports how the connection ended, after what is still to be read. */
        link->is_write_broken = true;
    }
    if (link->is_write_broken || taken == waiting->len) {
        sl_buf_clear(waiting);
        return;
    }
    struct sl_buf swap = link->inflight;
    link->inflight = *waiting;
    *waiting = swap;
    sl_buf_clear(waiting);
    piece =
        uv_buf_init((char *)link->inflight.data + taken, (unsigned)(link->inflight.len - taken));
    link->write.data = link;
    link->is_writing =
        uv_write(&link->write, (uv_stream_t *)&link->tcp, &piece, 1, on_written) == 0;
    if (!link->is_writing) {
        link->is_write_broken = true;
        sl_buf_clear(&link->inflight);
    }
}

/* Encrypts out into wire. */
static void encrypt(struct har_link *link)
{
    struct sl_error error = {0};
    enum sl_status status = har_tls_session_write(link->tls, sl_buf_span(&link->out), &error);
    sl_buf_clear(&link->out);
    if (status != SL_OK || har_tls_session_output(link->tls, &link->wire) != SL_OK) {
        end(link, HAR_CONN_TLS, error.text);
    }
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    (void)shutdown;
    (void)status; /* a failure shows on the reading side */
}

/* Our side's end, for the trace. */
static void trace_end(struct har_link *link, bool is_reset)
{
    if (link->trace != NULL) {
        har_trace_end(link->trace, true, is_reset, sl_clock_mono_ns());
    }
}

static void finish_now(struct har_link *link)
{
    link->has_shutdown = true;
    trace_end(link, false);
    link->shutdown.data = link;
    (void)uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shutdown);
}

static void trim(struct sl_buf *buf)
{
    if (buf->len == 0 && buf->capacity > KEEP_CAPACITY) {
        sl_buf_release(buf);
    }
}

static void flush(struct har_link *link)
{
    if (link->state != LINK_UP || link->is_writing || link->has_shutdown) {
        return;
    }
    bool has_data = link->out.len > 0;
    if (has_data) {
        link->config.handler->sent(link->config.owner, sl_buf_span(&link->out), sl_clock_mono_ns());
        if (link->state != LINK_UP) {
            return;
        }
    }
    if (link->tls != NULL) {
        encrypt(link);
        if (link->state == LINK_UP && link->is_finishing) {
            har_tls_session_finish(link->tls);
            (void)har_tls_session_output(link->tls, &link->wire);
        }
    }
    if (link->state != LINK_UP) {
        return;
    }
    struct sl_buf *waiting = link->tls == NULL ? &link->out : &link->wire;
    if (waiting->len > 0) {
        write_out(link, waiting);
    }
    if (link->is_write_broken && link->is_paused) {
        end_by_errno(link, UV_EPIPE);
        return;
    }
    if (link->is_writing) {
        return;
    }
    trim(&link->out);
    trim(&link->inflight);
    if (link->is_finishing) {
        finish_now(link);
    }
    link->config.handler->drained(link->config.owner);
}

static void on_turn(struct har_turn_task *task)
{
    struct har_link *link = HAR_TASK_OWNER(task, struct har_link, task);
    if (link->is_freed) {
        har_link_reap(link);
        return;
    }
    if (link->state == LINK_CONNECTING && !link->has_handle && !link->is_resolving) {
        end(link, HAR_CONN_REFUSED, link->failure.text);
        return;
    }
    if (link->is_unix_up && link->state == LINK_CONNECTING) {
        link->is_unix_up = false;
        har_link_opened(link);
        return;
    }
    if (link->state == LINK_UP) {
        link->config.handler->turn(link->config.owner);
        if (link->out.is_full) {
            end(link, HAR_CONN_ERROR, "the server does not read: too much waits for it");
            return;
        }
        flush(link);
    }
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)handle;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)read_buffer, READ_SIZE);
}

static void become_up(struct har_link *link, uint64_t now_ns)
{
    link->state = LINK_UP;
    link->config.handler->connected(link->config.owner, now_ns);
    if (link->state == LINK_UP) {
        har_link_wake(link);
    }
}

/* Sends what TLS itself has to say (handshake, alerts, key updates). */
static void send_records(struct har_link *link)
{
    if (har_tls_session_output(link->tls, &link->wire) != SL_OK) {
        end(link, HAR_CONN_TLS, "the server does not read: too much waits for it");
    } else if (link->wire.len > 0 && !link->is_writing && !link->has_shutdown) {
        write_out(link, &link->wire);
    }
}

static void shake_hands(struct har_link *link, uint64_t now_ns)
{
    struct sl_error error = {0};
    enum sl_status status = har_tls_session_handshake(link->tls, &error);
    har_trace_keys(link->trace, har_tls_session_keys(link->tls));
    send_records(link);
    if (link->state != LINK_CONNECTING || status == SL_AGAIN) {
        return;
    }
    if (status == SL_OK) {
        become_up(link, now_ns);
    } else {
        end(link, status == SL_UNSUPPORTED ? HAR_CONN_UNFIT : HAR_CONN_TLS, error.text);
    }
}

static void read_records(struct har_link *link, struct sl_span cipher, uint64_t now_ns)
{
    har_tls_session_receive(link->tls, cipher);
    if (link->state == LINK_CONNECTING) {
        shake_hands(link, now_ns);
    }
    while (link->state == LINK_UP) {
        size_t len = 0;
        struct sl_error error = {0};
        enum sl_status status =
            har_tls_session_read(link->tls, plain_buffer, READ_SIZE, &len, &error);
        if (status == SL_OK) {
            link->config.handler->read(link->config.owner, sl_span(plain_buffer, len), now_ns);
        } else if (status == SL_AGAIN) {
            send_records(link);
            return;
        } else if (status == SL_CLOSED) {
            end_by_errno(link, UV_EOF);
        } else {
            send_records(link);
            end(link, status == SL_UNSUPPORTED ? HAR_CONN_UNFIT : HAR_CONN_TLS, error.text);
        }
    }
}

/* libuv takes a hang-up after the last bytes for the end of the file, also when it is a reset. */
static int true_error(const struct har_link *link, int error)
{
    uv_os_fd_t fd = -1;
    int pending = 0;
    socklen_t len = sizeof pending;
    if (error != UV_EOF || uv_fileno((const uv_handle_t *)&link->tcp, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &len) != 0 || pending == 0) {
        return error;
    }
    return uv_translate_sys_error(pending);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct har_link *link = stream->data;
    if (count == 0 || link->state == LINK_CLOSED) {
        return;
    }
    if (count < 0) {
        if (link->state == LINK_CONNECTING) {
            end(link, HAR_CONN_TLS, "the server closed the connection during the TLS handshake");
        } else {
            end_by_errno(link, true_error(link, (int)count));
        }
        return;
    }
    struct sl_span bytes = sl_span(buf->base, (size_t)count);
    uint64_t now_ns = sl_clock_mono_ns();
    har_trace_bytes(link->trace, false, bytes, now_ns);
    if (link->tls != NULL) {
        read_records(link, bytes, now_ns);
    } else {
        link->config.handler->read(link->config.owner, bytes, now_ns);
    }
}

/* Starts or stops reading as state and pause ask. */
static void update_reading(struct har_link *link)
{
    bool wants = !link->is_paused && link->state != LINK_CLOSED;
    if (wants == link->is_reading || !link->has_handle) {
        return;
    }
    link->is_reading = wants;
    if (wants) {
        int error = uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
        link->is_reading = error == 0;
    } else {
        uv_read_stop((uv_stream_t *)&link->tcp);
    }
}

void har_link_opened(struct har_link *link)
{
    int len = sizeof link->local;
    (void)uv_tcp_getsockname(&link->tcp, (struct sockaddr *)&link->local, &len);
    len = sizeof link->peer;
    (void)uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&link->peer, &len);
    if (link->config.trace != NULL) {
        link->trace = har_trace_flow_new(
            link->config.trace, HAR_TRACE_OWN, (const struct sockaddr *)&link->local,
            (const struct sockaddr *)&link->peer, link->name, sl_clock_mono_ns());
    }
    if (link->config.tls != NULL) {
        link->tls = har_tls_session_new(link->config.tls, link->config.host);
        if (link->trace != NULL) {
            har_tls_session_keep_keys(link->tls);
        }
        shake_hands(link, sl_clock_mono_ns());
    } else {
        become_up(link, sl_clock_mono_ns());
    }
    update_reading(link);
}

/* --- the face --- */

struct har_link *har_link_new(uv_loop_t *loop, const struct har_link_config *config)
{
    struct har_link *link = sl_alloc(sizeof *link);
    /* A write to a socket that the server has reset must be an error and not the end of the program;
     * libuv leaves that to the program, and the C core only does it for its own sockets. */
    (void)signal(SIGPIPE, SIG_IGN);
    link->loop = loop;
    link->config = *config;
    (void)snprintf(link->name, sizeof link->name, "%s",
                   config->trace_name == NULL ? "" : config->trace_name);
    link->turn = har_turn_ref(loop);
    link->task.run = on_turn;
    sl_buf_init(&link->out, HAR_CONN_QUEUE_MAX);
    sl_buf_init(&link->wire, (size_t)HAR_CONN_QUEUE_MAX * 2);
    sl_buf_init(&link->inflight, (size_t)HAR_CONN_QUEUE_MAX * 2);
    link->local.ss_family = link->peer.ss_family = AF_UNSPEC;
    har_link_resolve(link);
    return link;
}

void har_link_free(struct har_link *link)
{
    if (link == NULL || link->is_freed) {
        return;
    }
    link->is_freed = true;
    link->state = LINK_CLOSED;
    trace_end(link, false);
    har_trace_flow_free(link->trace);
    link->trace = NULL;
    har_link_end_patience(link);
    har_link_close_handle(link);
    if (link->is_resolving) {
        uv_cancel((uv_req_t *)&link->resolve);
    }
    /* The caller may be a callback of this link: its memory goes with the next turn. */
    har_turn_defer(link->turn, &link->task);
}

struct sl_buf *har_link_out(struct har_link *link)
{
    return &link->out;
}

void har_link_wake(struct har_link *link)
{
    if (link->state == LINK_UP) {
        har_turn_defer(link->turn, &link->task);
    }
}

size_t har_link_queued(const struct har_link *link)
{
    return link->out.len + link->wire.len + link->inflight.len;
}

bool har_link_is_up(const struct har_link *link)
{
    return link->state == LINK_UP;
}

void har_link_finish(struct har_link *link)
{
    link->is_finishing = true;
    /* At once, so that a connection that is freed next has still said what it had to say. */
    flush(link);
}

void har_link_reset(struct har_link *link)
{
    uv_os_fd_t fd = -1;
    if (link->has_handle && uv_fileno((uv_handle_t *)&link->tcp, &fd) == 0) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    trace_end(link, true);
    har_link_close(link);
}

void har_link_close(struct har_link *link)
{
    link->state = LINK_CLOSED;
    trace_end(link, false);
    har_link_end_patience(link);
    har_link_close_handle(link);
}

void har_link_pause(struct har_link *link, bool is_paused)
{
    link->is_paused = is_paused;
    if (link->state == LINK_UP) {
        update_reading(link);
    }
}

const struct sockaddr_storage *har_link_local(const struct har_link *link)
{
    return &link->local;
}

const struct sockaddr_storage *har_link_peer(const struct har_link *link)
{
    return &link->peer;
}
