/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CHAT_ROOM_H
#define SRV_CHAT_ROOM_H

/*
 * ChatRoom: one ack per message, in order; a ping every interval from one interval after the start; OK once
 * the client has half-closed and has all acks (CHAT-01, 02, 03, 07). Each message with text is broadcast to its room,
 * which where it names none is that of the stream's first message (CHAT-04).
 *
 * What the client has not read yet is bounded: with SRV_ACKS_MAX acks or SRV_ACK_BYTES_MAX bytes of
 * them waiting, can_receive is false, so that a client that never reads is stopped by its own credit (CHAT-05). An ack
 * is as long as the id that it names, and counts as a message (reference-server/chat/memory.h): a stream whose ack has no
 * place there ends with RESOURCE_EXHAUSTED behind the acks before it.
 */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/stream.h"

enum {
    SRV_ACKS_MAX = 64,
    SRV_ACK_BYTES_MAX = 64 * 1024,
};

struct srv_stream *srv_chat_room_open(struct srv_chat *chat, uint64_t now_ns);

#endif
