/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/otlp.h"

#include <pthread.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log_line.h"
#include "reference-server/telemetry/otlp_post.h"
#include "reference-server/telemetry/span.h"

/* How long the first span of a batch waits for others. */
#define BATCH_NS       SL_SECOND
#define FIRST_RETRY_NS SL_SECOND
#define TELL_LOSSES_NS (60 * SL_SECOND)

struct srv_otlp {
    struct srv_sink base;
    pthread_t thread;
    struct srv_otlp_post *post;
    char instance[SRV_INSTANCE_MAX];
    /* Under lock. */
    pthread_mutex_t lock;
    pthread_cond_t change; /* a batch is full, or it stops */
    struct srv_span queue[SRV_OTLP_QUEUE_MAX];
    size_t first;
    size_t count;
    uint64_t dropped; /* the queue was full; since it was last told */
    uint64_t stop_ns; /* when all must be over; 0: it goes on */
    /* The thread's own. */
    struct srv_span batch[SRV_OTLP_BATCH_MAX];
    struct sl_buf json;
    uint64_t post_end_ns;
    uint64_t given_up; /* spans of batches that failed; since it was last told */
    uint64_t told_ns;
    char why[sizeof(((struct srv_post_result *)NULL)->why)];
};

static void call_ended(struct srv_sink *sink, const struct srv_call_record *call)
{
    struct srv_otlp *otlp = (struct srv_otlp *)sink;
    if (!call->trace.is_sampled) {
        return;
    }
    pthread_mutex_lock(&otlp->lock);
    if (otlp->count == SRV_OTLP_QUEUE_MAX) {
        otlp->dropped++;
    } else {
        srv_span_of(call, &otlp->queue[(otlp->first + otlp->count) % SRV_OTLP_QUEUE_MAX]);
        otlp->count++;
        if (otlp->count == 1 || otlp->count == SRV_OTLP_BATCH_MAX) {
            pthread_cond_signal(&otlp->change);
        }
    }
    pthread_mutex_unlock(&otlp->lock);
}

/* Waits until then, or until it is to stop; lock is held. */
static void wait_until(struct srv_otlp *otlp, uint64_t until_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ns / SL_SECOND),
                                   .tv_nsec = (long)(until_ns % SL_SECOND)};
    (void)pthread_cond_timedwait(&otlp->change, &otlp->lock, &until);
}

static size_t take(struct srv_otlp *otlp)
{
    size_t count = otlp->count < SRV_OTLP_BATCH_MAX ? otlp->count : SRV_OTLP_BATCH_MAX;
    for (size_t i = 0; i < count; i++) {
        otlp->batch[i] = otlp->queue[otlp->first];
        otlp->first = (otlp->first + 1) % SRV_OTLP_QUEUE_MAX;
    }
    otlp->count -= count;
    return count;
}

static void tell_losses(struct srv_otlp *otlp)
{
    struct sl_log_line line;
    pthread_mutex_lock(&otlp->lock);
    uint64_t dropped = otlp->dropped;
    otlp->dropped = 0;
    pthread_mutex_unlock(&otlp->lock);
    otlp->told_ns = sl_clock_mono_ns();
    if (dropped + otlp->given_up == 0) {
        return;
    }
    sl_log_line_begin(&line, SL_LOG_WARN, "otlp", "spans were lost");
    sl_log_line_u64(&line, "queue_full", dropped);
    sl_log_line_u64(&line, "not_delivered", otlp->given_up);
    sl_log_line_str(&line, "last_failure", otlp->why);
    sl_log_line_end(&line);
    otlp->given_up = 0;
}

/* Takes a batch. It is empty when it is time to tell of losses, or all is over. */
static size_t next_batch(struct srv_otlp *otlp, bool *ret_is_over)
{
    uint64_t batch_ns = 0; /* when the batch is to go */
    uint64_t tell_ns = otlp->told_ns + TELL_LOSSES_NS;
    uint64_t now_ns = sl_clock_mono_ns();
    pthread_mutex_lock(&otlp->lock);
    while (otlp->stop_ns == 0 && otlp->count < SRV_OTLP_BATCH_MAX) {
        if (otlp->count > 0 && batch_ns == 0) {
            batch_ns = now_ns + BATCH_NS;
        }
        uint64_t until_ns = batch_ns == 0 ? tell_ns : batch_ns;
        if (now_ns >= until_ns) {
            break;
        }
        wait_until(otlp, until_ns);
        now_ns = sl_clock_mono_ns();
    }
    size_t count = take(otlp);
    *ret_is_over = otlp->stop_ns != 0 && count == 0;
    pthread_mutex_unlock(&otlp->lock);
    return count;
}

/* Until when the POST that is on its way may take. */
static uint64_t post_deadline(void *context)
{
    struct srv_otlp *otlp = context;
    pthread_mutex_lock(&otlp->lock);
    uint64_t stop_ns = otlp->stop_ns;
    pthread_mutex_unlock(&otlp->lock);
    return stop_ns != 0 && stop_ns < otlp->post_end_ns ? stop_ns : otlp->post_end_ns;
}

/* False when it was told to stop and cannot wait so long. */
static bool wait_to_retry(struct srv_otlp *otlp, uint64_t wait_ns)
{
    uint64_t until_ns = sl_clock_mono_ns() + wait_ns;
    bool can_wait = true;
    pthread_mutex_lock(&otlp->lock);
    while (can_wait && sl_clock_mono_ns() < until_ns) {
        can_wait = otlp->stop_ns == 0 || until_ns < otlp->stop_ns;
        if (can_wait) {
            wait_until(otlp, until_ns);
        }
    }
    pthread_mutex_unlock(&otlp->lock);
    return can_wait;
}

/* Sends the batch; false when it was given up, and otlp->why says why. */
static bool deliver(struct srv_otlp *otlp, size_t count)
{
    sl_buf_clear(&otlp->json);
    srv_span_request(otlp->batch, count, sl_clock_wall_ns() - sl_clock_mono_ns(), otlp->instance,
                     &otlp->json);
    uint64_t wait_ns = FIRST_RETRY_NS;
    for (unsigned attempt = 1;; attempt++) {
        struct srv_post_result result;
        otlp->post_end_ns = sl_clock_mono_ns() + SRV_OTLP_ANSWER_MS * SL_MS;
        srv_otlp_post_send(otlp->post, sl_buf_span(&otlp->json), post_deadline, otlp, &result);
        if (result.what == SRV_POSTED_OK) {
            return true;
        }
        memcpy(otlp->why, result.why, sizeof(otlp->why));
        uint64_t asked_ns = result.retry_after_s < SRV_OTLP_RETRY_AFTER_MAX_S
                                ? result.retry_after_s * SL_SECOND
                                : SRV_OTLP_RETRY_AFTER_MAX_S * SL_SECOND;
        if (result.what == SRV_POSTED_NEVER || attempt == SRV_OTLP_ATTEMPTS ||
            !wait_to_retry(otlp, asked_ns > 0 ? asked_ns : wait_ns)) {
            return false;
        }
        wait_ns *= 2;
    }
}

static void *otlp_main(void *context)
{
    struct srv_otlp *otlp = context;
    bool is_over = false;
    otlp->told_ns = sl_clock_mono_ns();
    while (!is_over) {
        size_t count = next_batch(otlp, &is_over);
        if (count > 0 && !deliver(otlp, count)) {
            otlp->given_up += count;
        }
        if (sl_clock_mono_ns() >= otlp->told_ns + TELL_LOSSES_NS) {
            tell_losses(otlp);
        }
    }
    tell_losses(otlp);
    return NULL;
}

struct srv_otlp *srv_otlp_start(const char *url, struct srv_trace_source *ids,
                                struct sl_error *reterr_error)
{
    static const struct srv_sink_ops ops = {.call_ended = call_ended};
    struct srv_otlp_post *post = srv_otlp_post_new(url, reterr_error);
    if (post == NULL) {
        return NULL;
    }
    struct srv_otlp *otlp = sl_alloc(sizeof(*otlp));
    struct srv_trace name;
    pthread_condattr_t monotonic;
    otlp->base.ops = &ops;
    otlp->post = post;
    srv_trace_begin(ids, sl_span(NULL, 0), &name);
    (void)srv_trace_id_text(&name, otlp->instance);
    sl_buf_init(&otlp->json, (SRV_OTLP_BATCH_MAX + 1) * (size_t)SRV_SPAN_JSON_MAX);
    pthread_mutex_init(&otlp->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&otlp->change, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_create(&otlp->thread, NULL, otlp_main, otlp);
    return otlp;
}

struct srv_sink *srv_otlp_sink(struct srv_otlp *otlp)
{
    return &otlp->base;
}

void srv_otlp_stop(struct srv_otlp *otlp)
{
    if (otlp == NULL) {
        return;
    }
    pthread_mutex_lock(&otlp->lock);
    otlp->stop_ns = sl_clock_mono_ns() + SRV_OTLP_STOP_MS * SL_MS;
    pthread_cond_signal(&otlp->change);
    pthread_mutex_unlock(&otlp->lock);
    pthread_join(otlp->thread, NULL);
    srv_otlp_post_free(otlp->post);
    pthread_mutex_destroy(&otlp->lock);
    pthread_cond_destroy(&otlp->change);
    sl_buf_release(&otlp->json);
    sl_free(otlp);
}
