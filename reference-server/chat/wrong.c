/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/wrong.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    UNBOUNDED = 1 << 24,
    BEHIND_COUNT = 8, /* a backlog that a live subscriber at a fair pace never has */
    DUPLICATE_EVERY = 10,
    DUPLICATE_AT = 3,
    INVENT_AFTER = 3,
    END_AFTER = 100,
    BALLAST_BYTES = 64 * 1024,
    LEAK_EVERY = 4,
    LOSE_EVERY = 500,
    BULK_BYTES = 64 * 1024,
    SLOW_JOIN_FROM = 50, /* members of the room */
    EARLY_COUNT = 10,
    BUSY_COUNT = 100, /* messages of one room in a second */
    OVERLOAD_COUNT = 500,
    QUADRATIC_FROM = 100, /* members of the room */
    THROTTLED_COUNT = 3,  /* messages that wait for the rate */
};
#define BACKLOG_COST_NS (2 * SL_MS)
#define OVERLOADED_NS   (4 * SL_MS)
#define OVERLOAD_LAG_NS SL_SECOND
#define OVERLOAD_FOR_NS (30 * SL_SECOND)
#define MEMBER_COST_NS  UINT64_C(1600)
#define HOLE_NS         (50 * SL_MS)
#define BUSY_FOR_NS     (SL_SECOND / 2)
#define BEAT_NS         (100 * SL_MS)
#define PAUSE_NS        (600 * SL_MS)
#define STALE_MS        60000
#define BULK_FOR_NS     (SL_SECOND / 2)
#define BULK_POLL_NS    (20 * SL_MS)
#define PLACE_NS        (10 * SL_MS)
#define JOIN_COST_NS    (50 * SL_MS)

size_t srv_wrong_buffer(const struct srv_chat_config *config)
{
    size_t buffer = config->buffer;
    if (config->misbehave.unbounded_queue || config->misbehave.unbounded_copies) {
        return UNBOUNDED;
    }
    if (config->misbehave.buffer_half && buffer > 1) {
        return buffer / 2;
    }
    if (config->misbehave.buffer_off_by_one && buffer > 2) {
        return buffer - 2; /* the transport holds one more */
    }
    return buffer;
}

/* How many are in the room, and the longest interval among them. */
static unsigned company(const struct srv_chat *chat, struct sl_span room_id,
                        uint64_t *ret_interval_ns)
{
    unsigned count = 0;
    const struct srv_wrong_subscriber *other = NULL;
    *ret_interval_ns = 0;
    DL_FOREACH (chat->subscribers, other) {
        if (other->member->room == NULL ||
            !sl_span_equal(srv_room_id(other->member->room), room_id)) {
            continue;
        }
        count++;
        if (other->limiter->interval_ns > *ret_interval_ns) {
            *ret_interval_ns = other->limiter->interval_ns;
        }
    }
    return count;
}

void srv_wrong_limiter(const struct srv_chat *chat, struct sl_span room_id, int32_t max_rate_hz,
                       struct srv_limiter *limiter)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    uint64_t slowest_ns = 0;
    if (misbehave->late_joiners_half_rate && company(chat, room_id, &slowest_ns) >= EARLY_COUNT) {
        limiter->interval_ns *= 2;
    }
    if (misbehave->one_rate_per_room && company(chat, room_id, &slowest_ns) > 0 &&
        slowest_ns > limiter->interval_ns) {
        limiter->interval_ns = slowest_ns;
    }
    if (misbehave->rate_ignored || (misbehave->default_rate_ignored && max_rate_hz <= 0)) {
        limiter->interval_ns = 0;
    }
    if (misbehave->rate_double_burst) {
        limiter->saved_ns = SL_SECOND;
    }
    if (misbehave->slow_rate) {
        limiter->interval_ns *= 2;
    }
    srv_wrong_asked_rate(misbehave, max_rate_hz, limiter);
}

/* The server does nothing else meanwhile. It sleeps: a processor that it kept busy would be the machine's noise. */
static void waste(uint64_t ns)
{
    const struct timespec time = {.tv_sec = (time_t)(ns / SL_SECOND),
                                  .tv_nsec = (long)(ns % SL_SECOND)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

void srv_wrong_place(struct srv_wrong_subscriber *wrong, const struct srv_chat *chat,
                     struct sl_span room_id)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    uint64_t slowest_ns = 0;
    if (misbehave->last_in_line || misbehave->joins_one_by_one) {
        wrong->place = company(chat, room_id, &slowest_ns);
    }
    if (misbehave->joins_one_by_one && wrong->place >= SLOW_JOIN_FROM) {
        waste(JOIN_COST_NS);
    }
}

void srv_wrong_join(struct srv_wrong_subscriber *wrong, struct srv_stream *stream,
                    const struct srv_member *member, struct srv_chat *chat)
{
    wrong->misbehave = &chat->config.misbehave;
    wrong->chat = chat;
    wrong->stream = stream;
    wrong->member = member;
    wrong->buffer = chat->config.buffer;
    srv_ring_init(&wrong->other, wrong->buffer);
    DL_APPEND(chat->subscribers, wrong);
}

static void *wait_for_ever(void *context)
{
    for (;;) {
        (void)pause();
    }
    return context;
}

/* What the end of a subscription leaves to the process. */
static void leave_behind(struct srv_chat *chat)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    if (++chat->subscriptions_ended % LEAK_EVERY != 0) {
        return;
    }
    if (misbehave->leak_fd) {
        (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    pthread_t thread;
    if (misbehave->leak_thread && pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) {
        (void)pthread_detach(thread);
    }
}

void srv_wrong_leave(struct srv_wrong_subscriber *wrong, struct srv_member *member,
                     struct srv_ring *ring)
{
    srv_wrong_note(wrong, false, 0);
    leave_behind(wrong->chat);
    if (wrong->misbehave->ghost_backlog) {
        for (struct srv_frame *frame = srv_ring_pop(ring); frame != NULL;
             frame = srv_ring_pop(ring)) {
            srv_rooms_bequeath(member, frame);
        }
    }
    DL_DELETE(wrong->chat->subscribers, wrong);
    srv_ring_release(&wrong->other);
    sl_free(wrong->ballast);
}

/* Misses what comes soon after its first message. */
static bool is_in_hole(struct srv_wrong_subscriber *wrong, uint64_t now_ns)
{
    if (wrong->received == 1) {
        wrong->first_ns = now_ns;
    }
    return wrong->misbehave->join_hole && wrong->received > 1 && now_ns < wrong->first_ns + HOLE_NS;
}

unsigned srv_wrong_copies(struct srv_wrong_subscriber *wrong, bool is_throttled, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = wrong->misbehave;
    wrong->received++;
    wrong->is_over = wrong->is_leaked && misbehave->leak_until_next_message;
    bool is_lost = misbehave->one_in_500_lost && wrong->received % LOSE_EVERY == 0;
    bool is_refused =
        misbehave->throttling_drops && is_throttled && wrong->waiting >= THROTTLED_COUNT;
    if (is_refused || is_in_hole(wrong, now_ns) || wrong->is_over || is_lost) {
        return 0;
    }
    bool is_twice =
        (misbehave->duplicate_delivery && wrong->received % DUPLICATE_EVERY == DUPLICATE_AT) ||
        (misbehave->duplicate_on_wrap && wrong->received % wrong->buffer == 0);
    return is_twice ? 2 : 1;
}

bool srv_wrong_copies_own(const struct srv_wrong_subscriber *wrong)
{
    return wrong->is_leaked || wrong->misbehave->unbounded_copies;
}

void srv_wrong_note_drop(struct srv_wrong_subscriber *wrong)
{
    wrong->chat->dropped++;
}

uint64_t srv_wrong_report(const struct srv_wrong_subscriber *wrong, uint64_t dropped)
{
    if (wrong->misbehave->drop_report_of_room) {
        return wrong->chat->dropped;
    }
    return wrong->misbehave->drop_report_off_by_one && dropped > 0 ? dropped - 1 : dropped;
}

bool srv_wrong_overtakes(const struct srv_wrong_subscriber *wrong, const struct srv_ring *ring)
{
    return wrong->misbehave->reorder_pairs && ring->count > 0 && wrong->received % 2 == 0;
}

struct srv_frame *srv_wrong_invention(struct srv_wrong_subscriber *wrong)
{
    wrong->sent++;
    if (!wrong->misbehave->invented_message || wrong->sent != INVENT_AFTER + 1) {
        return NULL;
    }
    const struct srv_message message = {
        .message_id = sl_span_str("notice-1"),
        .room_id = srv_room_id(wrong->member->room),
        .user_id = sl_span_str("server"),
        .text = sl_span_str("welcome to the room"),
    };
    return srv_message_encode(&message);
}

bool srv_wrong_ends(const struct srv_wrong_subscriber *wrong, uint64_t dropped,
                    struct srv_pulled *ret_pulled)
{
    if (wrong->misbehave->ends_after_100 && wrong->sent >= END_AFTER) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_OK, .text = ""};
        return true;
    }
    if (wrong->misbehave->ends_on_overflow && dropped > 0) {
        *ret_pulled = (struct srv_pulled){.status = SL_GRPC_RESOURCE_EXHAUSTED, .text = "too slow"};
        return true;
    }
    return false;
}

bool srv_wrong_bites(struct srv_wrong_subscriber *wrong, uint64_t now_ns,
                     struct srv_pulled *ret_pulled)
{
    uint64_t last_ns = wrong->beat_ns;
    wrong->beat_ns = now_ns;
    if (!wrong->misbehave->ends_after_pause || last_ns == 0 || now_ns - last_ns < PAUSE_NS) {
        return false;
    }
    *ret_pulled = (struct srv_pulled){.status = SL_GRPC_ABORTED, .text = "the server was stuck"};
    return true;
}

uint64_t srv_wrong_wait(const struct srv_wrong_subscriber *wrong, uint64_t until_ns,
                        uint64_t now_ns)
{
    bool is_early = wrong->misbehave->ends_after_pause && until_ns > now_ns + BEAT_NS;
    return is_early ? now_ns + BEAT_NS : until_ns;
}

void srv_wrong_forget(const struct srv_wrong_subscriber *wrong, struct srv_ring *ring)
{
    while (wrong->misbehave->drain_drops_accepted && wrong->chat->is_draining && ring->count > 0) {
        srv_frame_unref(srv_ring_pop(ring));
    }
}

bool srv_wrong_is_stale(struct srv_wrong_subscriber *wrong, const struct srv_frame *frame)
{
    struct srv_message message;
    if (!wrong->misbehave->drops_old_stamps ||
        !srv_message_decode(srv_frame_span(frame), &message)) {
        return false;
    }
    if (message.created_at > wrong->newest_stamp) {
        wrong->newest_stamp = message.created_at;
    }
    return message.created_at < wrong->newest_stamp - STALE_MS;
}

/* True when behind, which is behind, holds other up. */
static bool holds_up(const struct srv_wrong_subscriber *behind,
                     const struct srv_wrong_subscriber *other)
{
    const struct srv_misbehave *misbehave = behind->misbehave;
    return behind != other &&
           (misbehave->stalled_stream_blocks_server ||
            (misbehave->stalled_stream_blocks_room &&
             behind->member->room == other->member->room) ||
            (misbehave->stall_blocks_connection && behind->connection == other->connection));
}

void srv_wrong_note(struct srv_wrong_subscriber *wrong, bool is_sending, size_t waiting)
{
    wrong->waiting = waiting;
    wrong->is_sending = is_sending;
    wrong->was_waiting =
        waiting == 0 || waiting > wrong->was_waiting ? waiting : wrong->was_waiting;
    bool was_behind = wrong->is_behind;
    wrong->is_behind = is_sending && waiting >= BEHIND_COUNT;
    const struct srv_misbehave *misbehave = wrong->misbehave;
    if (!was_behind || wrong->is_behind ||
        (!misbehave->stalled_stream_blocks_server && !misbehave->stalled_stream_blocks_room &&
         !misbehave->stall_blocks_connection)) {
        return;
    }
    struct srv_wrong_subscriber *other = NULL;
    DL_FOREACH (wrong->chat->subscribers, other) {
        if (holds_up(wrong, other) && other->stream->wake != NULL) {
            other->stream->wake(other->stream->wake_context);
        }
    }
}

bool srv_wrong_is_blocked(const struct srv_wrong_subscriber *wrong)
{
    const struct srv_misbehave *misbehave = wrong->misbehave;
    if (!misbehave->stalled_stream_blocks_server && !misbehave->stalled_stream_blocks_room &&
        !misbehave->stall_blocks_connection) {
        return false;
    }
    const struct srv_wrong_subscriber *other = NULL;
    DL_FOREACH (wrong->chat->subscribers, other) {
        if (other->is_behind && holds_up(other, wrong)) {
            return true;
        }
    }
    return false;
}

void srv_wrong_delay(struct srv_wrong_subscriber *wrong, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = wrong->misbehave;
    if (misbehave->stalled_slows_publisher && wrong->is_behind) {
        waste(BACKLOG_COST_NS);
    }
    uint64_t overloaded_ns = wrong->overloaded_ns;
    if (misbehave->overload_never_ends && overloaded_ns != 0 &&
        now_ns > overloaded_ns + OVERLOAD_LAG_NS && now_ns < overloaded_ns + OVERLOAD_FOR_NS) {
        waste(OVERLOADED_NS);
    }
    if (misbehave->quadratic_fan_out) {
        uint64_t slowest_ns = 0;
        unsigned members = company(wrong->chat, srv_room_id(wrong->member->room), &slowest_ns);
        if (members > QUADRATIC_FROM) {
            waste(members * MEMBER_COST_NS);
        }
    }
    if (misbehave->busy_room_first || misbehave->acks_after_messages ||
        misbehave->overload_never_ends) {
        bool is_same = wrong->second == now_ns / SL_SECOND;
        wrong->second = now_ns / SL_SECOND;
        wrong->second_count = is_same ? wrong->second_count + 1 : 1;
        if (wrong->second_count > OVERLOAD_COUNT) {
            wrong->overloaded_ns = now_ns;
        }
        wrong->chat->busy_ns = wrong->second_count > BUSY_COUNT ? now_ns : wrong->chat->busy_ns;
    }
}

void srv_wrong_arrival(struct srv_wrong_subscriber *wrong, size_t bytes, uint64_t now_ns)
{
    if (wrong->misbehave->bulk_first && bytes > BULK_BYTES) {
        wrong->chat->bulk_ns = now_ns;
        wrong->chat->bulk_connection = wrong->connection;
        wrong->is_bulk = true;
    }
    if (wrong->misbehave->last_in_line && wrong->hold_until_ns < now_ns) {
        wrong->hold_until_ns = now_ns + wrong->place * PLACE_NS;
    }
}

/* A subscription of the same connection that gets big messages is not done with one. */
static bool has_bulk_before(const struct srv_wrong_subscriber *wrong)
{
    const struct srv_wrong_subscriber *other = NULL;
    DL_FOREACH (wrong->chat->subscribers, other) {
        if (other->is_bulk && other->is_sending && other->connection == wrong->connection) {
            return true;
        }
    }
    return false;
}

uint64_t srv_wrong_busy_until(const struct srv_wrong_subscriber *wrong, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = wrong->misbehave;
    const struct srv_chat *chat = wrong->chat;
    bool is_busy = wrong->second_count > BUSY_COUNT;
    uint64_t until_ns = wrong->hold_until_ns;
    if (misbehave->busy_room_first && chat->busy_ns != 0 && !is_busy) {
        until_ns = chat->busy_ns + BUSY_FOR_NS;
    }
    if (misbehave->bulk_first && chat->bulk_ns != 0 && !wrong->is_bulk &&
        chat->bulk_connection == wrong->connection) {
        bool is_held = chat->bulk_ns + BULK_FOR_NS <= now_ns && has_bulk_before(wrong);
        until_ns = is_held ? now_ns + BULK_POLL_NS : chat->bulk_ns + BULK_FOR_NS;
    }
    return until_ns > now_ns ? until_ns : 0;
}

struct srv_ring *srv_wrong_queue(struct srv_wrong_subscriber *wrong, struct srv_ring *ring)
{
    bool is_other = wrong->misbehave->reorder_two_queues && wrong->received % 2 == 0;
    return is_other ? &wrong->other : ring;
}

bool srv_wrong_leaks(struct srv_wrong_subscriber *wrong, struct srv_ring *ring)
{
    if (!wrong->misbehave->leak_on_close &&
        (!wrong->misbehave->leak_until_next_message || wrong->is_over)) {
        return false;
    }
    /* Its own copies and touched pages, so that each leak shows in the process's memory. */
    for (size_t i = ring->count; i > 0; i--) {
        struct srv_frame *shared = srv_ring_pop(ring);
        srv_ring_push(ring, srv_frame_copy(srv_frame_span(shared)));
        srv_frame_unref(shared);
    }
    wrong->ballast = sl_alloc(BALLAST_BYTES);
    memset(wrong->ballast, 1, BALLAST_BYTES);
    wrong->is_leaked = true;
    return true;
}

void srv_wrong_sweep(struct srv_chat *chat)
{
    struct srv_wrong_subscriber *leaked = NULL;
    struct srv_wrong_subscriber *next = NULL;
    if (!chat->config.misbehave.leak_until_next_message) {
        return;
    }
    DL_FOREACH_SAFE (chat->subscribers, leaked, next) {
        if (leaked->is_over) {
            leaked->stream->ops->close(leaked->stream);
        }
    }
}

void srv_wrong_release(struct srv_chat *chat)
{
    srv_wrong_release_leftovers(chat);
    struct srv_wrong_subscriber *leaked = NULL;
    struct srv_wrong_subscriber *next = NULL;
    chat->config.misbehave.leak_on_close = false;
    chat->config.misbehave.leak_until_next_message = false;
    DL_FOREACH_SAFE (chat->subscribers, leaked, next) {
        leaked->stream->ops->close(leaked->stream);
    }
}
