/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/memory.h"

#include <utlist.h>

#include "lib/base/clock.h"

enum {
    SHARE_STEP = 4,
    LITTLE = 4096, /* bytes; below this one more round takes everything */
};

void srv_memory_join(struct srv_memory *memory, struct srv_holder *holder)
{
    DL_APPEND(memory->holders, holder);
}

void srv_memory_leave(struct srv_memory *memory, struct srv_holder *holder)
{
    DL_DELETE(memory->holders, holder);
}

static size_t used(const struct srv_memory *memory)
{
    return atomic_load_explicit(memory->used, memory_order_relaxed);
}

static bool fits(const struct srv_memory *memory, size_t cost)
{
    return memory->max == 0 || (cost <= memory->max && used(memory) <= memory->max - cost);
}

static size_t most_held(const struct srv_memory *memory)
{
    const struct srv_holder *holder = NULL;
    size_t most = 0;
    DL_FOREACH (memory->holders, holder) {
        most = holder->held > most ? holder->held : most;
    }
    return most;
}

static void relieve(struct srv_memory *memory, uint64_t now_ns)
{
    if (now_ns < memory->next_relief_ns) {
        return;
    }
    size_t aim = memory->max - memory->max / 4;
    size_t share = most_held(memory);
    while (used(memory) > aim && share > 0) {
        share = share > LITTLE ? share / SHARE_STEP : 0;
        struct srv_holder *holder = NULL;
        DL_FOREACH (memory->holders, holder) {
            if (holder->held > share) {
                holder->shed(holder, share);
            }
        }
    }
    if (used(memory) > aim) {
        memory->next_relief_ns = now_ns + SRV_MEMORY_PAUSE_NS;
    }
}

bool srv_memory_admit(struct srv_memory *memory, struct srv_frame *frame, uint64_t now_ns)
{
    size_t cost = srv_frame_cost(frame);
    if (srv_frame_is_charged(frame)) {
        return true;
    }
    if (!fits(memory, cost)) {
        relieve(memory, now_ns);
        if (!fits(memory, cost)) {
            return false;
        }
    }
    srv_frame_charge(frame, memory->used);
    return true;
}

bool srv_memory_is_ample(const struct srv_memory *memory)
{
    return memory->max == 0 || used(memory) <= memory->max / 2;
}

static bool is_great(const struct srv_frame *frame)
{
    return srv_frame_cost(frame) > SRV_MEMORY_GREAT;
}

bool srv_memory_may_hand_over(const struct srv_memory *memory, const struct srv_frame *frame)
{
    return memory->max == 0 || !is_great(frame) || frame->hands > 0 ||
           memory->in_hands + srv_frame_cost(frame) <= memory->max / 2;
}

void srv_memory_hand_over(struct srv_memory *memory, struct srv_frame *frame)
{
    if (is_great(frame) && frame->hands++ == 0) {
        memory->in_hands += srv_frame_cost(frame);
    }
}

void srv_memory_take_back(struct srv_memory *memory, struct srv_frame *frame)
{
    if (is_great(frame) && --frame->hands == 0) {
        memory->in_hands -= srv_frame_cost(frame);
    }
}
