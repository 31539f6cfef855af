/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_KEEPALIVE_H
#define SRV_H2_KEEPALIVE_H

/*
 * OPS-05, both ways: whether a silent client still lives, and whether a client asks that of us too often.
 *
 *     SPEAKING --time without a byte--> ASKED --timeout without a byte--> dropped
 *         ^------------- a byte ----------+
 *
 * Pings that come faster than allowed are strikes; two are forgiven, because a timer may be early and a network late.
 * Headers or data that we send forgive them all, as in the C core: who receives may measure.
 *
 * The time is passed in.    Threads: one at a time.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
    SRV_H2_PING_STRIKES = 2,
};

struct srv_h2_keepalive {
    uint64_t time_ns, timeout_ns, interval_ns;
    uint64_t heard_ns; /* the last byte of the client */
    uint64_t asked_ns;
    uint64_t pinged_ns; /* the client's last PING */
    unsigned strikes;
    bool is_asked;  /* a PING of ours waits for an answer */
    bool is_pinged; /* pinged_ns counts */
};

/* Times as in struct srv_connection_limits; time_ns UINT64_MAX: never asks. */
void srv_h2_keepalive_init(struct srv_h2_keepalive *keepalive, uint64_t now_ns, uint64_t time_ns,
                           uint64_t timeout_ns, uint64_t interval_ns);

/* Any bytes of the client came. */
void srv_h2_keepalive_heard(struct srv_h2_keepalive *keepalive, uint64_t now_ns);

/* A PING of the client, no answer, came. False: it is one too many. */
bool srv_h2_keepalive_pinged(struct srv_h2_keepalive *keepalive, uint64_t now_ns);

/* Headers or data went out. */
void srv_h2_keepalive_sent(struct srv_h2_keepalive *keepalive);

enum srv_h2_keepalive_act {
    SRV_H2_KEEPALIVE_WAIT,
    SRV_H2_KEEPALIVE_ASK,  /* send a PING; told once */
    SRV_H2_KEEPALIVE_DROP, /* the client is gone */
};

/* What is to be done now. */
enum srv_h2_keepalive_act srv_h2_keepalive_look(struct srv_h2_keepalive *keepalive,
                                                uint64_t now_ns);

/* When to look again; UINT64_MAX: never. */
uint64_t srv_h2_keepalive_due(const struct srv_h2_keepalive *keepalive);

#endif
