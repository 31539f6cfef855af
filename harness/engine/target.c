/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/target.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "harness/binding/binding.h"
#include "harness/engine/chat.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define START_NS  (10 * SL_SECOND) /* an address: it is there or it is not */
#define SPAWN_NS  (30 * SL_SECOND)
#define CANARY_NS (5 * SL_SECOND)
#define GRACE_NS  (5 * SL_SECOND)

struct har_target {
    struct har_target_config config;
    struct har_process *process;
    struct har_ready *ready;
    bool is_starting, is_restarting;
    har_target_fn *done;
    void *owner;
    struct sl_buf request;
    struct sockaddr_storage
        address;     /* of a name, the one that answered first: all connections go there */
    uint64_t rtt_ns; /* the shortest that a call took; 0: none was answered yet */
    struct har_watch *watches;
};

struct har_target *har_target_new(const struct har_target_config *config)
{
    struct har_target *target = sl_alloc(sizeof(*target));
    target->config = *config;
    if (config->command != NULL) {
        target->config.conn.host = "127.0.0.1";
    }
    target->config.conn.address = NULL;
    /* An empty text: every server answers it, and nobody receives anything. */
    sl_buf_init(&target->request, HAR_BINDING_REQUEST_MAX);
    struct har_message message = {.room_id = sl_span_str("sluice-canary"),
                                  .user_id = sl_span_str("sluice")};
    if (config->binding == NULL) {
        har_message_write(&target->request, &message);
    } else {
        har_binding_request(config->binding, HAR_ROLE_UNARY, 0, &target->request);
    }
    return target;
}

void har_target_watch(struct har_target *target, struct har_watch *watch)
{
    watch->next = target->watches;
    watch->place = &target->watches;
    if (watch->next != NULL) {
        watch->next->place = &watch->next;
    }
    target->watches = watch;
}

void har_target_unwatch(struct har_watch *watch)
{
    if (watch->place != NULL) {
        *watch->place = watch->next;
        if (watch->next != NULL) {
            watch->next->place = watch->place;
        }
        watch->place = NULL;
    }
}

static void tell_watches(struct har_target *target, struct sl_span bytes)
{
    for (const struct har_watch *watch = target->watches; watch != NULL; watch = watch->next) {
        watch->output(watch->owner, bytes);
    }
}

void har_target_free(struct har_target *target)
{
    if (target != NULL) {
        while (target->watches != NULL) {
            har_target_unwatch(target->watches);
        }
        har_ready_free(target->ready);
        har_process_free(target->process);
        sl_buf_release(&target->request);
        sl_free(target);
    }
}

const struct har_conn_config *har_target_conn(const struct har_target *target)
{
    return &target->config.conn;
}

uint64_t har_target_rtt_ns(const struct har_target *target)
{
    return target->rtt_ns;
}

pid_t har_target_pid(const struct har_target *target)
{
    return target->process != NULL ? har_process_pid(target->process) : target->config.pid;
}

bool har_target_is_spawned(const struct har_target *target)
{
    return target->config.command != NULL;
}

struct sl_span har_target_output(const struct har_target *target)
{
    return target->process == NULL ? sl_span(NULL, 0) : har_process_output(target->process);
}

const char *har_target_state(const struct har_target *target, char text[HAR_TARGET_TEXT_MAX])
{
    text[0] = '\0';
    if (target->process == NULL) {
        return text;
    }
    char state[HAR_PROCESS_TEXT_MAX];
    struct sl_span output = har_process_output(target->process);
    struct sl_span tail = sl_span_from(output, output.len > 300 ? output.len - 300 : 0);
    (void)snprintf(text, HAR_TARGET_TEXT_MAX, "the server %s%s%.*s",
                   har_process_state(target->process, state),
                   tail.len == 0 ? "" : "; it wrote: ", (int)tail.len,
                   tail.len == 0 ? "" : (const char *)tail.data);
    return text;
}

void har_target_note_refusal(const char *text, char noted[HAR_TARGET_TEXT_MAX])
{
    static const char *const names[] = {"UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0) {
            (void)snprintf(noted, HAR_TARGET_TEXT_MAX, "%s", text);
        }
    }
}

static void finish(struct har_target *target, enum sl_status status, const char *text)
{
    har_target_fn *done = target->done;
    target->done = NULL;
    target->is_starting = false;
    har_ready_free(target->ready);
    target->ready = NULL;
    if (done != NULL) {
        done(target->owner, status, text);
    }
}

static void keep_address(struct har_target *target, const struct sockaddr_storage *address)
{
    if (target->config.conn.address == NULL &&
        (address->ss_family == AF_INET || address->ss_family == AF_INET6)) {
        target->address = *address;
        target->config.conn.address = &target->address;
    }
}

static void on_ready(void *owner, struct har_ready *ready, enum sl_status status, const char *text)
{
    struct har_target *target = owner;
    uint64_t took_ns = har_ready_took_ns(ready);
    if (status == SL_OK && (target->rtt_ns == 0 || took_ns < target->rtt_ns)) {
        target->rtt_ns = took_ns;
    }
    if (status == SL_OK && target->config.command == NULL) {
        keep_address(target, har_ready_peer(ready));
    }
    char reason[HAR_READY_TEXT_MAX];
    (void)snprintf(reason, sizeof(reason), "%s", text == NULL ? "" : text);
    finish(target, status, reason);
}

static void on_exited(void *owner, struct har_process *process)
{
    struct har_target *target = owner;
    (void)process;
    if (target->is_starting || target->ready != NULL) { /* or asked whether it still serves */
        char text[HAR_TARGET_TEXT_MAX];
        finish(target, SL_CLOSED, har_target_state(target, text));
    }
}

static void on_output(void *owner, struct har_process *process, struct sl_span bytes)
{
    (void)process;
    tell_watches(owner, bytes);
}

static void ask(struct har_target *target, uint64_t timeout_ns)
{
    const struct har_binding *binding = target->config.binding;
    struct har_ready_config config = {
        .conn = target->config.conn,
        .method = binding == NULL ? HAR_SEND_METHOD : binding->methods[HAR_ROLE_UNARY].method,
        .request = sl_buf_span(&target->request),
        .metadata = target->config.metadata,
        .metadata_count = target->config.metadata_count,
        .timeout_ns = timeout_ns,
        .attempt_ns = 4 * SL_SECOND,
        .done = on_ready,
        .owner = target,
    };
    config.conn.transport = HAR_TRANSPORT_H2;
    target->ready = har_ready_new(target->config.loop, &config);
}

/* port 0: any free one. False when it could not be started, which done() was then told. */
static bool spawn(struct har_target *target, uint16_t port)
{
    struct sl_error error = {0};
    struct har_process_config config = {.command = target->config.command,
                                        .port = port,
                                        .exited = on_exited,
                                        .output = on_output,
                                        .owner = target};
    if (target->process != NULL) {
        tell_watches(target, sl_span_str("\n[sluice-harness: the server is started again]\n"));
    }
    har_process_free(target->process);
    target->process = NULL;
    if (har_process_new(target->config.loop, &config, &target->process, &error) != SL_OK) {
        finish(target, error.status, error.text);
        return false;
    }
    target->config.conn.port = har_process_port(target->process);
    return true;
}

static uint64_t ready_ns(const struct har_target *target)
{
    uint64_t usual_ns = target->config.command != NULL ? SPAWN_NS : START_NS;
    return target->config.ready_ns != 0 ? target->config.ready_ns : usual_ns;
}

void har_target_start(struct har_target *target, har_target_fn *done, void *owner)
{
    target->done = done;
    target->owner = owner;
    target->is_starting = true;
    if (target->config.command == NULL || spawn(target, 0)) {
        ask(target, ready_ns(target));
    }
}

struct har_target *har_target_another(const struct har_target *target)
{
    return target->config.command == NULL ? NULL : har_target_new(&target->config);
}

static void on_killed(void *owner, struct har_process *process)
{
    struct har_target *target = owner;
    (void)process;
    if (!target->is_restarting) { /* it was stopped meanwhile */
        finish(target, SL_OK, "");
        return;
    }
    target->is_restarting = false;
    target->is_starting = true;
    if (spawn(target, target->config.conn.port)) {
        ask(target, ready_ns(target));
    }
}

void har_target_restart(struct har_target *target, har_target_fn *done, void *owner)
{
    target->done = done;
    target->owner = owner;
    if (target->process == NULL) {
        finish(target, SL_UNSUPPORTED, "it was not started by --exec");
        return;
    }
    target->is_restarting = true;
    (void)har_process_signal(target->process, SIGKILL);
    har_process_stop(target->process, 0, on_killed, target);
}

void har_target_forget(struct har_target *target)
{
    target->done = NULL;
}

enum sl_status har_target_signal(struct har_target *target, int signal_number)
{
    if (target->process != NULL) {
        return har_process_signal(target->process, signal_number);
    }
    if (target->config.pid <= 0) {
        return SL_UNSUPPORTED;
    }
    if (kill(target->config.pid, signal_number) == 0) {
        return SL_OK;
    }
    return errno == ESRCH ? SL_CLOSED : SL_IO;
}

bool har_target_is_alive(const struct har_target *target)
{
    if (target->process != NULL) {
        return har_process_is_alive(target->process);
    }
    return target->config.pid > 0 && (kill(target->config.pid, 0) == 0 || errno == EPERM);
}

int har_target_exit_status(const struct har_target *target)
{
    return target->process == NULL ? -1 : har_process_exit_status(target->process);
}

void har_target_canary(struct har_target *target, har_target_fn *done, void *owner)
{
    target->done = done;
    target->owner = owner;
    if (target->process != NULL && har_process_has_exited(target->process)) {
        char text[HAR_TARGET_TEXT_MAX];
        finish(target, SL_CLOSED, har_target_state(target, text));
        return;
    }
    ask(target, CANARY_NS);
}

static void on_stopped(void *owner, struct har_process *process)
{
    struct har_target *target = owner;
    (void)process;
    finish(target, SL_OK, "");
}

void har_target_stop(struct har_target *target, har_target_fn *done, void *owner)
{
    target->done = done;
    target->owner = owner;
    target->is_starting = target->is_restarting = false; /* what was asked before counts no more */
    har_ready_free(target->ready);
    target->ready = NULL;
    if (target->process == NULL) {
        finish(target, SL_OK, "");
        return;
    }
    har_process_stop(target->process, GRACE_NS, on_stopped, target);
}
