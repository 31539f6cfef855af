/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_MESSAGE_H
#define SRV_MESSAGE_H

/*
 * The messages of chat.v1 to and from bytes. Strings may hold any Unicode, NUL too (SEND-04).
 *
 * Ownership: a decoded message borrows the bytes it was decoded from.
 */
#include "reference-server/chat/frame.h"

struct srv_message {
    struct sl_span message_id;
    struct sl_span room_id;
    struct sl_span user_id;
    struct sl_span text;
    int64_t created_at; /* Unix milliseconds */
};

struct srv_subscription {
    struct sl_span room_id;
    int32_t max_rate_hz;
    int32_t history;
    struct sl_span after_message_id;
};

enum srv_command {
    SRV_COMMAND_PING = 1,
    SRV_COMMAND_REDIRECT = 2,
};

/* False when the bytes are no protobuf message, or a string of it is not UTF-8. */
bool srv_message_decode(struct sl_span bytes, struct srv_message *ret_message);
/* The message_id of a message that was decoded before, without looking at the rest. */
struct sl_span srv_message_id(struct sl_span bytes);
bool srv_subscription_decode(struct sl_span bytes, struct srv_subscription *ret_subscription);

/* Each answers a new frame, yours. */
struct srv_frame *srv_message_encode(const struct srv_message *message);
struct srv_frame *srv_action_encode(struct sl_span request_id, bool is_accepted,
                                    const char *reason);
/* frame (of *message) with other values for message_id and created_at, where these are not empty and not zero; what
 * stands in it otherwise, also fields that are not known here, stays. *message is then that of the new frame. */
struct srv_frame *srv_message_amend(const struct srv_frame *frame, struct sl_span message_id,
                                    int64_t created_at, struct srv_message *message);
/* bytes (of a message) with another room_id. */
struct srv_frame *srv_message_move(struct sl_span bytes, struct sl_span room_id);
/* The payload is prefix followed by rest. */
struct srv_frame *srv_command_encode(enum srv_command type, const char *prefix,
                                     struct sl_span rest);

#endif
