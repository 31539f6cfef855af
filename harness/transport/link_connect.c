/* SPDX-License-Identifier: Apache-2.0 */
/* A link on its way: names, addresses, and which of them answers. */
#include <stdio.h>
#include <unistd.h>

#include "harness/transport/addresses.h"
#include "harness/transport/link_state.h"
#include "lib/base/alloc.h"

enum {
    SERVICE_MAX = 8,
    PATIENCE_MS = 1000, /* with an address that does not answer, when there are others */
};

static void on_patience_closed(uv_handle_t *handle)
{
    sl_free(handle);
}

void har_link_end_patience(struct har_link *link)
{
    if (link->patience != NULL) {
        uv_close((uv_handle_t *)link->patience, on_patience_closed);
        link->patience = NULL;
    }
}

static void next_address(struct har_link *link, int error)
{
    char host[HAR_ADDRESS_TEXT_MAX];
    const char *path = har_unix_path(link->config.host);
    if (path != NULL) {
        sl_error_set(&link->failure, SL_IO, "cannot connect to %s: %s", path, uv_strerror(error));
        link->address = NULL;
        return;
    }
    (void)har_address_text((const struct sockaddr_storage *)(const void *)link->address->ai_addr,
                           host);
    bool is_name = strcmp(host, link->config.host) != 0;
    sl_error_set(&link->failure, SL_IO, "cannot connect to %s:%u%s%s%s: %s", link->config.host,
                 link->config.port, is_name ? " (" : "", is_name ? host : "", is_name ? ")" : "",
                 uv_strerror(error));
    link->address = link->address->ai_next;
}

static void on_patience_over(uv_timer_t *timer)
{
    struct har_link *link = timer->data;
    har_link_end_patience(link);
    next_address(link, UV_ETIMEDOUT);
    har_link_close_handle(link); /* on_closed tries the next one */
}

static void begin_patience(struct har_link *link)
{
    if (link->address->ai_next != NULL) {
        link->patience = sl_alloc(sizeof *link->patience);
        (void)uv_timer_init(link->loop, link->patience);
        link->patience->data = link;
        (void)uv_timer_start(link->patience, on_patience_over, PATIENCE_MS, 0);
    }
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct har_link *link = connect->data;
    if (link->state != LINK_CONNECTING || link->is_freed || status == UV_ECANCELED) {
        return; /* cancelled: nobody waits for it any more */
    }
    har_link_end_patience(link);
    if (status < 0) {
        next_address(link, status);
        har_link_close_handle(link);
        return;
    }
    har_link_opened(link);
}

static int open_unix(struct har_link *link)
{
    int fd = har_unix_connect(link->address->ai_addr, link->address->ai_addrlen);
    if (fd < 0) {
        return fd;
    }
    (void)uv_tcp_init(link->loop, &link->tcp); /* which opens nothing yet */
    link->has_handle = true;
    link->tcp.data = link;
    /* To libuv a stream socket is one like another. */
    int error = uv_tcp_open(&link->tcp, fd);
    if (error < 0) {
        (void)close(fd);
        return error;
    }
    link->is_unix_up = true;
    har_turn_defer(link->turn, &link->task); /* which says so */
    return 0;
}

/* Opens a socket for the current address; negative when the system refuses. */
static int open_socket(struct har_link *link)
{
    if (link->address->ai_family == AF_UNIX) {
        return open_unix(link);
    }
    int error = uv_tcp_init_ex(link->loop, &link->tcp, (unsigned)link->address->ai_family);
    if (error < 0) {
        return error;
    }
    link->has_handle = true;
    link->tcp.data = link;
    uv_tcp_nodelay(&link->tcp, 1);
    if (link->config.receive_buffer > 0) {
        /* Before connecting, as the window scale is chosen then. */
        int value = link->config.receive_buffer;
        uv_recv_buffer_size((uv_handle_t *)&link->tcp, &value);
    }
    link->connect.data = link;
    return uv_tcp_connect(&link->connect, &link->tcp, link->address->ai_addr, on_connected);
}

void har_link_try_address(struct har_link *link)
{
    while (link->address != NULL) {
        int error = open_socket(link);
        if (error == 0) {
            begin_patience(link);
            return;
        }
        next_address(link, error);
        if (link->has_handle) {
            har_link_close_handle(link); /* on_closed comes back here */
            return;
        }
    }
    har_turn_defer(link->turn, &link->task);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *addresses)
{
    struct har_link *link = resolve->data;
    link->is_resolving = false;
    link->addresses = link->address = har_addresses_by_turns(addresses);
    if (link->is_freed) {
        har_link_reap(link);
        return;
    }
    if (status < 0) {
        sl_error_set(&link->failure, SL_IO, "cannot resolve %s: %s", link->config.host,
                     uv_strerror(status));
    }
    if (link->state == LINK_CONNECTING) {
        har_link_try_address(link);
    }
}

static void try_known(struct har_link *link, const char *path)
{
    bool is_ip6 = path == NULL && link->config.address->ss_family == AF_INET6;
    socklen_t len = is_ip6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (path != NULL) {
        len = har_unix_address(path, &link->known);
    } else {
        link->known = *link->config.address;
    }
    link->only = (struct addrinfo){.ai_family = link->known.ss_family,
                                   .ai_addrlen = len,
                                   .ai_addr = (struct sockaddr *)&link->known};
    link->address = &link->only;
    har_link_try_address(link);
}

void har_link_resolve(struct har_link *link)
{
    char service[SERVICE_MAX];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    const char *path = har_unix_path(link->config.host);
    if (path != NULL || link->config.address != NULL) {
        try_known(link, path);
        return;
    }
    snprintf(service, sizeof service, "%u", link->config.port);
    if (getaddrinfo(link->config.host, service, &hints, &link->addresses) == 0) {
        link->address = link->addresses;
        har_link_try_address(link);
        return;
    }
    hints.ai_flags = AI_NUMERICSERV;
    link->resolve.data = link;
    int error =
        uv_getaddrinfo(link->loop, &link->resolve, on_resolved, link->config.host, service, &hints);
    link->is_resolving = error == 0;
    if (error < 0) {
        sl_error_set(&link->failure, SL_IO, "cannot resolve %s: %s", link->config.host,
                     uv_strerror(error));
        har_turn_defer(link->turn, &link->task);
    }
}
