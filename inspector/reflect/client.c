/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/reflect/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspector/reflect/rpc.h"
#include "lib/base/alloc.h"
#include "lib/schema/reflect.h"
#include "lib/wire/grpc_status.h"

enum {
    HOST_MAX = 256,
    REQUEST_MAX = 2 * SL_REFLECT_NAME_MAX,
    CHUNK = 64 * 1024,
    RETRIES_MAX = SL_REFLECT_NAMES_MAX, /* calls that are begun again */
};

struct client {
    const char *target;
    struct sl_reflect *files;
    struct ins_rpc *rpc;
    int fd;
    uint64_t wait_ns;
    uint64_t deadline_ns; /* of what is waited for now */
    uint64_t last_ns;     /* of everything */
    size_t retries;
    bool is_alpha; /* v1 is not there */
    bool is_answered;
    bool is_done;
    enum sl_status status; /* why it ended, when not SL_OK */
    struct sl_error *error;
};

static void fail(struct client *c, enum sl_status status, const char *format, ...) SL_PRINTF(3, 4);
static void fail(struct client *c, enum sl_status status, const char *format, ...)
{
    char text[SL_ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    c->is_done = true;
    c->status = sl_error_set(c->error, status, "%s", text);
}

static void wait_anew(struct client *c)
{
    uint64_t deadline = sl_clock_mono_ns() + c->wait_ns;
    c->deadline_ns = deadline < c->last_ns ? deadline : c->last_ns;
}

/* ---- reflection ---- */

/* Sends what is to be asked next, or is done. */
static void ask(struct client *c)
{
    struct sl_buf request;
    sl_buf_init(&request, REQUEST_MAX);
    if (sl_reflect_next(c->files, &request)) {
        ins_rpc_send(c->rpc, sl_buf_span(&request));
    }
    sl_buf_release(&request);
    c->is_done = c->is_done || !sl_reflect_is_waiting(c->files);
}

static void begin_call(struct client *c)
{
    if (ins_rpc_open(c->rpc, c->is_alpha ? SL_REFLECT_V1ALPHA : SL_REFLECT_V1) != SL_OK) {
        fail(c, SL_CLOSED, "the server takes no more calls");
        return;
    }
    wait_anew(c);
    ask(c);
}

static void on_message(void *owner, struct sl_span payload)
{
    struct client *c = owner;
    struct sl_error error = {0};
    if (c->is_done) {
        return;
    }
    c->is_answered = true;
    if (sl_reflect_answer(c->files, payload, &error) != SL_OK) {
        fail(c, error.status, "the server gave %s", error.text);
        return;
    }
    wait_anew(c);
    ask(c);
}

static void on_end(void *owner, uint32_t code, const char *text)
{
    struct client *c = owner;
    bool is_missing = code == SL_GRPC_UNIMPLEMENTED && !c->is_answered;
    /* Some servers end the call over what they do not know. */
    bool is_unknown = code == SL_GRPC_NOT_FOUND && sl_reflect_is_waiting(c->files);
    if (c->is_done) {
        return;
    }
    if (is_missing && !c->is_alpha) {
        c->is_alpha = true;
        sl_reflect_ask_again(c->files);
        begin_call(c);
    } else if (is_missing) {
        fail(c, SL_UNSUPPORTED, "the server has no reflection (UNIMPLEMENTED, v1 and v1alpha)");
    } else if (is_unknown && c->retries++ < RETRIES_MAX) {
        sl_reflect_not_found(c->files);
        c->is_answered = true;
        begin_call(c);
    } else {
        const char *name = sl_grpc_status_name(code);
        fail(c, SL_CLOSED, "the server ended the call: %s%s%.200s",
             name == NULL ? "an unknown status" : name, text[0] == '\0' ? "" : ": ", text);
    }
}

static const struct ins_rpc_handler handler = {.message = on_message, .end = on_end};

/* ---- the socket ---- */

/* Waits for events, as long as the deadline lets; false when it has passed. */
static bool wait_for(const struct client *c, short events)
{
    for (;;) {
        uint64_t now = sl_clock_mono_ns();
        struct pollfd poll_fd = {.fd = c->fd, .events = events};
        if (now >= c->deadline_ns) {
            return false;
        }
        int ready = poll(&poll_fd, 1, (int)((c->deadline_ns - now) / SL_MS) + 1);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true; /* what is wrong shows when the socket is used */
        }
    }
}

/* Connects to one address. An errno, or 0. */
static int connect_to(struct client *c, const struct addrinfo *address)
{
    int on = 1;
    int error = 0;
    socklen_t len = sizeof(error);
    c->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (c->fd < 0) {
        return errno;
    }
    if (connect(c->fd, address->ai_addr, address->ai_addrlen) != 0) {
        if (errno != EINPROGRESS) {
            error = errno;
        } else if (!wait_for(c, POLLOUT)) {
            error = ETIMEDOUT;
        } else if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
            error = errno;
        }
    }
    if (error != 0) {
        (void)close(c->fd);
        c->fd = -1;
        return error;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* small requests */
    return 0;
}

/* Splits "HOST:PORT"; an IPv6 address stands in brackets. False when it is none. */
static bool split(const char *target, char host[HOST_MAX], const char **ret_port)
{
    const char *colon = strrchr(target, ':');
    if (colon == NULL || colon == target || colon[1] == '\0') {
        return false;
    }
    size_t len = (size_t)(colon - target);
    bool has_brackets = target[0] == '[' && target[len - 1] == ']';
    target += has_brackets ? 1 : 0;
    len -= has_brackets ? 2 : 0;
    if (len == 0 || len >= HOST_MAX || (!has_brackets && memchr(target, ':', len) != NULL)) {
        return false;
    }
    memcpy(host, target, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return strspn(*ret_port, "0123456789") == strlen(*ret_port);
}

static void connect_client(struct client *c)
{
    char host[HOST_MAX];
    const char *port = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    if (!split(c->target, host, &port)) {
        fail(c, SL_USAGE, "wanted: HOST:PORT");
        return;
    }
    int outcome = getaddrinfo(host, port, &hints, &addresses);
    if (outcome != 0) {
        fail(c, SL_NOT_FOUND, "%s", gai_strerror(outcome));
        return;
    }
    int error = 0;
    for (const struct addrinfo *at = addresses; at != NULL && c->fd < 0; at = at->ai_next) {
        wait_anew(c);
        error = connect_to(c, at);
    }
    freeaddrinfo(addresses);
    if (c->fd < 0) {
        fail(c, error == ETIMEDOUT ? SL_TIMEOUT : SL_CLOSED, "cannot connect: %s", strerror(error));
    }
}

static void read_some(struct client *c)
{
    uint8_t chunk[CHUNK];
    struct sl_error error = {0};
    ssize_t len = recv(c->fd, chunk, sizeof(chunk), 0);
    if (len == 0) {
        (void)ins_rpc_closed(c->rpc, &error);
        fail(c, error.status, "%s", error.text);
    } else if (len > 0) {
        if (ins_rpc_feed(c->rpc, sl_span(chunk, (size_t)len), &error) != SL_OK && !c->is_done) {
            fail(c, error.status, "%s", error.text);
        }
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(c, SL_CLOSED, "%s", strerror(errno));
    }
}

static void write_some(struct client *c)
{
    struct sl_span output = ins_rpc_output(c->rpc);
    ssize_t len = output.len == 0 ? 0 : send(c->fd, output.data, output.len, MSG_NOSIGNAL);
    if (len > 0) {
        ins_rpc_wrote(c->rpc, (size_t)len);
    }
    /* A write that fails is told by what is read: that has the reason. */
}

static void run(struct client *c)
{
    begin_call(c);
    while (!c->is_done) {
        write_some(c);
        bool has_output = ins_rpc_output(c->rpc).len > 0;
        if (!wait_for(c, has_output ? POLLIN | POLLOUT : POLLIN)) {
            fail(c, SL_TIMEOUT, "no answer within %.3g s", (double)c->wait_ns / (double)SL_SECOND);
        } else {
            read_some(c);
        }
    }
    ins_rpc_finish(c->rpc);
    write_some(c);
}

enum sl_status ins_reflect(const char *target, uint64_t wait_ns, struct sl_pool *pool,
                           char ret_left_out[SL_ERROR_TEXT_MAX], struct sl_error *reterr_error)
{
    struct client c = {.target = target, .fd = -1, .wait_ns = wait_ns, .error = reterr_error};
    c.last_ns = sl_clock_mono_ns() + INS_REFLECT_TOTAL_NS;
    c.files = sl_reflect_new(pool);
    sl_reflect_want_services(c.files);
    connect_client(&c);
    if (c.fd >= 0) {
        c.rpc = ins_rpc_new(target, &handler, &c);
        run(&c);
        (void)close(c.fd);
    }
    size_t count = sl_reflect_left_out_count(c.files);
    ret_left_out[0] = '\0';
    if (count == 1) {
        (void)snprintf(ret_left_out, SL_ERROR_TEXT_MAX, "%s", sl_reflect_left_out(c.files));
    } else if (count > 1) {
        (void)snprintf(ret_left_out, SL_ERROR_TEXT_MAX, "%s, and %zu more things",
                       sl_reflect_left_out(c.files), count - 1);
    }
    ins_rpc_free(c.rpc);
    sl_reflect_free(c.files);
    return c.status;
}
