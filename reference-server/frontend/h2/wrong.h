/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_WRONG_H
#define SRV_H2_WRONG_H

/* What the wrong servers do in this front end, but for what is one line where it belongs. A right server does nothing here. */
#include "reference-server/frontend/h2/internal.h"

/* The connection that opens now deviates in nothing: the first one of a server that is mute behind it. */
bool srv_h2_wrong_is_spared(const struct srv_h2 *h2);

/* The connection that comes now is to be closed. */
bool srv_h2_wrong_hangs_up(const struct srv_h2 *h2);

/* A connection comes. */
void srv_h2_wrong_accepted(struct srv_h2 *h2);

/* The connection is told of an error of its client. */
void srv_h2_wrong_error(struct srv_h2 *h2);

/* A message is no protobuf. */
void srv_h2_wrong_garbage(const struct srv_h2 *h2);

/* The client has left call before its end. */
void srv_h2_wrong_reset(const struct srv_h2_call *call);

/* Sets how much call takes in: --max-message, also of a right server. */
void srv_h2_wrong_init_input(struct srv_h2_call *call, enum srv_h2_encoding encoding);

/* Whether a message that was taken in is too large after all; how the call ends then. */
bool srv_h2_wrong_is_over(const struct srv_h2_call *call, size_t len,
                          struct srv_h2_refusal *ret_refusal);

#endif
