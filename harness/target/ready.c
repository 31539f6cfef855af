/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/ready.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

#define ATTEMPT_NS     (5 * SL_SECOND)
#define FIRST_PAUSE_NS (20 * SL_MS)
#define LAST_PAUSE_NS  (500 * SL_MS)

struct har_ready {
    struct har_ready_config config;
    uv_loop_t *loop;
    uv_timer_t timer; /* the next attempt, or the end of this one */
    struct har_conn *conn;
    struct har_stream *stream;
    uint64_t deadline_ns;
    uint64_t pause_ns;
    uint64_t begin_ns, took_ns; /* of the last attempt */
    char text[HAR_READY_TEXT_MAX];
    bool is_answered; /* the last attempt had a status from the wire, though UNAVAILABLE */
    bool is_done;
};

static void begin_attempt(struct har_ready *ready);

static void end_attempt(struct har_ready *ready)
{
    har_stream_free(ready->stream);
    har_conn_free(ready->conn);
    ready->stream = NULL;
    ready->conn = NULL;
}

static void finish(struct har_ready *ready, enum sl_status status)
{
    ready->is_done = true;
    uv_timer_stop(&ready->timer);
    end_attempt(ready);
    ready->config.done(ready->config.owner, ready, status, ready->text);
}

static uint64_t to_ms(uint64_t ns)
{
    return (ns + SL_MS - 1) / SL_MS;
}

static void on_pause_over(uv_timer_t *timer)
{
    begin_attempt(timer->data);
}

/* The attempt has failed: another one after a pause, while there is time. */
static void retry(struct har_ready *ready)
{
    end_attempt(ready);
    if (sl_clock_mono_ns() + ready->pause_ns >= ready->deadline_ns) {
        finish(ready, ready->is_answered ? SL_OK : SL_TIMEOUT);
        return;
    }
    uv_timer_start(&ready->timer, on_pause_over, to_ms(ready->pause_ns), 0);
    ready->pause_ns = ready->pause_ns * 2 < LAST_PAUSE_NS ? ready->pause_ns * 2 : LAST_PAUSE_NS;
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct har_ready *ready = owner;
    const char *name = sl_grpc_status_name(result->code);
    (void)stream;
    bool is_from_wire =
        result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY;
    ready->is_answered = is_from_wire;
    ready->took_ns = sl_clock_mono_ns() - ready->begin_ns;
    snprintf(ready->text, sizeof ready->text, "%s: %s", name == NULL ? "unknown status" : name,
             result->message);
    if (is_from_wire && result->code != SL_GRPC_UNAVAILABLE) {
        finish(ready, SL_OK);
    } else {
        retry(ready);
    }
}

static void on_ended(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text)
{
    struct har_ready *ready = owner;
    (void)conn;
    (void)how;
    snprintf(ready->text, sizeof ready->text, "%s", text);
    retry(ready);
}

static void on_attempt_over(uv_timer_t *timer)
{
    struct har_ready *ready = timer->data;
    snprintf(ready->text, sizeof ready->text, "the call had no answer in time");
    ready->is_answered = false;
    retry(ready);
}

static const struct har_conn_handler conn_handler = {.ended = on_ended};
static const struct har_stream_handler stream_handler = {.end = on_end};

static void begin_attempt(struct har_ready *ready)
{
    ready->begin_ns = sl_clock_mono_ns();
    struct har_conn_config conn = ready->config.conn;
    conn.handler = &conn_handler;
    conn.owner = ready;
    ready->conn = har_conn_new(ready->loop, &conn);
    struct har_stream_config stream = {
        .method = ready->config.method,
        .metadata = ready->config.metadata,
        .metadata_count = ready->config.metadata_count,
        .handler = &stream_handler,
        .owner = ready,
    };
    ready->stream = har_stream_new(ready->conn, &stream);
    (void)har_stream_send(ready->stream, ready->config.request);
    har_stream_half_close(ready->stream);
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t left_ns = ready->deadline_ns > now_ns ? ready->deadline_ns - now_ns : 0;
    uint64_t attempt_ns = ready->config.attempt_ns < left_ns ? ready->config.attempt_ns : left_ns;
    uv_timer_start(&ready->timer, on_attempt_over, to_ms(attempt_ns), 0);
}

struct har_ready *har_ready_new(uv_loop_t *loop, const struct har_ready_config *config)
{
    struct har_ready *ready = sl_alloc(sizeof *ready);
    ready->config = *config;
    if (config->attempt_ns == 0) {
        ready->config.attempt_ns = ATTEMPT_NS;
    }
    ready->loop = loop;
    ready->pause_ns = FIRST_PAUSE_NS;
    ready->deadline_ns = sl_clock_mono_ns() + config->timeout_ns;
    uv_timer_init(loop, &ready->timer);
    ready->timer.data = ready;
    begin_attempt(ready);
    return ready;
}

uint64_t har_ready_took_ns(const struct har_ready *ready)
{
    return ready->took_ns;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_ready_free(struct har_ready *ready)
{
    if (ready != NULL && !uv_is_closing((uv_handle_t *)&ready->timer)) {
        end_attempt(ready);
        uv_close((uv_handle_t *)&ready->timer, on_closed);
    }
}
