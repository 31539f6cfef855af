/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     RUNNING --SIGTERM--> TOLD --TELL--> NOTICED --NOTICE--> DRAINING --grace--> ENDING --FLUSH--> CLOSING
 *
 * OPS-03. RFC 9113 6.8: the first GOAWAY names the greatest stream id, so that no stream that is on its way is refused;
 * the second, once a PING behind it was answered or NOTICE is over, the last one that was taken. The server ends as soon as the last connection has gone,
 * in whatever phase. A second signal goes through the phases that are left without waiting.
 */
#include <utlist.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/drain.h"
#include "reference-server/frontend/h2/internal.h"
#include "reference-server/frontend/h2/life.h"

/* How long streams that were begun before the first GOAWAY was read are taken of a client that answers no PING. */
#define NOTICE_NS (200 * SL_MS)

static void notice(struct srv_h2 *h2)
{
    struct srv_h2_conn *conn = NULL;
    DL_FOREACH (h2->conns, conn) {
        srv_h2_life_notice(conn);
    }
}

static void go_away(struct srv_h2 *h2)
{
    struct srv_h2_conn *conn = NULL;
    DL_FOREACH (h2->conns, conn) {
        srv_h2_life_go_away(conn);
    }
}

static void end_streams(struct srv_h2 *h2)
{
    struct srv_h2_conn *conn = NULL;
    DL_FOREACH (h2->conns, conn) {
        struct srv_h2_call *call = NULL;
        DL_FOREACH (conn->calls, call) {
            srv_h2_call_end(call, SL_GRPC_UNAVAILABLE, SRV_DRAIN_TEXT);
        }
    }
}

static void close_all(struct srv_h2 *h2)
{
    struct srv_h2_conn *conn = NULL;
    DL_FOREACH (h2->conns, conn) {
        srv_h2_conn_kill(conn, "drained");
    }
}

/* The phase as metrics show it. */
static void tell_phase(const struct srv_h2 *h2)
{
    static const enum srv_drain_step steps[] = {
        [SRV_H2_RUNNING] = SRV_STEP_RUNNING,  [SRV_H2_TOLD] = SRV_STEP_TOLD,
        [SRV_H2_NOTICED] = SRV_STEP_DRAINING, [SRV_H2_DRAINING] = SRV_STEP_DRAINING,
        [SRV_H2_ENDING] = SRV_STEP_ENDING,    [SRV_H2_CLOSING] = SRV_STEP_ENDING,
    };
    sl_tally_set(&h2->services->telemetry->stats.drain_step, steps[h2->phase]);
}

/* Enters the next phase and says how long it lasts. */
static uint64_t enter_next(struct srv_h2 *h2)
{
    switch (h2->phase) {
    case SRV_H2_RUNNING:
        h2->phase = SRV_H2_TOLD;
        return srv_drain_tell(h2->services);
    case SRV_H2_TOLD:
        sl_log(SL_LOG_INFO, "drain", "no new connections; streams may finish");
        h2->phase = SRV_H2_NOTICED;
        srv_h2_stop_listening(h2);
        if (!h2->wrong->drain_goaway_missing) {
            notice(h2);
        }
        return NOTICE_NS;
    case SRV_H2_NOTICED:
        h2->phase = SRV_H2_DRAINING;
        if (!h2->wrong->drain_goaway_missing) {
            go_away(h2);
        }
        return srv_drain_grace(h2->services, h2->config->drain_grace_ns);
    case SRV_H2_DRAINING:
        sl_log(SL_LOG_INFO, "drain", "ending the streams that are left");
        h2->phase = SRV_H2_ENDING;
        go_away(h2);
        end_streams(h2);
        return SRV_DRAIN_FLUSH_NS;
    case SRV_H2_ENDING:
    case SRV_H2_CLOSING:
        break;
    }
    h2->phase = SRV_H2_CLOSING;
    close_all(h2);
    return SRV_NEVER;
}

static uint64_t advance(struct srv_h2 *h2)
{
    uint64_t lasts_ns = enter_next(h2);
    tell_phase(h2);
    return lasts_ns;
}

static void drain_timer_fired(struct srv_timer *timer)
{
    struct srv_h2 *h2 = SRV_H2_OF(timer, srv_h2, drain_timer);
    uint64_t lasts_ns = advance(h2);
    if (lasts_ns != SRV_NEVER) {
        srv_h2_set_timer(h2, timer, h2->now_ns + lasts_ns);
    }
    srv_h2_check_end(h2);
}

void srv_h2_drain(struct srv_h2 *h2)
{
    h2->drain_timer.fire = drain_timer_fired;
    if (h2->phase == SRV_H2_RUNNING) {
        drain_timer_fired(&h2->drain_timer);
        return;
    }
    srv_timers_remove(&h2->timers, &h2->drain_timer);
    while (h2->phase < SRV_H2_ENDING) {
        (void)advance(h2);
    }
    srv_h2_set_timer(h2, &h2->drain_timer, h2->now_ns + SRV_DRAIN_FLUSH_NS);
    srv_h2_check_end(h2);
}
