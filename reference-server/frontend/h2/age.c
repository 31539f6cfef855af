/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/age.h"

#include "lib/base/clock.h"

enum {
    JITTER_STEPS = 2001, /* from 90.00 % to 110.00 % */
    PERCENT_90 = 9000,
    PERCENT_100 = 10000,
};

/* For a client that answers no PING. */
#define NOTICE_NS SL_SECOND

/* How long a status may take to go out. */
#define FLUSH_NS (500 * SL_MS)

void srv_h2_age_init(struct srv_h2_age *age, uint64_t now_ns, uint64_t max_ns, uint64_t grace_ns,
                     uint64_t chance)
{
    *age =
        (struct srv_h2_age){.state = SRV_H2_AGE_YOUNG, .due_ns = UINT64_MAX, .grace_ns = grace_ns};
    if (max_ns != UINT64_MAX) {
        age->due_ns = now_ns + max_ns / PERCENT_100 * (PERCENT_90 + chance % JITTER_STEPS);
    }
}

bool srv_h2_age_look(struct srv_h2_age *age, uint64_t now_ns)
{
    if (age->due_ns == UINT64_MAX || now_ns < age->due_ns) {
        return false;
    }
    switch (age->state) {
    case SRV_H2_AGE_YOUNG:
        age->state = SRV_H2_AGE_NOTICED;
        age->due_ns = now_ns + NOTICE_NS;
        break;
    case SRV_H2_AGE_NOTICED:
        age->state = SRV_H2_AGE_GONE;
        age->due_ns = now_ns + age->grace_ns;
        break;
    case SRV_H2_AGE_GONE:
        age->state = SRV_H2_AGE_ENDED;
        age->due_ns = now_ns + FLUSH_NS;
        break;
    case SRV_H2_AGE_ENDED:
    case SRV_H2_AGE_CLOSED:
        age->state = SRV_H2_AGE_CLOSED;
        age->due_ns = UINT64_MAX;
        break;
    }
    return true;
}

void srv_h2_age_answered(struct srv_h2_age *age, uint64_t now_ns)
{
    if (age->state == SRV_H2_AGE_NOTICED) {
        age->due_ns = now_ns;
    }
}
