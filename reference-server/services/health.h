/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_HEALTH_H
#define SRV_HEALTH_H

/*
 * grpc.health.v1.Health: Check and Watch (OPS-01; health-checking.md). Every known service is SERVING until
 * the drain begins.
 */
#include "reference-server/chat/stream.h"
#include "reference-server/misbehave.h"

struct srv_watcher;

struct srv_health {
    bool is_draining;
    struct srv_watcher *watchers;
    const struct srv_misbehave *misbehave;
};

/* Check; request holds the bytes of a HealthCheckRequest. NOT_FOUND for an unknown service. */
struct srv_answer srv_health_check(const struct srv_health *health, struct sl_span request);

/* Watch: the status at once, then each change. An unknown service gets SERVICE_UNKNOWN and stays. NULL when
 * refused, as *ret_refusal then says. */
struct srv_stream *srv_health_watch(struct srv_health *health, struct sl_span request,
                                    struct srv_answer *ret_refusal);

/* Everything is NOT_SERVING from now on; wakes the watchers. */
void srv_health_drain(struct srv_health *health);

#endif
