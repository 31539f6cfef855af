/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_LIFE_H
#define SRV_H2_LIFE_H

/*
 * How a connection ends that its client does not end: guard.h, keepalive.h and age.h find a reason, this acts on it.
 * A connection has one timer for all of them.
 */
#include "reference-server/frontend/h2/internal.h"

/* A connection was opened, and has its number. */
void srv_h2_life_begin(struct srv_h2_conn *conn);

/* Bytes of HTTP/2 came. Returns those that may go on; *ret_why: what to say to srv_h2_life_calm() behind them, or
 * NULL. */
struct sl_span srv_h2_life_heard(struct srv_h2_conn *conn, struct sl_span bytes,
                                 const char **ret_why);

/* Ends it with GOAWAY(ENHANCE_YOUR_CALM) and text, which is static. */
void srv_h2_life_calm(struct srv_h2_conn *conn, enum srv_connection_limit limit, const char *text);

/* As nghttp2 tells of frames; call may be NULL. */
void srv_h2_life_frame_received(struct srv_h2_conn *conn, const nghttp2_frame *frame,
                                const struct srv_h2_call *call);
void srv_h2_life_frame_sent(struct srv_h2_conn *conn, const nghttp2_frame *frame);

/* False: a stream too many (--max-streams), which was refused by itself. */
bool srv_h2_life_may_begin(struct srv_h2_conn *conn, int32_t id);

/* The first GOAWAY (RFC 9113 6.8), and a PING whose answer brings the second one. */
void srv_h2_life_notice(struct srv_h2_conn *conn);

/* The second one, once. */
void srv_h2_life_go_away(struct srv_h2_conn *conn);

#endif
