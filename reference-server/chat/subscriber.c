/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/subscriber.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "reference-server/chat/limiter.h"
#include "reference-server/chat/refusal.h"
#include "reference-server/chat/replay.h"
#include "reference-server/chat/ring.h"
#include "reference-server/chat/wrong.h"

enum {
    FOLLOWED_RUN_MAX = 8, /* messages gathered into one write */
};

/* A wait this short is over by the time the transport has taken a message. */
#define FOLLOWED_WAIT_NS SL_US

/* A transport that takes longer than this over a message has run out of credit. */
#define PROMPT_NS (2 * SL_MS)

/* When a great message that transports have no room for asks again. */
#define HELD_UP_NS (50 * SL_MS)

struct subscriber {
    struct srv_stream stream;
    struct srv_member member;
    struct srv_holder holder; /* of what is in the ring and in the transport's hands */
    struct srv_chat *chat;
    struct srv_replay replay; /* goes first */
    struct srv_ring ring;
    struct srv_limiter limiter;
    bool is_sending; /* the transport holds a message */
    bool is_prompt;  /* it took the last one at once */
    bool is_replay_counted;
    bool is_short_of_bytes;  /* the last message that came found no place for its bytes */
    size_t sending_cost;     /* of what the transport holds */
    struct srv_frame *great; /* that it holds, if that is a great message; else NULL */
    unsigned followed_run;
    uint64_t send_began_ns;
    uint64_t dropped;
    struct srv_wrong_subscriber wrong;
};

static struct subscriber *of_stream(struct srv_stream *stream)
{
    return (struct subscriber *)stream;
}

static size_t waiting(const struct subscriber *subscriber)
{
    return subscriber->replay.messages.count + subscriber->ring.count +
           subscriber->wrong.other.count;
}

static void count_copies(struct subscriber *subscriber, size_t copies, size_t bytes)
{
    struct srv_chat_stats *stats = &subscriber->chat->stats;
    sl_tally_add(&stats->copies, copies);
    sl_tally_add(&stats->buffered_bytes, bytes);
}

/* A copy no longer waits, which how counts. */
static void count_end(struct subscriber *subscriber, const struct srv_frame *frame,
                      struct sl_tally *how)
{
    sl_tally_add(how, 1);
    sl_tally_sub(&subscriber->chat->stats.buffered_bytes, frame->len);
}

/* The replay is there from the start, but in wrong servers. */
static void count_replay(struct subscriber *subscriber)
{
    const struct srv_ring *messages = &subscriber->replay.messages;
    size_t bytes = 0;
    if (subscriber->is_replay_counted || messages->count == 0) {
        return;
    }
    subscriber->is_replay_counted = true;
    for (size_t i = 0; i < messages->count; i++) {
        bytes += srv_ring_at(messages, i)->len;
    }
    count_copies(subscriber, messages->count, bytes);
}

/* What still waits goes with the subscription. */
static void count_discarded(struct subscriber *subscriber)
{
    const struct srv_ring *rings[] = {&subscriber->replay.messages, &subscriber->ring,
                                      &subscriber->wrong.other};
    struct sl_tally *discarded = &subscriber->chat->stats.discarded;
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        for (size_t place = 0; place < rings[i]->count; place++) {
            count_end(subscriber, srv_ring_at(rings[i], place), discarded);
        }
    }
}

/* frame is lost for this subscription, and told so (SUB-14). */
static void lose(struct subscriber *subscriber, const struct srv_frame *frame, enum srv_drop reason)
{
    struct srv_chat_stats *stats = &subscriber->chat->stats;
    bool is_of_bytes = reason != SRV_DROP_FOR_BUFFER;
    subscriber->dropped++;
    count_end(subscriber, frame, &stats->dropped[reason]);
    sl_tally_add(&stats->buffer_full, is_of_bytes && !subscriber->is_short_of_bytes ? 1 : 0);
    subscriber->is_short_of_bytes |= is_of_bytes;
    srv_wrong_note_drop(&subscriber->wrong);
    srv_wrong_dropped(&subscriber->wrong);
}

/* frame (taken) was in the ring, and is lost. */
static void lose_waiting(struct subscriber *subscriber, struct srv_frame *frame,
                         enum srv_drop reason)
{
    lose(subscriber, frame, reason);
    subscriber->holder.held -= srv_frame_cost(frame);
    srv_frame_unref(frame);
}

static void shed(struct srv_holder *holder, size_t share)
{
    struct subscriber *subscriber =
        (struct subscriber *)(void *)((char *)holder - offsetof(struct subscriber, holder));
    struct srv_ring *ring = &subscriber->ring;
    bool is_newest = subscriber->chat->config.drop_policy == SRV_DROP_NEWEST;
    /* A transport that was told that another one follows has to get one. */
    size_t kept = subscriber->followed_run > 0 ? 1 : 0;
    while (holder->held > share && ring->count > kept) {
        struct srv_frame *frame = is_newest ? srv_ring_pop_newest(ring) : srv_ring_pop(ring);
        lose_waiting(subscriber, frame, SRV_DROP_FOR_MEMORY);
    }
}

/* Why a message of this cost finds no place in ring; SRV_DROP_COUNT: it does. */
static enum srv_drop obstacle(const struct subscriber *subscriber, const struct srv_ring *ring,
                              size_t cost)
{
    size_t max = subscriber->chat->config.limits.subscriber_memory;
    size_t waiting_bytes = subscriber->holder.held - subscriber->sending_cost;
    if (srv_ring_is_full(ring)) {
        return SRV_DROP_FOR_BUFFER;
    }
    return max > 0 && waiting_bytes + cost > max ? SRV_DROP_FOR_SUBSCRIBER_MEMORY : SRV_DROP_COUNT;
}

/* False when frame itself is lost; where that is the policy the oldest ones are instead. */
static bool make_room(struct subscriber *subscriber, struct srv_ring *ring, struct srv_frame *frame,
                      uint64_t now_ns)
{
    struct srv_chat *chat = subscriber->chat;
    size_t cost = srv_frame_cost(frame);
    enum srv_drop reason = obstacle(subscriber, ring, cost);
    if (reason != SRV_DROP_COUNT && chat->config.drop_policy == SRV_DROP_NEWEST) {
        lose(subscriber, frame, reason);
        return false;
    }
    if (!srv_memory_admit(&chat->memory, frame, now_ns)) {
        lose(subscriber, frame, SRV_DROP_FOR_MEMORY);
        return false;
    }
    for (; reason != SRV_DROP_COUNT; reason = obstacle(subscriber, ring, cost)) {
        if (ring->count == 0) {
            lose(subscriber, frame, reason);
            return false;
        }
        lose_waiting(subscriber, srv_ring_pop(ring), reason);
    }
    return true;
}

/* False when frame finds no place in ring, and is lost; else it is to be pushed. */
static bool admit(struct subscriber *subscriber, struct srv_ring *ring, struct srv_frame *frame,
                  uint64_t now_ns)
{
    count_copies(subscriber, 1, frame->len);
    if (!make_room(subscriber, ring, frame, now_ns)) {
        return false;
    }
    subscriber->is_short_of_bytes = false;
    subscriber->holder.held += srv_frame_cost(frame);
    return true;
}

/* ring has become longer. */
static void count_full(struct subscriber *subscriber, const struct srv_ring *ring)
{
    sl_tally_add(&subscriber->chat->stats.buffer_full, srv_ring_is_full(ring) ? 1 : 0);
}

static void push_wrongly(struct subscriber *subscriber, struct srv_frame *frame, uint64_t now_ns)
{
    struct srv_ring *ring = srv_wrong_queue(&subscriber->wrong, &subscriber->ring);
    bool was_full = srv_ring_is_full(ring);
    if (!admit(subscriber, ring, frame, now_ns)) {
        return;
    }
    struct srv_frame *own = srv_wrong_copies_own(&subscriber->wrong)
                                ? srv_frame_copy(srv_frame_span(frame))
                                : srv_frame_ref(frame);
    if (srv_wrong_overtakes(&subscriber->wrong, ring)) {
        srv_ring_push_before_last(ring, own);
    } else {
        srv_ring_push(ring, own);
    }
    if (!was_full) {
        count_full(subscriber, ring);
    }
}

static struct subscriber *of_member(struct srv_member *member)
{
    return (struct subscriber *)(void *)((char *)member - offsetof(struct subscriber, member));
}

static void wake(struct subscriber *subscriber)
{
    if (subscriber->stream.wake != NULL) {
        subscriber->stream.wake(subscriber->stream.wake_context);
    }
}

static void deliver(struct srv_member *member, struct srv_frame *frame, uint64_t now_ns)
{
    struct subscriber *subscriber = of_member(member);
    struct srv_ring *ring = &subscriber->ring;
    if (waiting(subscriber) == 0) {
        srv_limiter_idle(&subscriber->limiter, now_ns);
    }
    bool was_full = srv_ring_is_full(ring);
    if (admit(subscriber, ring, frame, now_ns)) {
        srv_ring_push(ring, srv_frame_ref(frame));
        if (!was_full) {
            count_full(subscriber, ring);
        }
    }
    wake(subscriber);
}

static void deliver_wrongly(struct srv_member *member, struct srv_frame *frame, uint64_t now_ns)
{
    struct subscriber *subscriber = of_member(member);
    bool is_throttled = !srv_limiter_allows(&subscriber->limiter, now_ns);
    if (waiting(subscriber) == 0) {
        srv_limiter_idle(&subscriber->limiter, now_ns);
    }
    srv_wrong_delay(&subscriber->wrong, now_ns);
    subscriber->wrong.is_asleep = false;
    bool is_lost = srv_wrong_is_stale(&subscriber->wrong, frame) ||
                   srv_wrong_sheds(&subscriber->wrong, now_ns);
    srv_wrong_arrival(&subscriber->wrong, frame->len, now_ns);
    unsigned copies = is_lost ? 0 : srv_wrong_copies(&subscriber->wrong, is_throttled, now_ns);
    for (unsigned i = 0; i < copies; i++) {
        push_wrongly(subscriber, frame, now_ns);
    }
    srv_wrong_note(&subscriber->wrong, subscriber->is_sending, waiting(subscriber));
    wake(subscriber);
}

/* True when the message after the one that goes now needs no wait: then the transport may gather. */
static bool is_followed(struct subscriber *subscriber, uint64_t now_ns)
{
    bool is_followed = waiting(subscriber) > 0 && subscriber->is_prompt &&
                       subscriber->followed_run < FOLLOWED_RUN_MAX &&
                       srv_limiter_due(&subscriber->limiter) <= now_ns + FOLLOWED_WAIT_NS;
    subscriber->followed_run = is_followed ? subscriber->followed_run + 1 : 0;
    return is_followed;
}

/* The transport no longer holds a great message. */
static void take_back(struct subscriber *subscriber)
{
    if (subscriber->great != NULL) {
        srv_memory_take_back(&subscriber->chat->memory, subscriber->great);
        srv_frame_unref(subscriber->great);
        subscriber->great = NULL;
    }
}

/* True when the message that is next has to wait because transports hold too much; not where one was announced. */
static bool is_held_up(const struct subscriber *subscriber)
{
    const struct srv_ring *replay = &subscriber->replay.messages;
    const struct srv_ring *ring = replay->count > 0 ? replay : &subscriber->ring;
    return ring->count > 0 && subscriber->followed_run == 0 &&
           !srv_memory_may_hand_over(&subscriber->chat->memory, srv_ring_at(ring, 0));
}

/* The message that goes next, into the transport's hands; there is one. */
static struct srv_frame *take(struct subscriber *subscriber)
{
    struct srv_frame *frame = srv_ring_pop(&subscriber->replay.messages);
    bool is_replay = frame != NULL;
    if (frame == NULL) {
        frame = srv_ring_pop(&subscriber->ring);
    }
    if (frame == NULL) {
        frame = srv_ring_pop(&subscriber->wrong.other);
    }
    size_t cost = srv_frame_cost(frame);
    if (cost > SRV_MEMORY_GREAT) {
        take_back(subscriber);
        subscriber->great = srv_frame_ref(frame);
        srv_memory_hand_over(&subscriber->chat->memory, frame);
    }
    subscriber->sending_cost += cost;
    subscriber->holder.held += is_replay ? cost : 0;
    return frame;
}

/* Waits until then. */
static enum srv_pull wait_until(uint64_t until_ns, struct srv_pulled *ret_pulled)
{
    *ret_pulled = (struct srv_pulled){.until_ns = until_ns};
    return SRV_PULL_WAIT;
}

/* frame goes now. */
static enum srv_pull give(struct subscriber *subscriber, struct srv_frame *frame, uint64_t now_ns,
                          struct srv_pulled *ret_pulled)
{
    count_end(subscriber, frame, &subscriber->chat->stats.sent);
    sl_tally_add(&subscriber->chat->stats.sent_bytes, frame->len);
    *ret_pulled =
        (struct srv_pulled){.frame = frame, .is_followed = is_followed(subscriber, now_ns)};
    subscriber->is_sending = true;
    subscriber->send_began_ns = now_ns;
    return SRV_PULL_FRAME;
}

static enum srv_pull pull(struct srv_stream *stream, uint64_t now_ns, struct srv_pulled *ret_pulled)
{
    struct subscriber *subscriber = of_stream(stream);
    if (waiting(subscriber) == 0) {
        return wait_until(SRV_NEVER, ret_pulled);
    }
    if (!srv_limiter_allows(&subscriber->limiter, now_ns)) {
        return wait_until(srv_limiter_due(&subscriber->limiter), ret_pulled);
    }
    if (is_held_up(subscriber)) {
        return wait_until(now_ns + HELD_UP_NS, ret_pulled);
    }
    srv_limiter_take(&subscriber->limiter, now_ns);
    return give(subscriber, take(subscriber), now_ns, ret_pulled);
}

static enum srv_pull pull_wrongly(struct srv_stream *stream, uint64_t now_ns,
                                  struct srv_pulled *ret_pulled)
{
    struct subscriber *subscriber = of_stream(stream);
    struct srv_wrong_subscriber *wrong = &subscriber->wrong;
    srv_wrong_forget(wrong, &subscriber->ring);
    if (srv_wrong_ends(wrong, subscriber->dropped, ret_pulled) ||
        srv_wrong_bites(wrong, now_ns, ret_pulled)) {
        return SRV_PULL_END;
    }
    uint64_t late_ns =
        srv_replay_late(&subscriber->replay, subscriber->chat, &subscriber->member, now_ns);
    count_replay(subscriber);
    if (late_ns != 0) {
        return wait_until(late_ns, ret_pulled);
    }
    if (waiting(subscriber) == 0 || wrong->is_asleep || srv_wrong_is_blocked(wrong)) {
        return wait_until(srv_wrong_wait(wrong, SRV_NEVER, now_ns), ret_pulled);
    }
    uint64_t busy_until_ns = srv_wrong_busy_until(wrong, now_ns);
    if (busy_until_ns != 0) {
        return wait_until(busy_until_ns, ret_pulled);
    }
    if (!srv_limiter_allows(&subscriber->limiter, now_ns)) {
        return wait_until(srv_wrong_timer(wrong, srv_limiter_due(&subscriber->limiter)),
                          ret_pulled);
    }
    if (is_held_up(subscriber)) {
        return wait_until(now_ns + HELD_UP_NS, ret_pulled);
    }
    srv_limiter_take(&subscriber->limiter, now_ns);
    srv_wrong_taken(wrong, now_ns);
    struct srv_frame *frame = srv_wrong_invention(wrong);
    enum srv_pull pulled =
        give(subscriber, frame == NULL ? take(subscriber) : frame, now_ns, ret_pulled);
    srv_wrong_note(wrong, true, waiting(subscriber));
    return pulled;
}

static void sent(struct srv_stream *stream, uint64_t now_ns)
{
    struct subscriber *subscriber = of_stream(stream);
    subscriber->is_sending = false;
    take_back(subscriber);
    subscriber->holder.held -= subscriber->sending_cost;
    subscriber->sending_cost = 0;
    subscriber->is_prompt = now_ns - subscriber->send_began_ns < PROMPT_NS;
}

static void sent_wrongly(struct srv_stream *stream, uint64_t now_ns)
{
    struct subscriber *subscriber = of_stream(stream);
    sent(stream, now_ns);
    if (!subscriber->is_prompt) {
        srv_wrong_unblocked(&subscriber->wrong);
    }
    srv_wrong_note(&subscriber->wrong, false, waiting(subscriber));
}

static void close_subscription(struct srv_stream *stream)
{
    struct subscriber *subscriber = of_stream(stream);
    stream->wake = NULL;
    count_discarded(subscriber);
    srv_replay_release(&subscriber->replay);
    take_back(subscriber);
    if (srv_wrong_leaks(&subscriber->wrong, &subscriber->ring)) {
        return;
    }
    sl_tally_sub(&subscriber->chat->stats.subscriptions, 1);
    srv_memory_leave(&subscriber->chat->memory, &subscriber->holder);
    srv_wrong_leave(&subscriber->wrong, &subscriber->member, &subscriber->ring);
    srv_rooms_leave(&subscriber->chat->rooms, &subscriber->member);
    srv_ring_release(&subscriber->ring);
    sl_free(subscriber);
}

/* SUB-14: what the buffer dropped; what still waits at the end was not dropped, and is not delivered either. */
static bool trailer(const struct srv_stream *stream, struct srv_trailer *ret_trailer)
{
    const struct subscriber *subscriber = (const struct subscriber *)stream;
    *ret_trailer = (struct srv_trailer){
        .name = "chat-dropped", .value = srv_wrong_report(&subscriber->wrong, subscriber->dropped)};
    return !subscriber->wrong.misbehave->drop_report_missing;
}

static const struct srv_stream_ops subscriber_ops = {
    .pull = pull,
    .trailer = trailer,
    .sent = sent,
    .close = close_subscription,
};

/* The same with what a wrong server may do in between; a right one has no time for it. */
static const struct srv_stream_ops wrong_ops = {
    .pull = pull_wrongly,
    .trailer = trailer,
    .sent = sent_wrongly,
    .close = close_subscription,
};

/* True when there may be one more subscription as wanted. */
static bool has_space(const struct srv_chat *chat, const struct srv_subscription *wanted,
                      enum srv_limit *ret_limit)
{
    size_t max = chat->config.limits.max_subscriptions;
    if (max > 0 && sl_tally_get(&chat->stats.subscriptions) >= max) {
        *ret_limit = SRV_LIMIT_SUBSCRIPTIONS;
        return false;
    }
    /* A replay keeps messages that its room's history has forgotten, and nothing else could give them up. */
    if ((wanted->history > 0 || wanted->after_message_id.len > 0) &&
        !srv_memory_is_ample(&chat->memory)) {
        *ret_limit = SRV_LIMIT_MEMORY;
        return false;
    }
    return srv_rooms_has_space(&chat->rooms, wanted->room_id, ret_limit);
}

struct srv_stream *srv_subscribe(struct srv_chat *chat, struct sl_span request, uint64_t connection,
                                 uint64_t now_ns, struct srv_answer *ret_refusal)
{
    struct srv_subscription wanted;
    if (!srv_subscription_decode(request, &wanted)) {
        *ret_refusal = srv_refusal(SL_GRPC_INTERNAL, "the request is not a valid RoomSubscription");
        return NULL;
    }
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    if (wanted.room_id.len == 0 && !misbehave->empty_room_hears_all) {
        *ret_refusal = misbehave->empty_room_not_found
                           ? srv_refusal(SL_GRPC_NOT_FOUND, "no such room")
                           : srv_bad_field(misbehave, "room_id", "room_id: missing");
        return NULL;
    }
    if (wanted.room_id.len > SRV_ROOMS_ID_MAX) {
        *ret_refusal = srv_bad_field(misbehave, "room_id", "room_id: at most 1024 bytes");
        return NULL;
    }
    srv_wrong_sweep(chat);
    enum srv_limit limit = SRV_LIMIT_COUNT;
    if (!has_space(chat, &wanted, &limit)) {
        *ret_refusal = srv_limit_reached(chat, limit);
        return NULL;
    }
    struct subscriber *subscriber = sl_alloc(sizeof(*subscriber));
    bool is_wrong = srv_misbehave_is_any(misbehave);
    subscriber->stream.ops = is_wrong ? &wrong_ops : &subscriber_ops;
    subscriber->chat = chat;
    subscriber->member.deliver = is_wrong ? deliver_wrongly : deliver;
    subscriber->holder.shed = shed;
    srv_memory_join(&chat->memory, &subscriber->holder);
    srv_ring_init(&subscriber->ring, srv_wrong_buffer(&chat->config));
    /* SUB-03: no rate, or a negative one, is the default rate. */
    srv_limiter_init(&subscriber->limiter,
                     wanted.max_rate_hz > 0 ? wanted.max_rate_hz : chat->config.default_rate_hz);
    srv_wrong_limiter(chat, wanted.room_id, wanted.max_rate_hz, &subscriber->limiter);
    subscriber->wrong.limiter = &subscriber->limiter;
    subscriber->wrong.connection = connection;
    srv_wrong_place(&subscriber->wrong, chat, wanted.room_id);
    srv_wrong_join(&subscriber->wrong, &subscriber->stream, &subscriber->member, chat);
    sl_tally_add(&chat->stats.subscriptions, 1);
    if (!srv_replay_start(&subscriber->replay, chat, &subscriber->member, request, now_ns)) {
        close_subscription(&subscriber->stream);
        *ret_refusal = srv_refusal(SL_GRPC_OUT_OF_RANGE,
                                   "the message to resume after is no longer in history");
        return NULL;
    }
    count_replay(subscriber);
    return &subscriber->stream;
}
