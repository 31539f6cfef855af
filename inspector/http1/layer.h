/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_HTTP1_LAYER_H
#define INS_HTTP1_LAYER_H

/*
 * An end of the chain (stream.h), until it switches protocols: HTTP/1.1, for the sake of gRPC-Web and Connect. Requests and responses
 * are paired in order (RFC 9112 9.3), also pipelined ones, and their calls are those of
 * lib/wire/exchange.h. A connection gets its number with its first call; one without any counts as other,
 * its requests as other_http.
 *
 * What follows a CONNECT that was accepted, or a switch of protocols (101), is handed on. A request that
 * asks for HTTP/2 is held until its answer (upgrade.h).
 *
 * After lost bytes reading goes on where a piece begins with a start line. Of requests that were waiting
 * then only the last is taken to be the one that is answered; the others are given up.
 *
 * Limits: INS_HTTP1_WAITING requests without a response; the oldest is given up beyond.
 */
#include "inspector/stream/stream.h"

enum {
    INS_HTTP1_WAITING = 64,
};

/* Last in the table of layers: other layers look at heads of HTTP/1.1 too. */
extern const struct ins_layer_kind ins_http1_layer;

#endif
