/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/bind.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum sl_status har_look_up(const char *host, uint16_t port, bool is_passive,
                           struct addrinfo **ret_list, struct sl_error *reterr_error)
{
    char service[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | (is_passive ? AI_PASSIVE : 0)};
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    int error = getaddrinfo(host[0] == '\0' ? NULL : host, service, &hints, ret_list);
    if (error != 0) {
        *ret_list = NULL;
        return sl_error_set(reterr_error, SL_IO, "%s: %s", host, gai_strerror(error));
    }
    return SL_OK;
}

/* A socket bound there, or -1 with errno. */
static int bind_to(const struct sockaddr *address, socklen_t len)
{
    int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address, len) == 0) {
        return fd;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

/* A port that the system chose is given up when the socket stops to listen; one that was asked for stays. So
 * a second socket asks for the port that the first one was given. */
static int bind_one(const struct addrinfo *address)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    int first = bind_to(address->ai_addr, address->ai_addrlen);
    if (first < 0 || getsockname(first, (struct sockaddr *)&name, &len) != 0) {
        return first;
    }
    int fd = bind_to((struct sockaddr *)&name, len);
    if (fd < 0) {
        return first;
    }
    (void)close(first);
    return fd;
}

static void note_address(struct har_bound *bound)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    char host[64] = "";
    char port[8] = "";
    (void)getsockname(bound->fd, (struct sockaddr *)&name, &len);
    (void)getnameinfo((struct sockaddr *)&name, len, host, sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    bool is_v6 = name.ss_family == AF_INET6;
    (void)snprintf(bound->address, sizeof(bound->address), "%s%s%s:%s", is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", port);
    bound->port = (uint16_t)strtoul(port, NULL, 10);
}

enum sl_status har_bind(const char *host, uint16_t port, struct har_bound *ret_bound,
                        struct sl_error *reterr_error)
{
    struct addrinfo *list = NULL;
    *ret_bound = (struct har_bound){.fd = -1};
    enum sl_status status = har_look_up(host, port, true, &list, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    for (const struct addrinfo *it = list; it != NULL && ret_bound->fd < 0; it = it->ai_next) {
        ret_bound->fd = bind_one(it);
    }
    int error = errno;
    freeaddrinfo(list);
    if (ret_bound->fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot listen on %s:%u: %s", host, (unsigned)port,
                            strerror(error));
    }
    note_address(ret_bound);
    return SL_OK;
}
