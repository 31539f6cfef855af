/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/chat_room.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "reference-server/chat/message.h"
#include "reference-server/chat/refusal.h"
#include "reference-server/chat/ring.h"
#include "reference-server/chat/send_message.h"

enum {
    UNBOUNDED_ACKS = 1 << 24, /* a wrong server's */
};

/* How long wrong servers hold acks back. */
#define HOLD_NS        (20 * SL_MS)
#define LONG_HOLD_NS   (200 * SL_MS)
#define STARVED_FOR_NS (2 * SL_SECOND)

struct chat_room {
    struct srv_stream stream;
    struct srv_chat *chat;
    const struct srv_misbehave *misbehave;
    struct srv_frame *first_room; /* that the first message named, NULL before it */
    struct srv_ring acks;
    size_t ack_bytes;
    uint64_t ping_interval_ns;
    uint64_t next_ping_ns;
    uint64_t hold_until_ns; /* acks wait until then: 0 in a right server */
    uint64_t received;
    uint64_t received_ns; /* the last one */
    bool is_ping_due;
    bool is_half_closed;
    bool is_broken;   /* the client sent something that is no ChatMessage */
    bool is_too_much; /* there was no memory left for an ack */
};

static struct chat_room *of_stream(struct srv_stream *stream)
{
    return (struct chat_room *)stream;
}

/* CHAT-02: the clock ticks at whole intervals from the start, however late it is looked at; ticks that
 * passed unseen are not made up. */
static void tick(struct chat_room *room, uint64_t now_ns)
{
    if (now_ns < room->next_ping_ns) {
        return;
    }
    uint64_t passed = (now_ns - room->next_ping_ns) / room->ping_interval_ns + 1;
    room->next_ping_ns += passed * room->ping_interval_ns;
    room->is_ping_due = true;
}

static enum srv_pull end(const struct chat_room *room, struct srv_pulled *ret_pulled)
{
    if (room->is_too_much) {
        struct srv_answer refusal = srv_limit_reached(room->chat, SRV_LIMIT_MEMORY);
        *ret_pulled = (struct srv_pulled){.status = refusal.status, .text = refusal.text};
    } else if (room->is_broken) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_INTERNAL,
                                          .text = "a message is not a valid ChatMessage"};
    } else if (room->misbehave->wrong_half_close_status) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_CANCELLED, .text = "closed"};
    } else {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_OK, .text = ""};
    }
    return SRV_PULL_END;
}

static enum srv_pull give(struct srv_frame *frame, bool is_followed, struct srv_pulled *ret_pulled)
{
    *ret_pulled = (struct srv_pulled){.frame = frame, .is_followed = is_followed};
    return SRV_PULL_FRAME;
}

static enum srv_pull pull(struct srv_stream *stream, uint64_t now_ns, struct srv_pulled *ret_pulled)
{
    struct chat_room *room = of_stream(stream);
    bool is_closing = room->is_half_closed || room->is_broken || room->is_too_much;
    bool are_acks_held = now_ns < room->hold_until_ns && !is_closing;
    tick(room, now_ns);
    bool is_starved = room->misbehave->ping_starved && now_ns < room->received_ns + STARVED_FOR_NS;
    if (room->is_ping_due && !is_closing && !is_starved) {
        room->is_ping_due = false;
        sl_tally_add(&room->chat->stats.pings, 1);
        return give(srv_command_encode(SRV_COMMAND_PING, "ping", sl_span(NULL, 0)), false,
                    ret_pulled);
    }
    if (room->acks.count > 0 && !are_acks_held) {
        struct srv_frame *ack = srv_ring_pop(&room->acks);
        room->ack_bytes -= ack->len;
        sl_tally_add(&room->chat->stats.acks, 1);
        return give(ack, false, ret_pulled);
    }
    if (room->is_broken || room->is_too_much ||
        (room->is_half_closed && !room->misbehave->half_close_hangs)) {
        return end(room, ret_pulled);
    }
    uint64_t until =
        is_starved && room->is_ping_due ? room->received_ns + STARVED_FOR_NS : room->next_ping_ns;
    if (are_acks_held && room->acks.count > 0 && room->hold_until_ns < until) {
        until = room->hold_until_ns;
    }
    *ret_pulled = (struct srv_pulled){.until_ns = until};
    return SRV_PULL_WAIT;
}

static void sent(struct srv_stream *stream, uint64_t now_ns)
{
    (void)stream;
    (void)now_ns;
}

static bool can_receive(const struct srv_stream *stream)
{
    const struct chat_room *room = (const struct chat_room *)stream;
    bool has_space = (room->acks.count < SRV_ACKS_MAX && room->ack_bytes < SRV_ACK_BYTES_MAX) ||
                     (room->misbehave->unbounded_acks && room->acks.count < UNBOUNDED_ACKS);
    return has_space && !room->is_half_closed && !room->is_broken && !room->is_too_much;
}

static void queue_ack(struct chat_room *room, struct sl_span message_id, uint64_t now_ns)
{
    struct srv_frame *ack = srv_command_encode(SRV_COMMAND_REDIRECT, "ack:", message_id);
    if (!srv_memory_admit(&room->chat->memory, ack, now_ns)) {
        room->is_too_much = true;
        srv_frame_unref(ack);
        return;
    }
    room->ack_bytes += ack->len;
    if (room->misbehave->ack_out_of_order && room->acks.count > 0) {
        srv_ring_push_before_last(&room->acks, ack);
    } else {
        srv_ring_push(&room->acks, ack);
    }
}

/* CHAT-04. */
static void broadcast(struct chat_room *room, struct srv_frame *frame,
                      const struct srv_message *received, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = room->misbehave;
    struct srv_message message = *received;
    if (room->first_room == NULL) {
        /* A longer one is no room at all. */
        bool is_room = message.room_id.len <= SRV_ROOMS_ID_MAX;
        room->first_room = srv_frame_copy(is_room ? message.room_id : sl_span(NULL, 0));
    }
    struct sl_span first = srv_frame_span(room->first_room);
    bool is_moved = message.room_id.len == 0 || (misbehave->broadcast_room_of_first_always &&
                                                 !sl_span_equal(message.room_id, first));
    message.room_id = is_moved ? first : message.room_id;
    if (message.room_id.len == 0 || misbehave->broadcast_missing ||
        (message.text.len == 0 && !misbehave->broadcast_without_text)) {
        sl_tally_add(&room->chat->stats.received[SRV_OUTCOME_ACKNOWLEDGED], 1);
        return;
    }
    sl_tally_add(&room->chat->stats.received[SRV_OUTCOME_BROADCAST], 1);
    if (!is_moved || misbehave->broadcast_room_not_filled) {
        srv_broadcast(room->chat, frame, &message, now_ns);
        return;
    }
    struct srv_frame *copy = srv_message_move(srv_frame_span(frame), first);
    srv_broadcast(room->chat, copy, &message, now_ns);
    srv_frame_unref(copy);
}

static void receive(struct srv_stream *stream, struct srv_frame *frame, uint64_t now_ns)
{
    struct chat_room *room = of_stream(stream);
    const struct srv_misbehave *misbehave = room->misbehave;
    struct srv_message message;
    if (!srv_message_decode(srv_frame_span(frame), &message)) {
        sl_tally_add(&room->chat->stats.received[SRV_OUTCOME_MALFORMED], 1);
        room->is_broken = true;
        return;
    }
    room->received++;
    room->received_ns = now_ns;
    broadcast(room, frame, &message, now_ns);
    if (misbehave->ping_only_when_idle) {
        room->next_ping_ns = now_ns + room->ping_interval_ns;
    }
    if (misbehave->ack_missing_for_empty &&
        (message.text.len == 0 || message.message_id.len == 0)) {
        return;
    }
    if (misbehave->lost_last_acks || (misbehave->ack_out_of_order && room->received % 2 == 1)) {
        room->hold_until_ns = now_ns + HOLD_NS;
    }
    if (misbehave->acks_after_messages && room->chat->busy_ns + HOLD_NS > now_ns &&
        room->hold_until_ns <= now_ns) {
        room->hold_until_ns = now_ns + LONG_HOLD_NS;
    }
    queue_ack(room, message.message_id, now_ns);
    if (misbehave->ack_duplicate) {
        queue_ack(room, message.message_id, now_ns);
    }
}

static void half_close(struct srv_stream *stream, uint64_t now_ns)
{
    struct chat_room *room = of_stream(stream);
    room->is_half_closed = true;
    if (room->misbehave->lost_last_acks && now_ns < room->hold_until_ns) {
        srv_ring_release(&room->acks);
        room->ack_bytes = 0;
    }
}

static void close_room(struct srv_stream *stream)
{
    struct chat_room *room = of_stream(stream);
    sl_tally_sub(&room->chat->stats.chats, 1);
    srv_ring_release(&room->acks);
    srv_frame_unref(room->first_room);
    sl_free(room);
}

static const struct srv_stream_ops chat_room_ops = {
    .pull = pull,
    .sent = sent,
    .close = close_room,
    .can_receive = can_receive,
    .receive = receive,
    .half_close = half_close,
};

struct srv_stream *srv_chat_room_open(struct srv_chat *chat, uint64_t now_ns)
{
    struct chat_room *room = sl_alloc(sizeof(*room));
    room->stream.ops = &chat_room_ops;
    room->chat = chat;
    sl_tally_add(&chat->stats.chats, 1);
    room->misbehave = &chat->config.misbehave;
    /* One slot more than can_receive lets wait, for the wrong server that answers twice. */
    srv_ring_init(&room->acks,
                  room->misbehave->unbounded_acks ? UNBOUNDED_ACKS + 1 : SRV_ACKS_MAX + 1);
    room->ping_interval_ns = chat->config.ping_interval_ns;
    if (room->misbehave->ping_twice) {
        room->ping_interval_ns = room->ping_interval_ns / 2 + 1;
    }
    room->next_ping_ns = room->misbehave->ping_never ? SRV_NEVER : now_ns + room->ping_interval_ns;
    return &room->stream;
}
