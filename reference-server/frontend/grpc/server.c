/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#ifdef __GLIBC__
#    include <malloc.h>
#endif
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/accept.h"
#include "reference-server/frontend/grpc/internal.h"

enum {
    SLOTS_A_METHOD = 64, /* more gain nothing */
    SLOTS = SLOTS_A_METHOD * (SRV_METHOD_COUNT + 1),
    CALLS_A_TRIM = 256,
};

/* How long after a call's end memory is given back: at most so often, and when a storm has passed. */
#define TRIM_NS SL_SECOND

/* What the C core has to say, in the form of our own log. It is about peers as often as about us: no error. */
static void log_of_core(gpr_log_func_args *said)
{
    sl_log(said->severity == GPR_LOG_SEVERITY_ERROR ? SL_LOG_WARN : SL_LOG_DEBUG, "grpc", "%s",
           said->message);
}

static void request(struct srv_slot *slot)
{
    struct srv_grpc *grpc = slot->grpc;
    grpc_metadata_array_init(&slot->metadata);
    slot->payload = NULL;
    grpc_call_error error;
    if (slot->method == NULL) {
        grpc_call_details_init(&slot->details);
        error = grpc_server_request_call(grpc->server, &slot->call, &slot->details, &slot->metadata,
                                         grpc->queue, grpc->queue, &slot->tag);
    } else {
        error = grpc_server_request_registered_call(
            grpc->server, slot->registered, &slot->call, &slot->deadline, &slot->metadata,
            slot->method->has_request ? &slot->payload : NULL, grpc->queue, grpc->queue,
            &slot->tag);
    }
    assert(error == GRPC_CALL_OK);
    (void)error;
    grpc->slots_out++;
}

static void slot_done(struct srv_tag *tag, bool ok)
{
    struct srv_slot *slot =
        (struct srv_slot *)(void *)((char *)tag - offsetof(struct srv_slot, tag));
    struct srv_slot came = *slot;
    struct srv_grpc *grpc = slot->grpc;
    grpc->slots_out--;
    if (slot->method == NULL) {
        grpc_call_details_destroy(&slot->details);
    }
    if (!ok) {
        grpc_metadata_array_destroy(&slot->metadata);
        srv_grpc_check_end(grpc);
        return;
    }
    request(slot);
    if (came.method == NULL) {
        came.method = &srv_unknown_method;
    }
    srv_call_begin(&came);
}

void srv_grpc_check_end(struct srv_grpc *grpc)
{
    if (grpc->is_shut_down && grpc->calls == NULL && grpc->slots_out == 0) {
        grpc_completion_queue_shutdown(grpc->queue);
    }
}

/* RES-01: the C library keeps what a storm of calls has freed, in pieces that it does not give back by itself. */
static void trim(struct srv_timer *timer)
{
    struct srv_grpc *grpc =
        (struct srv_grpc *)(void *)((char *)timer - offsetof(struct srv_grpc, trim_timer));
    grpc->calls_ended = 0;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void srv_grpc_note_ended(struct srv_grpc *grpc)
{
    grpc->calls_ended++;
    if (grpc->calls_ended == CALLS_A_TRIM) {
        grpc->trim_timer.fire = trim;
        srv_grpc_set_timer(grpc, &grpc->trim_timer, sl_clock_mono_ns() + TRIM_NS);
    }
}

static void *poll_main(void *context)
{
    struct srv_grpc *grpc = context;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(grpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            break;
        }
        struct srv_tag *tag = event.tag;
        pthread_mutex_lock(&grpc->lock);
        tag->done(tag, event.success != 0);
        pthread_mutex_unlock(&grpc->lock);
    }
    grpc->ended(grpc->ended_context);
    return NULL;
}

void srv_grpc_set_timer(struct srv_grpc *grpc, struct srv_timer *timer, uint64_t due_ns)
{
    if (srv_timers_set(&grpc->timers, timer, due_ns)) {
        pthread_cond_signal(&grpc->timer_change);
    }
}

static void *timer_main(void *context)
{
    struct srv_grpc *grpc = context;
    pthread_mutex_lock(&grpc->lock);
    while (!grpc->is_timer_stopped) {
        struct srv_timer *first = srv_timers_first(&grpc->timers);
        if (first == NULL) {
            pthread_cond_wait(&grpc->timer_change, &grpc->lock);
        } else if (first->due_ns <= sl_clock_mono_ns()) {
            srv_timers_remove(&grpc->timers, first);
            first->fire(first);
        } else {
            struct timespec until = {.tv_sec = (time_t)(first->due_ns / SL_SECOND),
                                     .tv_nsec = (long)(first->due_ns % SL_SECOND)};
            pthread_cond_timedwait(&grpc->timer_change, &grpc->lock, &until);
        }
    }
    pthread_mutex_unlock(&grpc->lock);
    return NULL;
}

static enum sl_status listen_on(struct srv_grpc *grpc, const struct srv_frontend_config *config,
                                struct sl_error *reterr)
{
    grpc->credentials = srv_credentials_new(config, reterr);
    if (grpc->credentials == NULL) {
        return SL_IO;
    }
    grpc_server_credentials *credentials = srv_credentials_give(grpc->credentials);
    const struct srv_misbehave *wrong = &grpc->chat->config.misbehave;
    grpc->services->is_cold = wrong->slow_after_restart && !srv_accept_can_bind(config->listen);
    if (!wrong->bind_without_reuse || srv_accept_can_bind(config->listen)) {
        grpc->port = grpc_server_add_http2_port(grpc->server, config->listen, credentials);
    }
    grpc_server_credentials_release(credentials);
    if (grpc->port == 0) {
        return sl_error_set(reterr, SL_IO, "cannot listen on %s", config->listen);
    }
    return SL_OK;
}

static void register_methods(struct srv_grpc *grpc, void *registered[SRV_METHOD_COUNT])
{
    for (size_t i = 0; i < SRV_METHOD_COUNT; i++) {
        registered[i] = grpc_server_register_method(grpc->server, srv_methods[i].path, NULL,
                                                    srv_methods[i].has_request
                                                        ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER
                                                        : GRPC_SRM_PAYLOAD_NONE,
                                                    0);
    }
}

static void fill_slots(struct srv_grpc *grpc, void *const registered[SRV_METHOD_COUNT])
{
    grpc->slots = sl_calloc(SLOTS, sizeof(grpc->slots[0]));
    for (size_t i = 0; i < SLOTS; i++) {
        struct srv_slot *slot = &grpc->slots[i];
        size_t method = i / SLOTS_A_METHOD;
        slot->tag.done = slot_done;
        slot->grpc = grpc;
        if (method < SRV_METHOD_COUNT) {
            slot->method = &srv_methods[method];
            slot->registered = registered[method];
        }
        request(slot);
    }
}

static void init_locks(struct srv_grpc *grpc)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&grpc->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&grpc->timer_change, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void release(struct srv_grpc *grpc)
{
    grpc_server_destroy(grpc->server);
    grpc_completion_queue_destroy(grpc->queue);
    grpc_shutdown();
    srv_credentials_free(grpc->credentials);
    srv_accept_release();
    srv_timers_release(&grpc->timers);
    pthread_cond_destroy(&grpc->timer_change);
    pthread_mutex_destroy(&grpc->lock);
    sl_free(grpc->slots);
    sl_free(grpc);
}

/* A server that never listened also wants to be shut down. */
static void abandon(struct srv_grpc *grpc)
{
    grpc_server_shutdown_and_notify(grpc->server, grpc->queue, &grpc->shutdown_tag);
    (void)grpc_completion_queue_next(grpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_completion_queue_shutdown(grpc->queue);
    (void)grpc_completion_queue_next(grpc->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    release(grpc);
}

static struct srv_frontend *start(const struct srv_frontend_config *config,
                                  struct srv_services *services, struct sl_error *reterr_error)
{
    struct srv_grpc *grpc = sl_alloc(sizeof(*grpc));
    struct srv_chat *chat = services->chat;
    void *registered[SRV_METHOD_COUNT];
    grpc->base.ops = &srv_frontend_grpc;
    grpc->services = services;
    grpc->chat = chat;
    grpc->drain_grace_ns = config->drain_grace_ns;
    grpc->max_message = config->max_message;
    grpc->ended = config->ended;
    grpc->ended_context = config->ended_context;
    init_locks(grpc);
    srv_accept_init(chat->config.misbehave.deaf_without_descriptors);
    gpr_set_log_function(log_of_core);
    srv_keylog_watch(config->keylog);
    grpc_init();
    grpc->queue = grpc_completion_queue_create_for_next(NULL);
    grpc->server = srv_server_new(config, &chat->config.misbehave);
    grpc_server_register_completion_queue(grpc->server, grpc->queue, NULL);
    register_methods(grpc, registered);
    enum sl_status status = listen_on(grpc, config, reterr_error);
    grpc_server_start(grpc->server);
    if (status != SL_OK) {
        abandon(grpc);
        return NULL;
    }
    pthread_mutex_lock(&grpc->lock);
    fill_slots(grpc, registered);
    pthread_create(&grpc->poll_thread, NULL, poll_main, grpc);
    pthread_create(&grpc->timer_thread, NULL, timer_main, grpc);
    pthread_mutex_unlock(&grpc->lock);
    return &grpc->base;
}

static enum sl_status reload(struct srv_frontend *frontend, struct sl_error *reterr_error)
{
    return srv_credentials_reload(((struct srv_grpc *)frontend)->credentials, reterr_error);
}

static int port_of(const struct srv_frontend *frontend)
{
    return ((const struct srv_grpc *)frontend)->port;
}

static void free_grpc(struct srv_frontend *frontend)
{
    struct srv_grpc *grpc = (struct srv_grpc *)frontend;
    pthread_join(grpc->poll_thread, NULL);
    pthread_mutex_lock(&grpc->lock);
    grpc->is_timer_stopped = true;
    pthread_cond_signal(&grpc->timer_change);
    pthread_mutex_unlock(&grpc->lock);
    pthread_join(grpc->timer_thread, NULL);
    release(grpc);
}

const struct srv_frontend_ops srv_frontend_grpc = {.name = "grpc",
                                                   .start = start,
                                                   .port = port_of,
                                                   .drain = srv_grpc_drain,
                                                   .reload = reload,
                                                   .free = free_grpc};
