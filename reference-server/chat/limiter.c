/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/limiter.h"

#include "lib/base/clock.h"

void srv_limiter_init(struct srv_limiter *limiter, int32_t rate_hz)
{
    uint64_t rate = rate_hz < 1 ? 1 : (uint64_t)rate_hz;
    /* Rounded up: a shorter interval would let one message too many into a long window. */
    uint64_t interval_ns = (SL_SECOND + rate - 1) / rate;
    *limiter = (struct srv_limiter){.interval_ns = rate > SL_SECOND ? 0 : interval_ns};
}

void srv_limiter_idle(struct srv_limiter *limiter, uint64_t now_ns)
{
    if (now_ns > limiter->next_ns) {
        limiter->next_ns = now_ns;
    }
}

void srv_limiter_take(struct srv_limiter *limiter, uint64_t now_ns)
{
    uint64_t late_ns = now_ns > limiter->next_ns ? now_ns - limiter->next_ns : 0;
    uint64_t most_ns = limiter->interval_ns / 2;
    limiter->next_ns += limiter->interval_ns + (late_ns > most_ns ? late_ns - most_ns : 0);
}
