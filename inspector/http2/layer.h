/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_HTTP2_LAYER_H
#define INS_HTTP2_LAYER_H

/* The end of a chain of layers: an HTTP/2 connection, read by an observer into the session. */
#include "inspector/stream/stream.h"

extern const struct ins_layer_kind ins_http2_layer;

#endif
