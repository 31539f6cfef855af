/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SEND_MESSAGE_H
#define SRV_SEND_MESSAGE_H

/* SendMessage: checks a message, publishes it to its room, and answers (SEND-01 to SEND-10). */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/message.h"
#include "reference-server/chat/stream.h"

/* *message holds the bytes of a ChatMessage: the very bytes that subscribers get, unless something was filled in; then
 * the reference is exchanged for one of what they get. */
struct srv_answer srv_send_message(struct srv_chat *chat, struct srv_frame **message,
                                   const struct srv_unary *unary);

/* Gives message, decoded from frame (borrowed), to the subscribers of its room. */
void srv_broadcast(struct srv_chat *chat, struct srv_frame *frame,
                   const struct srv_message *message, uint64_t now_ns);

#endif
