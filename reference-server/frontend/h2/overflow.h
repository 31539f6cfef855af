/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_OVERFLOW_H
#define SRV_H2_OVERFLOW_H

/*
 * SETTINGS whose INITIAL_WINDOW_SIZE takes the window of an open stream past 2^31-1. RFC 9113 6.9.2 ends the connection
 * for it; nghttp2 only resets the stream, and has no word of how wide the windows were before. So the widest one is
 * taken when SETTINGS begin, and again when the rest of them comes later, as what is sent meanwhile makes it narrower.
 *
 * Pure; a few bytes a connection. Time grows with the open streams, once for each SETTINGS.
 */
#include <stdbool.h>
#include <stdint.h>

struct srv_h2_overflow {
    int32_t widest;   /* of the client's windows of open streams, as they were before SETTINGS */
    uint32_t initial; /* what INITIAL_WINDOW_SIZE was then */
    bool is_awaited;  /* SETTINGS have begun */
};

/* SETTINGS begin. initial: INITIAL_WINDOW_SIZE before they count. */
void srv_h2_overflow_begin(struct srv_h2_overflow *overflow, uint32_t initial);

/* The windows are looked at anew, one srv_h2_overflow_look() each. */
void srv_h2_overflow_again(struct srv_h2_overflow *overflow);

/* One open stream. window: what nghttp2 says; 0 where it is negative. */
void srv_h2_overflow_look(struct srv_h2_overflow *overflow, int32_t window);

/* SETTINGS were taken in. True when they were too much for a window: a FLOW_CONTROL_ERROR of the connection. */
bool srv_h2_overflow_end(struct srv_h2_overflow *overflow, uint32_t initial);

#endif
