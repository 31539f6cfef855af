/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/probe.h"

#include <stdio.h>

#include "harness/engine/chat.h"
#include "harness/probe/attack.h"
#include "harness/probe/canary.h"
#include "harness/probe/judge.h"
#include "harness/target/resources.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define HEALTH_METHOD "/grpc.health.v1.Health/Check"

enum {
    CANARIES = 3, /* before and after each class */
    REQUEST_MAX = 256,
};

/* Where a class stands. */
enum phase {
    CHOOSING_METHOD,
    BEFORE,
    ATTACKING,
    ENDING, /* the canary that is on its way is waited for */
    AFTER,
    RESTARTING,
};

struct har_probe {
    struct har_probe_config config;
    struct har_probe_result *results; /* as many as there are classes */
    size_t count;                     /* of them that are judged */
    size_t next;                      /* class of the table */
    enum phase phase;
    const char *method;
    bool is_served;
    struct sl_buf chat_request;
    struct sl_span request;
    struct har_probe_tally choosing;
    struct har_probe_canary *canary;
    struct har_probe_attack *attack;
    uint64_t begin_ns;
    char gone[HAR_TARGET_TEXT_MAX]; /* why nothing more can be asked; "": it can */
    uv_idle_t idle;                 /* the next class begins from the loop */
};

static void ask(struct har_probe *probe, struct har_probe_tally *tally, uint32_t count);

static struct har_probe_result *current(struct har_probe *probe)
{
    return &probe->results[probe->count];
}

/* ---- the end of a class ---- */

/* False where it is not known. */
static bool read_memory(struct har_probe *probe, uint64_t *rss, uint64_t *peak)
{
    struct har_resources resources = {0};
    pid_t pid = har_target_pid(probe->config.target);
    if (pid <= 0 || har_resources_read(pid, &resources, NULL) != SL_OK) {
        return false;
    }
    *rss = resources.rss_bytes;
    *peak = resources.peak_bytes;
    return true;
}

static void next_class(uv_idle_t *idle);

static void go_on(struct har_probe *probe)
{
    (void)uv_idle_start(&probe->idle, next_class);
}

static void close_class(struct har_probe *probe)
{
    struct har_probe_result *result = current(probe);
    probe->count++;
    probe->config.judged(probe->config.owner, result);
    go_on(probe);
}

static void on_restarted(void *owner, enum sl_status status, const char *text)
{
    struct har_probe *probe = owner;
    if (status != SL_OK) {
        (void)snprintf(probe->gone, sizeof(probe->gone), "it did not start again: %.200s", text);
    }
    close_class(probe);
}

static void finish_class(struct har_probe *probe)
{
    struct har_probe_result *result = current(probe);
    struct har_target *target = probe->config.target;
    result->has_process = har_target_pid(target) > 0;
    result->is_alive = result->has_process && har_target_is_alive(target);
    if (result->has_process && !result->is_alive) {
        (void)har_target_state(target, result->death);
    }
    result->is_noisy =
        har_hiccup_is_noisy(probe->config.hiccup, probe->begin_ns, sl_clock_mono_ns());
    har_probe_judge(result);
    bool is_lost = result->after.lost > 0 || (result->has_process && !result->is_alive);
    if (is_lost && har_target_is_spawned(target)) {
        probe->phase = RESTARTING;
        har_target_restart(target, on_restarted, probe);
        return;
    }
    if (is_lost) {
        (void)snprintf(probe->gone, sizeof(probe->gone), "the target is gone since %s",
                       result->of->name);
    }
    close_class(probe);
}

/* ---- the phases of a class ---- */

static void begin_attack(struct har_probe *probe);

static void on_attacked(void *owner)
{
    struct har_probe *probe = owner;
    probe->phase = ENDING;
    har_probe_canary_end(probe->canary);
}

static void not_run(struct har_probe *probe, const char *why)
{
    struct har_probe_result *result = current(probe);
    result->verdict = HAR_PROBE_NOT_RUN;
    (void)snprintf(result->reason, sizeof(result->reason), "%.230s", why);
    close_class(probe);
}

static void choose_method(struct har_probe *probe, bool was_ok)
{
    probe->is_served = was_ok;
    if (was_ok || probe->config.method != NULL || strcmp(probe->method, HEALTH_METHOD) == 0) {
        if (!was_ok && probe->config.method == NULL) {
            probe->method = HAR_SEND_METHOD;
            probe->request = sl_buf_span(&probe->chat_request);
        }
        go_on(probe);
        return;
    }
    probe->method = HEALTH_METHOD;
    probe->request = sl_span(NULL, 0);
    ask(probe, &probe->choosing, 1);
}

static void on_canaries(void *owner)
{
    struct har_probe *probe = owner;
    struct har_probe_result *result = current(probe);
    bool was_ok = har_probe_canary_was_ok(probe->canary);
    har_probe_canary_free(probe->canary);
    probe->canary = NULL;
    switch (probe->phase) {
    case CHOOSING_METHOD:
        choose_method(probe, was_ok);
        break;
    case BEFORE:
        if (result->before.lost > 0) {
            not_run(probe, "new connections were not served before it began");
        } else {
            begin_attack(probe);
        }
        break;
    case ENDING:
        har_probe_attack_free(probe->attack);
        probe->attack = NULL;
        probe->phase = AFTER;
        ask(probe, &result->after, CANARIES);
        break;
    case AFTER: {
        uint64_t peak = 0;
        result->has_memory = result->has_memory && read_memory(probe, &result->rss_after, &peak);
        result->rss_peak = peak > result->rss_after ? peak : result->rss_after;
        finish_class(probe);
        break;
    }
    case ATTACKING: /* it goes on until it is ended */
    case RESTARTING:
        break;
    }
}

static void ask(struct har_probe *probe, struct har_probe_tally *tally, uint32_t count)
{
    struct har_probe_canary_config config = {
        .loop = probe->config.loop,
        .call = {.conn = *har_target_conn(probe->config.target),
                 .method = probe->method,
                 .request = probe->request,
                 .metadata = probe->config.metadata,
                 .metadata_count = probe->config.metadata_count},
        .count = count,
        .tally = tally,
        .done = on_canaries,
        .owner = probe,
    };
    config.call.conn.transport = HAR_TRANSPORT_H2;
    probe->canary = har_probe_canary_new(&config);
}

static void begin_attack(struct har_probe *probe)
{
    struct har_probe_result *result = current(probe);
    struct har_probe_attack_config config = {
        .loop = probe->config.loop,
        .conn = *har_target_conn(probe->config.target),
        .method = probe->method,
        .request = probe->request,
        .metadata = probe->config.metadata,
        .metadata_count = probe->config.metadata_count,
        .percent = probe->config.percent,
        .patience_ns = probe->config.patience_ns,
        .result = result,
        .done = on_attacked,
        .owner = probe,
    };
    pid_t pid = har_target_pid(probe->config.target);
    uint64_t peak = 0;
    /* Where it cannot be begun anew the peak is that since the start, and tells nothing about the class. */
    result->has_memory =
        pid > 0 && har_resources_reset_peak(pid) && read_memory(probe, &result->rss_before, &peak);
    probe->phase = ATTACKING;
    ask(probe, &result->during, 0);
    probe->attack = har_probe_attack_new(&config);
}

static void next_class(uv_idle_t *idle)
{
    struct har_probe *probe = idle->data;
    (void)uv_idle_stop(idle);
    while (probe->next < har_probe_class_count && !probe->config.is_chosen[probe->next]) {
        probe->next++;
    }
    if (probe->next == har_probe_class_count) {
        probe->config.done(probe->config.owner);
        return;
    }
    struct har_probe_result *result = current(probe);
    result->of = &har_probe_classes[probe->next++];
    probe->begin_ns = sl_clock_mono_ns();
    probe->config.began(probe->config.owner, result->of);
    if (probe->gone[0] != '\0') {
        not_run(probe, probe->gone);
    } else if ((result->of->flags & HAR_PROBE_NEVER_SERVED) != 0 && !probe->is_served) {
        not_run(probe, "it needs a call that is answered with OK: --method /pkg.Service/Method");
    } else {
        probe->phase = BEFORE;
        ask(probe, &result->before, CANARIES);
    }
}

/* ---- life ---- */

struct har_probe *har_probe_new(const struct har_probe_config *config)
{
    struct har_probe *probe = sl_alloc(sizeof(*probe));
    probe->config = *config;
    probe->results = sl_calloc(har_probe_class_count + 1, sizeof(probe->results[0]));
    sl_buf_init(&probe->chat_request, REQUEST_MAX);
    /* An empty text: every server answers it, and nobody receives anything. */
    struct har_message message = {.room_id = sl_span_str("sluice-probe"),
                                  .user_id = sl_span_str("sluice")};
    har_message_write(&probe->chat_request, &message);
    (void)uv_idle_init(config->loop, &probe->idle);
    probe->idle.data = probe;
    probe->method = config->method == NULL ? HAR_SEND_METHOD : config->method;
    probe->request = config->method == NULL ? sl_buf_span(&probe->chat_request) : sl_span(NULL, 0);
    probe->phase = CHOOSING_METHOD;
    ask(probe, &probe->choosing, 1);
    return probe;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_probe_free(struct har_probe *probe)
{
    if (probe != NULL) {
        har_probe_canary_free(probe->canary);
        har_probe_attack_free(probe->attack);
        sl_buf_release(&probe->chat_request);
        sl_free(probe->results);
        uv_close((uv_handle_t *)&probe->idle, on_closed);
    }
}

const char *har_probe_method(const struct har_probe *probe, bool *ret_is_served)
{
    *ret_is_served = probe->is_served;
    return probe->method;
}

const struct har_probe_result *har_probe_results(const struct har_probe *probe, size_t *ret_count)
{
    *ret_count = probe->count;
    return probe->results;
}
