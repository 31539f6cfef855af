/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAT_H
#define HAR_CHAT_H

/*
 * The messages of chat.v1 on the wire, and the stamp that every chat message of the harness carries.
 *
 * Strings are spans, because a text may hold NUL, which generated C code would cut. Spans of decoded
 * messages borrow the payload.
 *
 * The stamp is the beginning of `text`, HAR_STAMP_SIZE bytes of fixed width, so that sizes are exact:
 *
 *     sl1:RRRRRRRR:PPPP:SSSSSSSS:TTTTTTTTTTTTTTTT;      hex: run, publisher, sequence, intended time
 *
 * The time is sl_clock_mono_ns() of the harness. Any server carries it, so loss, duplicates and order
 * are exact sets without help from the server.
 */
#include "lib/base/buf.h"

#define HAR_SEND_METHOD      "/chat.v1.ChatService/SendMessage"
#define HAR_SUBSCRIBE_METHOD "/chat.v1.ChatService/SubscribeToRoom"
#define HAR_CHAT_METHOD      "/chat.v1.ChatService/ChatRoom"

enum {
    HAR_STAMP_SIZE = 44,
    HAR_PUBLISHER_PROBE = 0xffff, /* the publisher number of probes */
    HAR_TEXT_MAX = 64 * 1024 * 1024,
};

struct har_stamp {
    uint32_t run;
    uint16_t publisher;
    uint32_t sequence;
    uint64_t time_ns;
};

void har_stamp_write(struct sl_buf *out, const struct har_stamp *stamp);
/* False when text does not begin with a stamp. */
bool har_stamp_read(struct sl_span text, struct har_stamp *ret_stamp);

struct har_message { /* ChatMessage */
    struct sl_span message_id, room_id, user_id, text;
    int64_t created_at;
};
struct har_reply { /* ActionResponse */
    struct sl_span request_id, reason;
    bool is_accepted;
};
enum har_command_type { HAR_COMMAND_PING = 1, HAR_COMMAND_REDIRECT = 2 };
struct har_command { /* ServerCommand */
    uint64_t type;
    struct sl_span payload;
};

void har_message_write(struct sl_buf *out, const struct har_message *message);
struct har_subscription { /* RoomSubscription */
    struct sl_span room_id;
    int32_t max_rate_hz, history;
    struct sl_span after_message_id;
};
void har_subscription_write(struct sl_buf *out, const struct har_subscription *subscription);

/* SL_MALFORMED for bytes that are no protobuf message, or a known field of the wrong wire type. */
SL_MUST_USE enum sl_status har_message_read(struct sl_span bytes, struct har_message *ret_message);
SL_MUST_USE enum sl_status har_reply_read(struct sl_span bytes, struct har_reply *ret_reply);
SL_MUST_USE enum sl_status har_command_read(struct sl_span bytes, struct har_command *ret_command);

#endif
