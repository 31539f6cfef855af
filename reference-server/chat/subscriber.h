/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SUBSCRIBER_H
#define SRV_SUBSCRIBER_H

/*
 * SubscribeToRoom: a member of one room with a bounded ring and a rate clock, seen as a stream.
 *
 * The ring is full when so many messages, or so many bytes, wait as it may hold (SUB-05), and when all messages of
 * the server together are as many bytes as they may be (reference-server/chat/memory.h). Every message lost to any of these is
 * in the drop report (SUB-14).
 *
 * What the room's history is to be sent first waits in the replay, what the rate or the client's credit does not let
 * go yet in the ring; beside it the transport
 * holds at most one message, plus a short run that it was told to gather into one write (see
 * srv_pulled.is_followed), and that only while it takes messages at once.
 */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/message.h"
#include "reference-server/chat/stream.h"

/* Registers a subscription; request is the bytes of a RoomSubscription. connection tells the client's
 * connections apart. NULL when refused, as *ret_refusal then says. Ends with ops->close. */
struct srv_stream *srv_subscribe(struct srv_chat *chat, struct sl_span request, uint64_t connection,
                                 uint64_t now_ns, struct srv_answer *ret_refusal);

#endif
