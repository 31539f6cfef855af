/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WIRE_H
#define SRV_WIRE_H

/*
 * A filter of HTTP/2 frames between the session and the socket: what nghttp2 refuses to do wrong, or does right by itself,
 * is made wrong here. A right server has none.
 *
 * It reads whole frames of both directions, knows each stream's state, and where a deviation wants to see header fields
 * it decodes the blocks and writes them anew by an encoder of its own. What no deviation takes passes as it came.
 *
 * Sans I/O: bytes in, bytes out. Limits: a frame above SRV_WIRE_FRAME_MAX and a block above SRV_WIRE_BLOCK_MAX pass
 * unread; both are far above what the session takes.
 */
#include "lib/base/buf.h"
#include "reference-server/misbehave.h"

enum {
    SRV_WIRE_MAX = 8 * 1024 * 1024, /* what one call may append */
    SRV_WIRE_SEND = 64 * 1024,      /* after so much nothing that waits is sent by one call */
};

struct srv_wire;

/* NULL when nothing of what is wrong is made here. wrong is borrowed. */
struct srv_wire *srv_wire_new(const struct srv_misbehave *wrong);
void srv_wire_free(struct srv_wire *wire);

/* Bytes of the client: appends what the session shall read in their place. */
void srv_wire_in(struct srv_wire *wire, struct sl_span bytes, struct sl_buf *session);
/* Bytes of the session, maybe none: appends what the client shall get, with what srv_wire_in() left for it. */
void srv_wire_out(struct srv_wire *wire, struct sl_span bytes, struct sl_buf *client);

#endif
