/* SPDX-License-Identifier: Apache-2.0 */
/* What a process holds: of its descriptors those that are no connection of somebody who is still there. */
#include "harness/aftermath/holder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

/* A listener of 127.0.0.1 on a free port. */
static int listen_somewhere(struct sockaddr_in *ret_address)
{
    socklen_t len = sizeof(*ret_address);
    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)ret_address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &len), 0);
    return fd;
}

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
    return fd;
}

static struct har_held read_it(struct har_holder *holder)
{
    struct har_held held = {0};
    assert_int_equal(har_holder_read(holder, 0, &held), SL_OK);
    return held;
}

static void what_clients_hold_counts_nothing_and_what_they_left_does(void **state)
{
    (void)state;
    struct sockaddr_in address;
    int listener = listen_somewhere(&address);
    struct har_holder *holder = har_holder_new(getpid());
    assert_non_null(holder);
    uint64_t before = read_it(holder).fds;
    assert_true(before > 0);

    int client = connect_to(&address);
    int accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(read_it(holder).fds, before);
    int copy = dup(accepted); /* one socket, two descriptors */
    assert_int_equal(read_it(holder).fds, before);
    (void)close(copy);

    (void)close(client);
    char byte = 0;
    assert_int_equal(read(accepted, &byte, 1), 0); /* its FIN is here */
    assert_int_equal(read_it(holder).fds, before + 1);
    (void)close(accepted);
    assert_int_equal(read_it(holder).fds, before);

    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read_it(holder).fds, before + 1);
    (void)close(file);
    (void)close(listener);
    har_holder_free(holder);
}

static void where_there_are_few_enough_connections_are_not_told_apart(void **state)
{
    (void)state;
    struct har_holder *holder = har_holder_new(getpid());
    struct har_held held = {0};
    assert_int_equal(har_holder_read(holder, 1000000, &held), SL_OK);
    assert_true(held.fds >= read_it(holder).fds);
    har_holder_free(holder);
}

static void memory_that_is_in_use_is_seen(void **state)
{
    enum { SIZE = 8 * 1024 * 1024, PAGE = 4096 };
    (void)state;
    struct har_holder *holder = har_holder_new(getpid());
    uint64_t before = read_it(holder).rss_bytes;
    volatile uint8_t *bytes = sl_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i += PAGE) {
        bytes[i] = 1;
    }
    assert_true(read_it(holder).rss_bytes >= before + SIZE / 2);
    sl_free((void *)(uintptr_t)bytes);
    har_holder_free(holder);
}

/* A child that listens and waits for its end. */
static pid_t serve(void)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct sockaddr_in address;
        (void)listen_somewhere(&address);
        (void)!write(ready[1], "r", 1);
        for (;;) {
            (void)pause();
        }
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

static void a_process_that_served_and_has_ended_is_named(void **state)
{
    (void)state;
    pid_t child = serve();
    struct har_holder *holder = har_holder_new(child);
    assert_non_null(holder);
    assert_int_equal(har_holder_lost(holder), 0);
    assert_int_equal(har_holder_refresh(holder), SL_OK);
    assert_int_equal(kill(child, SIGKILL), 0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(har_holder_lost(holder), child); /* a zombie serves nobody */
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(har_holder_lost(holder), child);
    assert_int_equal(har_holder_refresh(holder), SL_NOT_FOUND);
    har_holder_free(holder);
}

static void nobody_is_held_where_nobody_is_there(void **state)
{
    (void)state;
    pid_t child = serve();
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_null(har_holder_new(child));
    assert_null(har_holder_new(0));
    har_holder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clients_hold_counts_nothing_and_what_they_left_does),
        cmocka_unit_test(where_there_are_few_enough_connections_are_not_told_apart),
        cmocka_unit_test(memory_that_is_in_use_is_seen),
        cmocka_unit_test(a_process_that_served_and_has_ended_is_named),
        cmocka_unit_test(nobody_is_held_where_nobody_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
