/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/log.h"

enum {
    DEAF_DESCRIPTORS = 256, /* of a wrong server, so that they are soon used up */
};

/* The name that the linker sees; under its own the C library's header declares it otherwise. It must be visible
 * to the C core's library, which the build's hidden visibility would prevent. */
__attribute__((visibility("default"))) int srv_accept4(int listener, struct sockaddr *address,
                                                       socklen_t *length,
                                                       int flags) __asm__("accept4");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int reserve = -1;
static bool is_short; /* and was said to be */
static bool is_deaf_when_short;

static void take_reserve(void)
{
    reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void give_reserve(void)
{
    if (reserve >= 0) {
        (void)close(reserve);
        reserve = -1;
    }
}

void srv_accept_init(bool is_deaf)
{
    struct rlimit limit;
    pthread_mutex_lock(&lock);
    is_deaf_when_short = is_deaf;
    if (is_deaf && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = DEAF_DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    take_reserve();
    pthread_mutex_unlock(&lock);
}

void srv_accept_release(void)
{
    pthread_mutex_lock(&lock);
    give_reserve();
    pthread_mutex_unlock(&lock);
}

static int accept_native(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    return (int)syscall(SYS_accept4, listener, address, length, flags);
}

/* Closes the connection that waits first. The listener is edge-triggered: what is left in the queue would wait
 * until another one comes. False when there was none, or no descriptor for it. */
static bool refuse_one(int listener)
{
    pthread_mutex_lock(&lock);
    if (!is_short) {
        sl_log(SL_LOG_WARN, "accept", "no file descriptor is left; connections are refused");
    }
    is_short = true;
    give_reserve();
    int fd = accept_native(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        (void)close(fd);
    }
    take_reserve();
    pthread_mutex_unlock(&lock);
    return fd >= 0;
}

/* What the C core is told instead of error: EINTR, it asks again at once; EAGAIN, it waits for the next one. */
static int as_the_core_wants(int listener, int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
        if (is_deaf_when_short) {
            return error; /* and the C core closes the listener */
        }
        return refuse_one(listener) ? EINTR : EAGAIN;
    case ENOBUFS:
    case ENOMEM:
        return EAGAIN;
    /* accept(2): errors of the new connection, not of the listener. */
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case EPROTO:
        return EINTR;
    default:
        return error;
    }
}

int srv_accept4(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    int fd = accept_native(listener, address, length, flags);
    if (fd < 0) {
        errno = as_the_core_wants(listener, errno);
        return fd;
    }
    pthread_mutex_lock(&lock);
    is_short = false;
    pthread_mutex_unlock(&lock);
    return fd;
}

bool srv_accept_can_bind(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    char host[256];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    if (colon == NULL || (size_t)(colon - listen) >= sizeof(host)) {
        return false;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return false;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_bound = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    freeaddrinfo(found);
    return is_bound;
}
