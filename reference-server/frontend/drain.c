/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/drain.h"

#include "lib/base/log.h"

/* How long NOT_SERVING is told before anything closes: balancers look away meanwhile. */
#define TELL_NS (200 * SL_MS)

uint64_t srv_drain_tell(const struct srv_services *services)
{
    sl_log(SL_LOG_INFO, "drain", "health is NOT_SERVING");
    services->chat->is_draining = true;
    if (!services->chat->config.misbehave.drain_stays_serving) {
        srv_health_drain(services->health);
    }
    return TELL_NS;
}

uint64_t srv_drain_grace(const struct srv_services *services, uint64_t grace_ns)
{
    const struct srv_misbehave *wrong = &services->chat->config.misbehave;
    if (wrong->drain_ends_at_once) {
        return 0;
    }
    return wrong->drain_never_ends ? SRV_NEVER : grace_ns;
}
