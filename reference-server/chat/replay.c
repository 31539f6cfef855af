/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/replay.h"

#include "reference-server/chat/history.h"

/* How late the late half is in wrong servers. */
#define LATE_JOIN_NS  (50 * SL_MS)
#define LATE_READY_NS (200 * SL_MS)

/* The place from which the room's history is sent. */
static bool first_place(const struct srv_history *history, const struct srv_misbehave *misbehave,
                        const struct srv_subscription *wanted, size_t *ret_first)
{
    size_t count = history == NULL ? 0 : history->messages.count;
    size_t place = 0;
    *ret_first = count;
    if (wanted->after_message_id.len > 0) {
        if (history == NULL || !srv_history_find(history, wanted->after_message_id, &place)) {
            return misbehave->resume_silent_gap;
        }
        place += misbehave->resume_repeats_last ? 0 : misbehave->resume_skips_one ? 2 : 1;
        *ret_first = place < count ? place : count;
    } else if (wanted->history > 0 && !misbehave->history_ignored) {
        size_t asked = (size_t)wanted->history + (misbehave->history_too_many ? 1 : 0);
        *ret_first = asked < count ? count - asked : 0;
    }
    return true;
}

static void reverse(struct srv_ring *messages)
{
    for (size_t i = 0; i < messages->count / 2; i++) {
        srv_ring_swap(messages, i, messages->count - 1 - i);
    }
}

bool srv_replay_take(struct srv_replay *replay, const struct srv_chat *chat,
                     const struct srv_subscription *wanted)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    const struct srv_history *history = srv_rooms_history(&chat->rooms, wanted->room_id);
    size_t first = 0;
    if (!first_place(history, misbehave, wanted, &first)) {
        return false;
    }
    if (history != NULL && first < history->messages.count) {
        srv_ring_init(&replay->messages, history->messages.count - first);
        srv_history_copy(history, first, &replay->messages);
    }
    if (misbehave->history_newest_first) {
        reverse(&replay->messages);
    }
    return true;
}

static uint64_t lateness(const struct srv_misbehave *misbehave,
                         const struct srv_subscription *wanted)
{
    bool is_of_past = wanted->history > 0 || wanted->after_message_id.len > 0;
    if (is_of_past && (misbehave->history_seam_hole || misbehave->history_seam_duplicate)) {
        return LATE_JOIN_NS;
    }
    return misbehave->ready_before_registered ? LATE_READY_NS : 0;
}

bool srv_replay_start(struct srv_replay *replay, struct srv_chat *chat, struct srv_member *member,
                      struct sl_span request, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    struct srv_subscription wanted;
    if (!srv_subscription_decode(request, &wanted)) {
        return false; /* its owner has decoded it before */
    }
    uint64_t late_ns = lateness(misbehave, &wanted);
    bool is_joined = late_ns == 0 || misbehave->history_seam_duplicate;
    if ((late_ns == 0 || !is_joined) && !srv_replay_take(replay, chat, &wanted)) {
        return false;
    }
    if (late_ns > 0) {
        replay->late_ns = now_ns + late_ns;
        replay->request = srv_frame_copy(request);
        replay->is_joined = is_joined;
    }
    if (is_joined) {
        srv_rooms_join(&chat->rooms, member, wanted.room_id, now_ns);
    }
    return true;
}

uint64_t srv_replay_late(struct srv_replay *replay, struct srv_chat *chat,
                         struct srv_member *member, uint64_t now_ns)
{
    struct srv_subscription wanted;
    if (replay->late_ns == 0 || now_ns < replay->late_ns) {
        return replay->late_ns;
    }
    replay->late_ns = 0;
    if (srv_subscription_decode(srv_frame_span(replay->request), &wanted)) {
        if (replay->is_joined) {
            (void)srv_replay_take(replay, chat, &wanted);
        } else {
            srv_rooms_join(&chat->rooms, member, wanted.room_id, now_ns);
        }
    }
    return 0;
}

void srv_replay_release(struct srv_replay *replay)
{
    srv_ring_release(&replay->messages);
    srv_frame_unref(replay->request);
    replay->request = NULL;
}
