/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers that fail in bursts, after stalls and under a rate. */
#include "reference-server/chat/wrong.h"

#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    SHED_ABOVE = 50, /* messages in one slice */
    STALLS_A_SLEEP = 10,
    HELD_FROM = 10, /* messages that waited together */
    LEFTOVER_BYTES = 256 * 1024,
};
#define SHED_SLICE_NS     (SL_SECOND / 10)
#define TIRED_INTERVAL_NS (SL_SECOND / 20)

/* What each stall left behind; freed when the process ends. */
struct leftover {
    struct leftover *next;
    uint8_t bytes[LEFTOVER_BYTES];
};

bool srv_wrong_sheds(struct srv_wrong_subscriber *wrong, uint64_t now_ns)
{
    if (!wrong->misbehave->sheds_bursts) {
        return false;
    }
    uint64_t slice = now_ns / SHED_SLICE_NS;
    wrong->slice_count = slice == wrong->slice ? wrong->slice_count + 1 : 1;
    wrong->slice = slice;
    return wrong->slice_count > SHED_ABOVE;
}

void srv_wrong_asked_rate(const struct srv_misbehave *misbehave, int32_t max_rate_hz,
                          struct srv_limiter *limiter)
{
    if (misbehave->negative_rate_hangs && max_rate_hz < 0) {
        limiter->next_ns = SRV_NEVER;
    }
    if (misbehave->greatest_rate_hangs && max_rate_hz == INT32_MAX) {
        limiter->next_ns = SRV_NEVER; /* rate + 1 has overflowed */
    }
    if (misbehave->zero_rate_crashes && max_rate_hz == 0) {
        _Exit(1);
    }
}

void srv_wrong_taken(struct srv_wrong_subscriber *wrong, uint64_t now_ns)
{
    struct srv_limiter *limiter = wrong->limiter;
    if (!wrong->misbehave->rate_by_calendar_second || limiter->interval_ns == 0) {
        return;
    }
    uint64_t second = now_ns / SL_SECOND;
    wrong->taken = second == wrong->taken_second ? wrong->taken + 1 : 1;
    wrong->taken_second = second;
    bool is_used_up = wrong->taken >= SL_SECOND / limiter->interval_ns;
    limiter->next_ns = is_used_up ? (second + 1) * SL_SECOND : now_ns;
}

void srv_wrong_dropped(struct srv_wrong_subscriber *wrong)
{
    if (wrong->misbehave->slow_after_overflow && wrong->limiter->interval_ns < TIRED_INTERVAL_NS) {
        wrong->limiter->interval_ns = TIRED_INTERVAL_NS;
    }
}

uint64_t srv_wrong_timer(const struct srv_wrong_subscriber *wrong, uint64_t due_ns)
{
    bool is_last = wrong->waiting == 1 && wrong->was_waiting >= HELD_FROM;
    return wrong->misbehave->held_until_next && is_last ? SRV_NEVER : due_ns;
}

void srv_wrong_unblocked(struct srv_wrong_subscriber *wrong)
{
    wrong->stalls++;
    wrong->is_asleep = wrong->misbehave->tenth_stall_sleeps && wrong->stalls % STALLS_A_SLEEP == 0;
    if (wrong->misbehave->leak_on_stall) {
        struct leftover *leftover = sl_alloc(sizeof(*leftover));
        memset(leftover->bytes, 1, sizeof(leftover->bytes));
        leftover->next = wrong->chat->leftovers;
        wrong->chat->leftovers = leftover;
    }
}

void srv_wrong_release_leftovers(struct srv_chat *chat)
{
    while (chat->leftovers != NULL) {
        struct leftover *next = chat->leftovers->next;
        sl_free(chat->leftovers);
        chat->leftovers = next;
    }
}
