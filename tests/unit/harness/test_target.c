/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/target/process.h"
#include "harness/target/ready.h"
#include "harness/target/resources.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "tests/unit/harness/client.h"

struct run {
    uv_loop_t loop;
    uv_timer_t guard;
    struct har_process *process;
    bool has_exited, is_stopped, is_late;
    size_t output_at_exit;
};

static void on_guard(uv_timer_t *timer)
{
    struct run *run = timer->data;
    run->is_late = true;
}

static void on_exited(void *owner, struct har_process *process)
{
    struct run *run = owner;
    assert_ptr_equal(process, run->process);
    run->has_exited = true;
    run->output_at_exit = har_process_output(process).len;
}

static void on_stopped(void *owner, struct har_process *process)
{
    struct run *run = owner;
    assert_ptr_equal(process, run->process);
    run->is_stopped = true;
}

static void start(struct run *run, const char *command)
{
    *run = (struct run){0};
    struct har_process_config config = {.command = command, .exited = on_exited, .owner = run};
    struct sl_error error = {0};
    uv_loop_init(&run->loop);
    uv_timer_init(&run->loop, &run->guard);
    run->guard.data = run;
    uv_timer_start(&run->guard, on_guard, 20000, 0);
    assert_int_equal(har_process_new(&run->loop, &config, &run->process, &error), SL_OK);
}

static void step(struct run *run)
{
    uv_run(&run->loop, UV_RUN_ONCE);
    if (run->is_late) {
        fail_msg("waited too long; output so far: %.*s",
                 SL_SPAN_ARG(har_process_output(run->process)));
    }
}

static bool has_written(const struct run *run, const char *text)
{
    struct sl_span output = har_process_output(run->process);
    return output.len > 0 && memmem(output.data, output.len, text, strlen(text)) != NULL;
}

static void finish(struct run *run)
{
    har_process_free(run->process);
    uv_close((uv_handle_t *)&run->guard, NULL);
    assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&run->loop), 0);
}

static void every_port_mark_is_replaced(void **state)
{
    struct run run;
    char text[64];
    (void)state;
    start(&run, "echo a{port}b{port}c; echo on stderr >&2; exit 3");
    while (!run.has_exited || !has_written(&run, "stderr")) {
        step(&run);
    }
    unsigned port = har_process_port(run.process);
    assert_true(port > 1023);
    snprintf(text, sizeof text, "a%ub%uc\non stderr\n", port, port);
    test_span_is(har_process_output(run.process), text);
    char state_text[HAR_PROCESS_TEXT_MAX];
    assert_string_equal(har_process_state(run.process, state_text), "exited with status 3");
    assert_true(har_process_has_exited(run.process));
    finish(&run);
}

static void the_last_words_are_there_when_the_end_is_told(void **state)
{
    struct run run;
    (void)state;
    for (int i = 0; i < 20; i++) { /* which comes first otherwise is a matter of luck */
        start(&run, "head -c 60000 /dev/zero; exit 1");
        while (!run.has_exited) {
            step(&run);
        }
        assert_int_equal(run.output_at_exit, 60000);
        finish(&run);
    }
}

static void death_by_a_signal_is_noticed_at_once(void **state)
{
    struct run run;
    char text[HAR_PROCESS_TEXT_MAX];
    (void)state;
    start(&run, "echo up; exec sleep 1000");
    while (!has_written(&run, "up")) {
        step(&run);
    }
    assert_string_equal(har_process_state(run.process, text), "is running");
    assert_int_equal(har_process_signal(run.process, SIGSEGV), SL_OK);
    while (!run.has_exited) {
        step(&run);
    }
    assert_string_equal(har_process_state(run.process, text),
                        "was ended by signal 11 (Segmentation fault)");
    assert_int_equal(har_process_signal(run.process, SIGTERM), SL_CLOSED);
    finish(&run);
}

static void stopping_ends_all_that_the_command_started(void **state)
{
    struct run run;
    (void)state;
    start(&run,
          "(trap '' TERM; echo child; while :; do sleep 1; done) & sleep 1000 & echo up; wait");
    while (!has_written(&run, "up") || !has_written(&run, "child")) {
        step(&run);
    }
    pid_t group = har_process_pid(run.process);
    assert_true(har_resources_has_group(group));
    har_process_stop(run.process, 200 * SL_MS, on_stopped, &run);
    while (!run.is_stopped) {
        step(&run);
    }
    assert_false(har_resources_has_group(group));
    assert_false(run.has_exited); /* not told once it is being stopped */
    finish(&run);
}

static void a_process_that_ends_on_sigterm_is_not_killed(void **state)
{
    struct run run;
    char text[HAR_PROCESS_TEXT_MAX];
    (void)state;
    start(&run, "trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.01; done");
    while (!has_written(&run, "up")) {
        step(&run);
    }
    har_process_stop(run.process, 15 * SL_SECOND, on_stopped, &run);
    while (!run.is_stopped || !has_written(&run, "drained")) {
        step(&run);
    }
    assert_string_equal(har_process_state(run.process, text), "exited with status 0");
    finish(&run);
}

static void freeing_kills_the_group(void **state)
{
    struct run run;
    (void)state;
    start(&run, "sleep 1000 & echo up; wait");
    while (!has_written(&run, "up")) {
        step(&run);
    }
    pid_t group = har_process_pid(run.process);
    finish(&run);
    while (har_resources_has_group(group)) {
        sched_yield(); /* the kernel has the signal; nothing tells when it has acted on it */
    }
}

static void only_the_end_of_much_output_is_kept(void **state)
{
    struct run run;
    (void)state;
    start(&run, "head -c 5000000 /dev/zero; echo the end");
    while (!run.has_exited || !has_written(&run, "the end\n")) {
        step(&run);
    }
    assert_int_equal(har_process_output(run.process).len, HAR_PROCESS_OUTPUT_MAX);
    assert_int_equal(har_process_output_lost(run.process), 5000008 - HAR_PROCESS_OUTPUT_MAX);
    finish(&run);
}

static void a_command_past_the_limit_is_refused(void **state)
{
    static char command[HAR_PROCESS_COMMAND_MAX + 2];
    uv_loop_t loop;
    struct har_process *process = NULL;
    struct har_process_config config = {.command = command};
    struct sl_error error = {0};
    (void)state;
    memset(command, 'x', sizeof command - 1);
    uv_loop_init(&loop);
    assert_int_equal(har_process_new(&loop, &config, &process, &error), SL_USAGE);
    assert_null(process);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void resources_are_summed_over_the_tree(void **state)
{
    struct run run;
    struct har_resources alone;
    struct har_resources tree;
    (void)state;
    start(&run, "sleep 1000 & (sleep 1000 & echo up; wait); wait");
    while (!has_written(&run, "up")) {
        step(&run);
    }
    assert_int_equal(har_resources_read(har_process_pid(run.process), &tree, NULL), SL_OK);
    assert_int_equal(tree.processes, 4); /* two shells, two sleeps */
    assert_int_equal(tree.threads, 4);
    assert_true(tree.fds >= 12);
    assert_true(tree.rss_bytes > UINT64_C(1) << 20);
    finish(&run);
    assert_int_equal(har_resources_read(getpid(), &alone, NULL), SL_OK);
    assert_int_equal(alone.processes, 1);
    struct sl_error error = {0};
    assert_int_equal(har_resources_read(0x7ffffff0, &alone, &error), SL_NOT_FOUND);
}

static void a_peak_that_is_gone_again_is_seen_until_it_is_reset(void **state)
{
    enum {
        BALLAST = 64 << 20,
    };
    struct har_resources before;
    struct har_resources after;
    (void)state;
    if (!har_resources_reset_peak(getpid())) {
        skip(); /* a kernel without clear_refs */
    }
    assert_int_equal(har_resources_read(getpid(), &before, NULL), SL_OK);
    /* From the kernel: an allocator may keep what is freed, and the one of a sanitizer does. */
    void *ballast = mmap(NULL, BALLAST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(ballast, MAP_FAILED);
    memset(ballast, 1, BALLAST);
    assert_int_equal(munmap(ballast, BALLAST), 0);
    assert_int_equal(har_resources_read(getpid(), &after, NULL), SL_OK);
    assert_true(after.peak_bytes >= before.rss_bytes + BALLAST / 2);
    assert_true(har_resources_reset_peak(getpid()));
    assert_int_equal(har_resources_read(getpid(), &after, NULL), SL_OK);
    assert_true(after.peak_bytes < before.rss_bytes + BALLAST / 2);
}

static void fds_are_counted_as_they_are_opened(void **state)
{
    struct har_resources before;
    struct har_resources after;
    int fds[10];
    (void)state;
    assert_int_equal(har_resources_read(getpid(), &before, NULL), SL_OK);
    for (size_t i = 0; i < 10; i++) {
        fds[i] = dup(0);
    }
    assert_int_equal(har_resources_read(getpid(), &after, NULL), SL_OK);
    for (size_t i = 0; i < 10; i++) {
        close(fds[i]);
    }
    assert_int_equal(after.fds, before.fds + 10);
}

/* --- readiness --- */

struct readiness {
    enum sl_status status;
    bool is_done;
    char text[HAR_READY_TEXT_MAX];
};

static void on_ready(void *owner, struct har_ready *ready, enum sl_status status, const char *text)
{
    struct readiness *readiness = owner;
    readiness->status = status;
    readiness->is_done = true;
    snprintf(readiness->text, sizeof readiness->text, "%s", text);
    har_ready_free(ready);
}

static struct readiness wait_ready(struct client *client, const char *method, uint64_t timeout_ns)
{
    struct readiness readiness = {0};
    struct har_ready_config config = {
        .conn = client_config(client, HAR_TRANSPORT_H2),
        .method = method,
        .timeout_ns = timeout_ns,
        .done = on_ready,
        .owner = &readiness,
    };
    (void)har_ready_new(&client->loop, &config);
    client_until(client, readiness.is_done);
    return readiness;
}

static void any_status_from_the_wire_means_ready(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){0});
    struct readiness readiness = wait_ready(client, "/t/Fail", 5 * SL_SECOND);
    assert_int_equal(readiness.status, SL_OK);
    assert_string_equal(readiness.text, "PERMISSION_DENIED: no way: 100%");
    client_free(client);
}

static void a_server_that_breaks_the_rules_is_there(void **state)
{
    static const char *const methods[] = {"/t/NoStatus", "/t/NoEnd", "/t/NoTrailers", "/t/Long"};
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct client *client = client_new(&(struct peer_script){0});
        struct readiness readiness = wait_ready(client, methods[i], 10 * SL_SECOND);
        if (readiness.status != SL_OK) {
            fail_msg("%s: status %d, \"%s\"", methods[i], readiness.status, readiness.text);
        }
        client_free(client);
    }
    struct client *client = client_new(&(struct peer_script){.is_ping_first = true});
    assert_int_equal(wait_ready(client, "/t/Fail", 10 * SL_SECOND).status, SL_OK);
    client_free(client);
}

struct unready_case {
    const char *name;
    struct peer_script script;
    const char *method;
    enum sl_status status;
    const char *text; /* a part of the reason */
};

static void nothing_else_does(void **state)
{
    static const struct unready_case cases[] = {
        {"a reset", {0}, "/t/Reset", SL_TIMEOUT, ""},
        {"a connection that dies", {0}, "/t/Die", SL_TIMEOUT, ""},
        {"no answer", {0}, "/t/Quiet", SL_TIMEOUT, "speaks HTTP/2, but the call had no answer"},
        {"HTTP/1.1",
         {.greeting = "HTTP/1.1 200 OK\r\n\r\n"},
         "/t/Echo",
         SL_UNSUPPORTED,
         "answers in HTTP/1.1"},
        {"TLS", {.greeting = "\x15\x03\x01"}, "/t/Echo", SL_UNSUPPORTED, "speaks TLS"},
        {"another banner",
         {.greeting = "SSH-2.0-OpenSSH_9.2\r\n"},
         "/t/Echo",
         SL_UNSUPPORTED,
         "begins with \"SSH-2.0-OpenSSH_9.2\""},
        {"our own bytes",
         {.greeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
         "/t/Echo",
         SL_UNSUPPORTED,
         "echoes"},
        {"a web server", {0}, "/t/Page", SL_TIMEOUT, ""},
        {"silence", {.is_mute = true}, "/t/Echo", SL_TIMEOUT, "says nothing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client *client = client_new(&cases[i].script);
        struct readiness readiness = wait_ready(client, cases[i].method, 150 * SL_MS);
        if (readiness.status != cases[i].status || readiness.text[0] == '\0' ||
            strstr(readiness.text, cases[i].text) == NULL) {
            fail_msg("%s: status %d, \"%s\"", cases[i].name, readiness.status, readiness.text);
        }
        client_free(client);
    }
}

static void a_server_that_comes_up_late_is_waited_for(void **state)
{
    (void)state;
    struct client *client = client_new(&(struct peer_script){0});
    struct readiness readiness = {0};
    struct har_ready_config config = {
        .conn = client_config(client, HAR_TRANSPORT_H2),
        .method = "/t/Fail",
        .timeout_ns = 10 * SL_SECOND,
        .done = on_ready,
        .owner = &readiness,
    };
    peer_free(client->peer);
    client_settle(client);
    (void)har_ready_new(&client->loop, &config);
    client_settle(client); /* some attempts are refused */
    assert_false(readiness.is_done);
    client->peer = peer_new_at(&client->loop, &(struct peer_script){0}, config.conn.port);
    client_until(client, readiness.is_done);
    assert_int_equal(readiness.status, SL_OK);
    client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_port_mark_is_replaced),
        cmocka_unit_test(the_last_words_are_there_when_the_end_is_told),
        cmocka_unit_test(death_by_a_signal_is_noticed_at_once),
        cmocka_unit_test(stopping_ends_all_that_the_command_started),
        cmocka_unit_test(a_process_that_ends_on_sigterm_is_not_killed),
        cmocka_unit_test(freeing_kills_the_group),
        cmocka_unit_test(only_the_end_of_much_output_is_kept),
        cmocka_unit_test(a_command_past_the_limit_is_refused),
        cmocka_unit_test(resources_are_summed_over_the_tree),
        cmocka_unit_test(a_peak_that_is_gone_again_is_seen_until_it_is_reset),
        cmocka_unit_test(fds_are_counted_as_they_are_opened),
        cmocka_unit_test(any_status_from_the_wire_means_ready),
        cmocka_unit_test(a_server_that_breaks_the_rules_is_there),
        cmocka_unit_test(nothing_else_does),
        cmocka_unit_test(a_server_that_comes_up_late_is_waited_for),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
