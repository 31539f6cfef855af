/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HOST_MAX = 256,
};

/* "HOST:PORT" in two; the brackets of an IPv6 host go. */
static bool split(const char *listen, char host[HOST_MAX], const char **ret_port)
{
    const char *colon = strrchr(listen, ':');
    bool is_bracketed =
        colon != NULL && colon - listen >= 2 && listen[0] == '[' && colon[-1] == ']';
    const char *begin = listen + (is_bracketed ? 1 : 0);
    const char *end = colon - (is_bracketed ? 1 : 0);
    if (colon == NULL || end - begin >= HOST_MAX) {
        return false;
    }
    (void)snprintf(host, HOST_MAX, "%.*s", (int)(end - begin), begin);
    *ret_port = colon + 1;
    return true;
}

static int bind_one(const struct addrinfo *address, int backlog)
{
    const int one = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, backlog) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int srv_listen(const char *listen, int backlog, const char **ret_why)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_MAX];
    const char *port = NULL;
    if (!split(listen, host, &port) ||
        getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found) != 0) {
        *ret_why = "no such address";
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *i = found; i != NULL && fd < 0; i = i->ai_next) {
        fd = bind_one(i, backlog);
    }
    if (fd < 0) {
        *ret_why = strerror(errno);
    }
    freeaddrinfo(found);
    return fd;
}

int srv_listen_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}
