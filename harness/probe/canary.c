/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/canary.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define ALL_NS (5 * SL_SECOND)
#define ONE_NS (4 * SL_SECOND)

enum {
    PAUSE_MS = 20,
};

struct har_probe_canary {
    struct har_probe_canary_config config;
    struct har_ready *ready;
    uv_timer_t timer;
    uint32_t begun;
    bool is_ending, is_over, was_ok;
};

static void on_answer(void *owner, struct har_ready *ready, enum sl_status status,
                      const char *text);

static void ask(struct har_probe_canary *canary)
{
    struct har_ready_config config = canary->config.call;
    config.timeout_ns = ALL_NS;
    config.attempt_ns = ONE_NS;
    config.done = on_answer;
    config.owner = canary;
    canary->begun++;
    canary->ready = har_ready_new(canary->config.loop, &config);
}

static void on_pause_over(uv_timer_t *timer)
{
    struct har_probe_canary *canary = timer->data;
    bool is_enough = canary->config.count != 0 && canary->begun >= canary->config.count;
    if (canary->is_ending || is_enough) {
        canary->is_over = true;
        canary->config.done(canary->config.owner);
    } else {
        ask(canary);
    }
}

static void on_answer(void *owner, struct har_ready *ready, enum sl_status status, const char *text)
{
    struct har_probe_canary *canary = owner;
    struct har_probe_tally *tally = canary->config.tally;
    uint64_t took_ns = har_ready_took_ns(ready);
    tally->asked++;
    canary->was_ok = status == SL_OK && strncmp(text, "OK:", 3) == 0;
    if (status != SL_OK) {
        tally->lost++;
        (void)snprintf(tally->text, sizeof(tally->text), "%s", text);
    } else if (took_ns > tally->worst_ns) {
        tally->worst_ns = took_ns;
    }
    har_ready_free(ready);
    canary->ready = NULL;
    bool is_last = canary->is_ending || canary->begun == canary->config.count;
    (void)uv_timer_start(&canary->timer, on_pause_over, is_last ? 0 : PAUSE_MS, 0);
}

struct har_probe_canary *har_probe_canary_new(const struct har_probe_canary_config *config)
{
    struct har_probe_canary *canary = sl_alloc(sizeof(*canary));
    canary->config = *config;
    (void)uv_timer_init(config->loop, &canary->timer);
    canary->timer.data = canary;
    ask(canary);
    return canary;
}

void har_probe_canary_end(struct har_probe_canary *canary)
{
    canary->is_ending = true;
    if (canary->ready == NULL && !canary->is_over) { /* it pauses */
        (void)uv_timer_start(&canary->timer, on_pause_over, 0, 0);
    }
}

bool har_probe_canary_was_ok(const struct har_probe_canary *canary)
{
    return canary->was_ok;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_probe_canary_free(struct har_probe_canary *canary)
{
    if (canary != NULL) {
        har_ready_free(canary->ready);
        canary->ready = NULL;
        uv_close((uv_handle_t *)&canary->timer, on_closed);
    }
}
