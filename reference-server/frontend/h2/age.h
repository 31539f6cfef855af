/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_AGE_H
#define SRV_H2_AGE_H

/*
 * The end of a connection that is old (gRFC A9), as a state machine.
 *
 *     YOUNG --age--> NOTICED --the PING is answered, or NOTICE--> GONE --grace--> ENDED --FLUSH--> CLOSED
 *
 * The age is 10 % more or less, so that connections of one time do not end at one time.
 * The time and the chance are passed in.    Threads: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

#define SRV_H2_AGE_STATES(X)                                                       \
    X(YOUNG, "nothing to do")                                                      \
    X(NOTICED, "the first GOAWAY, of all streams, and a PING are to be sent")      \
    X(GONE, "the second GOAWAY, of the last stream that was taken, is to be sent") \
    X(ENDED, "the streams that are left are to be given their status")             \
    X(CLOSED, "the connection is to be closed")

enum srv_h2_age_state {
#define X(name, meaning) SRV_H2_AGE_##name,
    SRV_H2_AGE_STATES(X)
#undef X
};

struct srv_h2_age {
    enum srv_h2_age_state state;
    uint64_t due_ns; /* when the next state is entered; UINT64_MAX: never */
    uint64_t grace_ns;
};

/* max_ns: UINT64_MAX for no limit. chance: any number, better a different one for each connection. */
void srv_h2_age_init(struct srv_h2_age *age, uint64_t now_ns, uint64_t max_ns, uint64_t grace_ns,
                     uint64_t chance);

/* Enters the next state when it is due and returns whether it did; the caller then does what that asks for. */
bool srv_h2_age_look(struct srv_h2_age *age, uint64_t now_ns);

/* The PING of NOTICED was answered: GONE is due now. */
void srv_h2_age_answered(struct srv_h2_age *age, uint64_t now_ns);

#endif
