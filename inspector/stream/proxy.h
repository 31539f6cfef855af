/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PROXY_H
#define INS_PROXY_H

/*
 * The PROXY protocol of HAProxy (proxy-protocol.txt), versions 1 and 2: a header in front of the client's
 * bytes that tells the ends of the connection that was forwarded. It becomes a "via" of the stream.
 *
 * Limits: INS_PROXY_HEADER_MAX bytes of a header are looked at; longer ones are passed over.
 */
#include "inspector/stream/stream.h"

enum {
    INS_PROXY_V1_MAX = 107, /* 2.1, with its line end */
    INS_PROXY_HEADER_MAX = 4096,
};

/* How a header at the beginning of bytes stands. */
enum ins_proxy_state {
    INS_PROXY_NONE,  /* it is none, or malformed */
    INS_PROXY_SHORT, /* more bytes are needed */
    INS_PROXY_WHOLE,
};

/* ret_size: its size, also of a SHORT one of version 2 whose length is known, else 0. ret_via is filled
 * when it is WHOLE, or as far as INS_PROXY_HEADER_MAX bytes show it. */
enum ins_proxy_state ins_proxy_read(struct sl_span bytes, size_t *ret_size,
                                    struct ins_via *ret_via);

extern const struct ins_layer_kind ins_proxy_layer;

#endif
