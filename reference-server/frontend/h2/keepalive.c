/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/keepalive.h"

void srv_h2_keepalive_init(struct srv_h2_keepalive *keepalive, uint64_t now_ns, uint64_t time_ns,
                           uint64_t timeout_ns, uint64_t interval_ns)
{
    *keepalive = (struct srv_h2_keepalive){.time_ns = time_ns,
                                           .timeout_ns = timeout_ns,
                                           .interval_ns = interval_ns,
                                           .heard_ns = now_ns};
}

void srv_h2_keepalive_heard(struct srv_h2_keepalive *keepalive, uint64_t now_ns)
{
    keepalive->heard_ns = now_ns;
    keepalive->is_asked = false;
}

bool srv_h2_keepalive_pinged(struct srv_h2_keepalive *keepalive, uint64_t now_ns)
{
    bool is_early = keepalive->is_pinged && now_ns - keepalive->pinged_ns < keepalive->interval_ns;
    keepalive->is_pinged = true;
    keepalive->pinged_ns = now_ns;
    if (is_early && keepalive->strikes <= SRV_H2_PING_STRIKES) {
        keepalive->strikes++;
    }
    return keepalive->strikes <= SRV_H2_PING_STRIKES;
}

void srv_h2_keepalive_sent(struct srv_h2_keepalive *keepalive)
{
    keepalive->strikes = 0;
    keepalive->is_pinged = false;
}

/* a + b, or never. */
static uint64_t after(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

uint64_t srv_h2_keepalive_due(const struct srv_h2_keepalive *keepalive)
{
    return keepalive->is_asked ? after(keepalive->asked_ns, keepalive->timeout_ns)
                               : after(keepalive->heard_ns, keepalive->time_ns);
}

enum srv_h2_keepalive_act srv_h2_keepalive_look(struct srv_h2_keepalive *keepalive, uint64_t now_ns)
{
    uint64_t due_ns = srv_h2_keepalive_due(keepalive);
    if (due_ns == UINT64_MAX || now_ns < due_ns) {
        return SRV_H2_KEEPALIVE_WAIT;
    }
    if (keepalive->is_asked) {
        return SRV_H2_KEEPALIVE_DROP;
    }
    keepalive->is_asked = true;
    keepalive->asked_ns = now_ns;
    return SRV_H2_KEEPALIVE_ASK;
}
