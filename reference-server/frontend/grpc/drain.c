/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     RUNNING --SIGTERM--> TOLD --TELL--> DRAINING --grace--> ENDING --FLUSH--> KICKING --FLUSH--> CANCELLED
 *
 * The server ends as soon as the last connection has gone, in whatever phase. A second SIGTERM goes through the
 * phases that are left without waiting.
 */
#include <utlist.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/drain.h"
#include "reference-server/frontend/grpc/internal.h"

static void shutdown_done(struct srv_tag *tag, bool ok)
{
    (void)ok;
    struct srv_grpc *grpc =
        (struct srv_grpc *)(void *)((char *)tag - offsetof(struct srv_grpc, shutdown_tag));
    grpc->is_shut_down = true;
    srv_timers_remove(&grpc->timers, &grpc->drain_timer);
    srv_grpc_check_end(grpc);
}

static void end_streams(struct srv_grpc *grpc)
{
    struct srv_call *call = NULL;
    DL_FOREACH (grpc->calls, call) {
        if (call->stream != NULL) {
            srv_call_end(call, SL_GRPC_UNAVAILABLE, SRV_DRAIN_TEXT);
        }
    }
}

/* The only way past data that the client does not take. */
static void kick_calls(struct srv_grpc *grpc)
{
    struct srv_call *call = NULL;
    DL_FOREACH (grpc->calls, call) {
        grpc_call_cancel_with_status(call->call, GRPC_STATUS_UNAVAILABLE, SRV_DRAIN_TEXT, NULL);
    }
}

/* Once. */
static void shut_down(struct srv_grpc *grpc)
{
    if (grpc->shutdown_tag.done == NULL) {
        grpc->shutdown_tag.done = shutdown_done;
        grpc_server_shutdown_and_notify(grpc->server, grpc->queue, &grpc->shutdown_tag);
    }
}

/* The phase as metrics show it. */
static void tell_phase(const struct srv_grpc *grpc)
{
    static const enum srv_drain_step steps[] = {
        [SRV_RUNNING] = SRV_STEP_RUNNING,   [SRV_TOLD] = SRV_STEP_TOLD,
        [SRV_DRAINING] = SRV_STEP_DRAINING, [SRV_ENDING] = SRV_STEP_ENDING,
        [SRV_KICKING] = SRV_STEP_ENDING,    [SRV_CANCELLED] = SRV_STEP_ENDING,
    };
    sl_tally_set(&grpc->services->telemetry->stats.drain_step, steps[grpc->phase]);
}

/* Enters the next phase and says how long it lasts. */
static uint64_t enter_next(struct srv_grpc *grpc)
{
    const struct srv_misbehave *wrong = &grpc->chat->config.misbehave;
    switch (grpc->phase) {
    case SRV_RUNNING:
        grpc->phase = SRV_TOLD;
        return srv_drain_tell(grpc->services);
    case SRV_TOLD:
        sl_log(SL_LOG_INFO, "drain", "no new connections; streams may finish");
        grpc->phase = SRV_DRAINING;
        if (!wrong->drain_goaway_missing || grpc->calls == NULL) {
            shut_down(grpc);
        }
        return srv_drain_grace(grpc->services, grpc->drain_grace_ns);
    case SRV_DRAINING:
        shut_down(grpc);
        sl_log(SL_LOG_INFO, "drain", "ending the streams that are left");
        grpc->phase = SRV_ENDING;
        end_streams(grpc);
        return SRV_DRAIN_FLUSH_NS;
    case SRV_ENDING:
        grpc->phase = SRV_KICKING;
        kick_calls(grpc);
        return SRV_DRAIN_FLUSH_NS;
    case SRV_KICKING:
    case SRV_CANCELLED:
        break;
    }
    grpc->phase = SRV_CANCELLED;
    grpc_server_cancel_all_calls(grpc->server);
    return SRV_NEVER;
}

static uint64_t advance(struct srv_grpc *grpc)
{
    uint64_t lasts_ns = enter_next(grpc);
    tell_phase(grpc);
    return lasts_ns;
}

static void drain_timer_fired(struct srv_timer *timer)
{
    struct srv_grpc *grpc =
        (struct srv_grpc *)(void *)((char *)timer - offsetof(struct srv_grpc, drain_timer));
    uint64_t lasts_ns = advance(grpc);
    if (lasts_ns != SRV_NEVER) {
        srv_grpc_set_timer(grpc, timer, sl_clock_mono_ns() + lasts_ns);
    }
}

void srv_grpc_drain(struct srv_frontend *frontend)
{
    struct srv_grpc *grpc = (struct srv_grpc *)frontend;
    pthread_mutex_lock(&grpc->lock);
    grpc->drain_timer.fire = drain_timer_fired;
    if (grpc->phase == SRV_RUNNING) {
        drain_timer_fired(&grpc->drain_timer);
    } else {
        while (!grpc->is_shut_down && grpc->phase != SRV_CANCELLED) {
            (void)advance(grpc);
        }
        srv_timers_remove(&grpc->timers, &grpc->drain_timer);
    }
    pthread_mutex_unlock(&grpc->lock);
}
