/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#ifdef __GLIBC__
#    include <malloc.h>
#endif

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/accept.h"
#include "reference-server/frontend/h2/internal.h"
#include "reference-server/frontend/h2/loop.h"
#include "reference-server/frontend/h2/wrong.h"
#include "reference-server/listener.h"

enum {
    ACCEPTS_A_TURN = 64,
    BACKLOG = 4096,
    FREED_A_TRIM = 2048, /* blocks: some 200 calls */
    FREED_BYTES_A_TRIM = 16 * 1024 * 1024,
};

/* How long after a call's end memory is given back: at most so often, and when a storm has passed. */
#define TRIM_NS SL_SECOND

void srv_h2_update_time(struct srv_h2 *h2)
{
    h2->now_ns = sl_clock_mono_ns();
}

/* --- the clock --- */

void srv_h2_set_timer(struct srv_h2 *h2, struct srv_timer *timer, uint64_t due_ns)
{
    (void)srv_timers_set(&h2->timers, timer, due_ns);
}

static void arm(struct srv_h2 *h2)
{
    const struct srv_timer *first = srv_timers_first(&h2->timers);
    if (first == NULL || first->due_ns >= h2->armed_ns) {
        return; /* what is armed too early only wakes us */
    }
    uint64_t due_ns = first->due_ns == 0 ? 1 : first->due_ns;
    const struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / SL_SECOND),
                                                 .tv_nsec = (long)(due_ns % SL_SECOND)}};
    h2->armed_ns = due_ns;
    (void)timerfd_settime(h2->clock_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void clock_fired(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct srv_h2 *h2 = poll->data;
    uint64_t times = 0;
    if (read(h2->clock_fd, &times, sizeof(times)) > 0) {
        h2->armed_ns = SRV_NEVER;
    }
}

static void run_timers(struct srv_h2 *h2)
{
    struct srv_timer *first = NULL;
    while ((first = srv_timers_first(&h2->timers)) != NULL && first->due_ns <= h2->now_ns) {
        srv_timers_remove(&h2->timers, first);
        first->fire(first);
    }
}

/* RES-01: the C library keeps what a storm of calls has freed, in pieces that it does not give back by itself; so does
 * the heap. */
static void trim(struct srv_timer *timer)
{
    struct srv_h2 *h2 = SRV_H2_OF(timer, srv_h2, trim_timer);
    srv_h2_heap_trim(&h2->heap);
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void srv_h2_note_ended(struct srv_h2 *h2)
{
    bool is_much = h2->heap.freed >= FREED_A_TRIM || h2->heap.freed_bytes >= FREED_BYTES_A_TRIM;
    if (is_much && h2->trim_timer.place == 0) {
        h2->trim_timer.fire = trim;
        srv_h2_set_timer(h2, &h2->trim_timer, h2->now_ns + TRIM_NS);
    }
}

/* --- the turn --- */

static void more_needed(uv_idle_t *idle)
{
    (void)idle; /* its being active keeps the loop from sleeping */
}

static void turn_ends(uv_check_t *check)
{
    struct srv_h2 *h2 = check->data;
    srv_h2_update_time(h2);
    run_timers(h2);
    /* Those that become dirty again have their turn in the next one. */
    struct srv_h2_conn *conn = h2->dirty;
    h2->dirty = NULL;
    h2->dirty_end = &h2->dirty;
    while (conn != NULL) {
        struct srv_h2_conn *next = conn->next_dirty;
        srv_h2_conn_flush(conn);
        conn = next;
    }
    if (h2->dirty != NULL) {
        (void)uv_idle_start(&h2->more, more_needed);
    } else {
        (void)uv_idle_stop(&h2->more);
    }
    arm(h2);
}

/* --- the listener --- */

static void name_peer(const struct sockaddr_storage *address, socklen_t len,
                      char ret_peer[SRV_PEER_MAX])
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    ret_peer[0] = '\0';
    if (getnameinfo((const struct sockaddr *)address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool is_v6 = address->ss_family == AF_INET6;
        (void)snprintf(ret_peer, SRV_PEER_MAX, "%s%.46s%s:%.5s", is_v6 ? "[" : "", host,
                       is_v6 ? "]" : "", port);
    }
}

/* Whether one more would be too many (--max-connections). Told once for each time that it becomes so. */
static bool is_full(struct srv_h2 *h2)
{
    uint32_t max = h2->config->limits.max_connections;
    bool was_full = h2->is_full;
    h2->is_full = h2->conn_count >= max;
    if (h2->is_full) {
        sl_tally_add_shared(&h2->services->telemetry->stats.refused[SRV_REFUSED_CONNECTIONS], 1);
    }
    if (h2->is_full && !was_full) {
        sl_log(SL_LOG_WARN, "accept", "connections are refused (--max-connections %u)", max);
    }
    return h2->is_full;
}

/* False when nobody waits. */
static bool accept_one(struct srv_h2 *h2)
{
    const int one = 1;
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    char peer[SRV_PEER_MAX];
    int fd =
        accept4(h2->listen_fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EINTR && errno != EAGAIN) {
            srv_h2_stop_listening(h2); /* a wrong server, without file descriptors */
        }
        return errno == EINTR;
    }
    srv_h2_wrong_accepted(h2);
    if (is_full(h2) || srv_h2_wrong_hangs_up(h2)) {
        (void)close(fd);
        return true;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    name_peer(&address, len, peer);
    srv_h2_conn_open(h2, fd, peer);
    return true;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct srv_h2 *h2 = poll->data;
    srv_h2_update_time(h2);
    for (unsigned i = 0; i < ACCEPTS_A_TURN && h2->is_listening && accept_one(h2); i++) {
    }
}

static void listener_closed(uv_handle_t *handle)
{
    struct srv_h2 *h2 = handle->data;
    (void)close(h2->listen_fd);
}

void srv_h2_stop_listening(struct srv_h2 *h2)
{
    if (h2->is_listening) {
        h2->is_listening = false;
        uv_close((uv_handle_t *)&h2->listener, listener_closed);
    }
}

static enum sl_status listen_on(struct srv_h2 *h2, struct sl_error *reterr)
{
    const char *at = h2->config->listen;
    const char *why = NULL;
    h2->listen_fd = -1;
    h2->services->is_cold = h2->wrong->slow_after_restart && !srv_accept_can_bind(at);
    if (!h2->wrong->bind_without_reuse || srv_accept_can_bind(at)) {
        h2->listen_fd = srv_listen(at, BACKLOG, &why);
    }
    if (h2->listen_fd < 0) {
        return sl_error_set(reterr, SL_IO, "cannot listen on %s", at);
    }
    if (uv_poll_init(&h2->loop, &h2->listener, h2->listen_fd) != 0) {
        (void)close(h2->listen_fd);
        return sl_error_set(reterr, SL_IO, "the event loop takes no listener");
    }
    h2->port = srv_listen_port(h2->listen_fd);
    h2->is_listening = true;
    return SL_OK;
}

/* --- life --- */

void srv_h2_check_end(struct srv_h2 *h2)
{
    if (h2->phase >= SRV_H2_NOTICED && h2->conns == NULL && h2->is_listening == false) {
        srv_timers_remove(&h2->timers, &h2->drain_timer);
        uv_stop(&h2->loop);
    }
}

static void on_told(uv_async_t *async)
{
    struct srv_h2 *h2 = async->data;
    srv_h2_update_time(h2);
    while (h2->drains_done < atomic_load(&h2->drains_asked)) {
        h2->drains_done++;
        srv_h2_drain(h2);
    }
}

static void run(void *context)
{
    struct srv_h2 *h2 = context;
    (void)uv_run(&h2->loop, UV_RUN_DEFAULT);
    h2->config->ended(h2->config->ended_context);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Every handle but those of connections, which are gone. Also after a start that failed half-way. */
static void release(struct srv_h2 *h2)
{
    if (h2->loop.data != NULL) {
        srv_h2_stop_listening(h2);
        uv_walk(&h2->loop, close_handle, NULL);
        (void)uv_run(&h2->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&h2->loop);
    }
    if (h2->clock_fd >= 0) {
        (void)close(h2->clock_fd);
    }
    nghttp2_session_callbacks_del(h2->callbacks);
    nghttp2_option_del(h2->option);
    srv_tls_source_free(h2->tls);
    srv_accept_release();
    srv_timers_release(&h2->timers);
    sl_buf_release(&h2->gathered);
    sl_buf_release(&h2->cipher);
    sl_buf_release(&h2->plain);
    sl_buf_release(&h2->filtered);
    sl_free(h2->input);
    srv_h2_heap_trim(&h2->heap);
    sl_free(h2);
}

static enum sl_status make_tls(struct srv_h2 *h2, struct sl_error *reterr)
{
    const struct srv_tls_files files = {.cert = h2->config->cert_file,
                                        .key = h2->config->key_file,
                                        .client_ca = h2->config->client_ca_file};
    if (files.cert == NULL) {
        return SL_OK;
    }
    h2->tls = srv_tls_source_new(&files, h2->config->keylog, h2->wrong, reterr);
    return h2->tls == NULL ? SL_IO : SL_OK;
}

static void init_buffers(struct srv_h2 *h2)
{
    sl_buf_init(&h2->gathered, SRV_H2_GATHER_MAX);
    sl_buf_init(&h2->cipher, SRV_H2_CIPHER);
    sl_buf_init(&h2->plain, SRV_H2_INPUT + SRV_TLS_PLAIN_SPARE);
    sl_buf_init(&h2->filtered, SRV_WIRE_MAX);
    h2->input = sl_alloc(SRV_H2_INPUT);
    srv_h2_heap_init(&h2->heap);
    h2->dirty_end = &h2->dirty;
    h2->armed_ns = SRV_NEVER;
    h2->clock_fd = -1;
}

static bool init_nghttp2(struct srv_h2 *h2)
{
    h2->callbacks = srv_h2_callbacks_new();
    if (h2->callbacks == NULL || nghttp2_option_new(&h2->option) != 0) {
        return false;
    }
    nghttp2_option_set_no_auto_window_update(h2->option, 1);
    nghttp2_option_set_no_closed_streams(h2->option, 1);
    /* guard.h counts those that cost something; many subscribers may leave at once. */
    nghttp2_option_set_stream_reset_rate_limit(h2->option, UINT32_MAX, UINT32_MAX);
    nghttp2_option_set_max_continuations(h2->option, SRV_H2_CONTINUATIONS_MAX + 1);
    return true;
}

static bool init_handles(struct srv_h2 *h2)
{
    h2->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    h2->listener.data = h2->clock.data = h2->turn_end.data = h2->more.data = h2->told.data = h2;
    if (h2->clock_fd < 0 || uv_loop_init(&h2->loop) != 0) {
        return false;
    }
    h2->loop.data = h2; /* it is there */
    return uv_poll_init(&h2->loop, &h2->clock, h2->clock_fd) == 0 &&
           uv_check_init(&h2->loop, &h2->turn_end) == 0 &&
           uv_idle_init(&h2->loop, &h2->more) == 0 &&
           uv_async_init(&h2->loop, &h2->told, on_told) == 0 &&
           uv_poll_start(&h2->clock, UV_READABLE, clock_fired) == 0 &&
           uv_check_start(&h2->turn_end, turn_ends) == 0;
}

static struct srv_frontend *start(const struct srv_frontend_config *config,
                                  struct srv_services *services, struct sl_error *reterr_error)
{
    struct srv_h2 *h2 = sl_alloc(sizeof(*h2));
    h2->base.ops = &srv_frontend_h2;
    h2->settings = *config;
    h2->config = &h2->settings;
    h2->services = services;
    h2->wrong = &services->chat->config.misbehave;
    init_buffers(h2);
    srv_accept_init(h2->wrong->deaf_without_descriptors);
    bool can = init_nghttp2(h2) && init_handles(h2);
    if (!can) {
        (void)sl_error_set(reterr_error, SL_IO, "the event loop cannot be made");
    }
    can = can && make_tls(h2, reterr_error) == SL_OK && listen_on(h2, reterr_error) == SL_OK;
    if (!can) {
        release(h2);
        return NULL;
    }
    srv_h2_update_time(h2);
    if (uv_poll_start(&h2->listener, UV_READABLE, on_listener) != 0 ||
        uv_thread_create(&h2->thread, run, h2) != 0) {
        (void)sl_error_set(reterr_error, SL_IO, "the event loop cannot run");
        release(h2);
        return NULL;
    }
    return &h2->base;
}

static int port_of(const struct srv_frontend *frontend)
{
    return ((const struct srv_h2 *)frontend)->port;
}

static void drain(struct srv_frontend *frontend)
{
    struct srv_h2 *h2 = (struct srv_h2 *)frontend;
    (void)atomic_fetch_add(&h2->drains_asked, 1);
    (void)uv_async_send(&h2->told);
}

static enum sl_status reload(struct srv_frontend *frontend, struct sl_error *reterr_error)
{
    const struct srv_h2 *h2 = (struct srv_h2 *)frontend;
    return h2->tls == NULL ? SL_OK : srv_tls_source_reload(h2->tls, reterr_error);
}

static void free_h2(struct srv_frontend *frontend)
{
    struct srv_h2 *h2 = (struct srv_h2 *)frontend;
    (void)uv_thread_join(&h2->thread);
    release(h2);
}

const struct srv_frontend_ops srv_frontend_h2 = {.name = "h2",
                                                 .start = start,
                                                 .port = port_of,
                                                 .drain = drain,
                                                 .reload = reload,
                                                 .free = free_h2};
