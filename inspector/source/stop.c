/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t is_asked;
static int stop_fd = -1;

static void on_signal(int number)
{
    int kept = errno;
    uint64_t one = 1;
    (void)number;
    is_asked = 1;
    (void)!write(stop_fd, &one, sizeof(one));
    errno = kept;
}

void ins_stop_install(void)
{
    /* Reset after the first: a second signal ends the program as it always would. No SA_RESTART: a read
     * that waits ends. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool ins_stop_is_asked(void)
{
    return is_asked != 0;
}

bool ins_stop_poll(int fd, int timeout_ms)
{
    struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
    int count = poll(ready, sizeof(ready) / sizeof(ready[0]), timeout_ms);
    return count > 0 && ready[0].revents != 0;
}

int ins_stop_fd(void)
{
    return stop_fd;
}
