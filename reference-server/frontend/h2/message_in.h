/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_MESSAGE_IN_H
#define SRV_H2_MESSAGE_IN_H

/*
 * The messages of one request (PROTOCOL-HTTP2 "Length-Prefixed-Message"), out of DATA in pieces of any size.
 *
 * Refused as soon as the prefix tells: flag bits other than 0 and 1, flag 1 without a grpc-encoding (INTERNAL), a
 * length over the limit (RESOURCE_EXHAUSTED: nothing is allocated for it, and its body need not come), a second
 * message where the method takes one (UNIMPLEMENTED). A message that is larger than the limit when inflated is
 * inflated up to the limit only. A message that did not come whole is never handed out.
 *
 * Where the method takes one message the caller must hold it until srv_h2_message_in_end() has agreed.
 *
 * Ownership: owns the message in progress; handed-out frames are the caller's.
 * Limits:    memory grows with the bytes that came, never ahead of them by more than their number.
 */
#include "reference-server/chat/frame.h"
#include "reference-server/frontend/h2/refusal.h"
#include "reference-server/frontend/h2/request.h"

struct srv_h2_message_in {
    struct srv_frame *frame; /* in progress; its len is the room that it has */
    uint32_t max;
    uint32_t inflated_max; /* max; a wrong server sets another one */
    uint32_t length;       /* as the prefix says */
    uint32_t have;         /* payload bytes that came */
    uint8_t prefix[5];
    uint8_t prefix_len;
    uint8_t encoding; /* enum srv_h2_encoding */
    bool takes_one;   /* the method takes exactly one message */
    bool has_any;     /* one was handed out */
    bool is_zipped;   /* the last message that was handed out came compressed */
    bool is_refused;
};

/* max: bytes of a message, also of one that is inflated. takes_one: the method is unary or streams only its reply. */
void srv_h2_message_in_init(struct srv_h2_message_in *in, uint32_t max, bool takes_one,
                            enum srv_h2_encoding encoding);
void srv_h2_message_in_release(struct srv_h2_message_in *in);

enum srv_h2_fed {
    SRV_H2_FED_ALL,     /* the piece is used up and no message is whole */
    SRV_H2_FED_MESSAGE, /* *ret_frame is yours; the piece may hold more */
    SRV_H2_FED_REFUSED, /* once: the call ends as *ret_refusal says; what comes after is dropped */
};

/* Reads on in *piece up to the end of a message, and moves it past what was read. */
SL_MUST_USE enum srv_h2_fed srv_h2_message_in_feed(struct srv_h2_message_in *in,
                                                   struct sl_span *piece,
                                                   struct srv_frame **ret_frame,
                                                   struct srv_h2_refusal *ret_refusal);

/* The client has half-closed. SRV_H2_SERVED, or how the call ends: inside a message (INTERNAL), or without one where
 * the method takes one (UNIMPLEMENTED). */
SL_MUST_USE struct srv_h2_refusal srv_h2_message_in_end(const struct srv_h2_message_in *in);

#endif
