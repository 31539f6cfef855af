/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_CLOSED_H
#define SRV_H2_CLOSED_H

/*
 * DATA and HEADERS of streams that are closed, which nghttp2 skips without a word. RFC 9113 5.1 calls them an error
 * where the client has ended the stream (END_STREAM or RST_STREAM), and asks for patience where the server has reset
 * it, as such frames were on their way then. RFC 9113 5.1.1 forbids HEADERS with an id below one that was used.
 *
 * It reads the frame heads of what goes to nghttp2 and stops before each that could be such a frame, so that nghttp2 has
 * seen all that came before when it is asked for the stream. The usual frames of a unary call need no such stop.
 *
 * Pure; a few hundred bytes a connection. Of the streams that the server has reset it remembers the last ones;
 * frames of all streams up to the last one that it has forgotten are let pass.
 */
#include "lib/base/span.h"

enum {
    SRV_H2_CLOSED_RESETS = 32,
    SRV_H2_CLOSED_HEAD = 9, /* bytes of a frame's head */
};

struct srv_h2_closed {
    uint32_t newest;     /* id of the client's last HEADERS that opened a stream; 0: none */
    bool is_newest_open; /* the client has neither ended nor reset it */
    uint32_t resets[SRV_H2_CLOSED_RESETS]; /* a ring; 0: none */
    size_t next_reset;
    uint32_t forgotten; /* the highest id that fell out of the ring */
    size_t left;        /* bytes up to the next head */
    uint8_t head[SRV_H2_CLOSED_HEAD];
    size_t head_len;
    uint8_t suspect_type;
    uint32_t suspect; /* id of the frame that srv_h2_closed_scan() stopped before; 0: none */
};

/* What comes first is the client's preface. */
void srv_h2_closed_init(struct srv_h2_closed *closed);

/* How many of bytes may go to nghttp2. With closed->suspect set, the frame behind them is to be judged before the scan
 * goes on with the rest, unless nghttp2 knows the stream. */
size_t srv_h2_closed_scan(struct srv_h2_closed *closed, struct sl_span bytes);

/* The error (RFC 9113 7) of the suspect frame, whose stream nghttp2 does not know; 0: it may pass. last_processed is that
 * of nghttp2: later streams were refused or came behind GOAWAY. */
uint32_t srv_h2_closed_judge(const struct srv_h2_closed *closed, uint32_t last_processed);

/* The server has sent RST_STREAM. */
void srv_h2_closed_note_reset(struct srv_h2_closed *closed, uint32_t id);

#endif
