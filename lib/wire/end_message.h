/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_END_MESSAGE_H
#define SL_END_MESSAGE_H

/*
 * The end of a response where it lies in the body: gRPC-Web's trailers (PROTOCOL-WEB: flag 0x80, lines as
 * in HTTP/1.1), Connect's end-stream message (flag 0x02, JSON with error and metadata) and the JSON error
 * that a failed unary Connect call has for its body.
 *
 * Limits: SL_END_MESSAGE_MAX bytes, before and after decompression; of fields those of struct
 * sl_headers. A document that passes them, or is none, gives what can be read.
 */
#include "lib/wire/observer.h"

enum {
    SL_END_MESSAGE_MAX = 64 * 1024,
};

/* True for the first byte of a message that ends its side. */
static inline bool sl_end_message_is(enum sl_framing framing, uint8_t flag)
{
    return (flag & 0x80) != 0 ? framing == SL_FRAMING_WEB || framing == SL_FRAMING_WEB_TEXT
                              : (flag & 0x02) != 0 && framing == SL_FRAMING_CONNECT;
}

/* Takes such a message into the call: trailers of that side, and the error of a Connect call. */
void sl_end_message_take(struct sl_call *call, enum sl_dir dir, const struct sl_message *message);

/* Takes the body of a unary Connect response that is no success. */
void sl_end_message_take_error(struct sl_call *call, const struct sl_message *message);

/* The code of a Connect error's name, "unavailable". SL_NOT_FOUND for an unknown one. */
SL_MUST_USE enum sl_status sl_connect_code(struct sl_span name, uint32_t *ret_code);

#endif
