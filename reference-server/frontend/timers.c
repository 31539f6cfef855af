/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/timers.h"

#include "lib/base/alloc.h"

enum {
    FIRST_CAPACITY = 64,
};

void srv_timers_release(struct srv_timers *timers)
{
    sl_free(timers->heap);
    *timers = (struct srv_timers){0};
}

static void put(struct srv_timers *timers, size_t index, struct srv_timer *timer)
{
    timers->heap[index] = timer;
    timer->place = index + 1;
}

static void move_up(struct srv_timers *timers, size_t index)
{
    struct srv_timer *timer = timers->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (timers->heap[parent]->due_ns <= timer->due_ns) {
            break;
        }
        put(timers, index, timers->heap[parent]);
        index = parent;
    }
    put(timers, index, timer);
}

static void move_down(struct srv_timers *timers, size_t index)
{
    struct srv_timer *timer = timers->heap[index];
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count &&
            timers->heap[child + 1]->due_ns < timers->heap[child]->due_ns) {
            child++;
        }
        if (timer->due_ns <= timers->heap[child]->due_ns) {
            break;
        }
        put(timers, index, timers->heap[child]);
        index = child;
    }
    put(timers, index, timer);
}

bool srv_timers_set(struct srv_timers *timers, struct srv_timer *timer, uint64_t due_ns)
{
    if (timer->place == 0) {
        if (timers->count == timers->capacity) {
            timers->capacity = timers->capacity == 0 ? FIRST_CAPACITY : timers->capacity * 2;
            timers->heap = sl_realloc(timers->heap, timers->capacity * sizeof(struct srv_timer *));
        }
        put(timers, timers->count++, timer);
    }
    timer->due_ns = due_ns;
    move_up(timers, timer->place - 1);
    move_down(timers, timer->place - 1);
    return timer->place == 1;
}

void srv_timers_remove(struct srv_timers *timers, struct srv_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    size_t index = timer->place - 1;
    struct srv_timer *last = timers->heap[--timers->count];
    timer->place = 0;
    if (last != timer) {
        put(timers, index, last);
        move_up(timers, index);
        move_down(timers, last->place - 1);
    }
}

struct srv_timer *srv_timers_first(const struct srv_timers *timers)
{
    return timers->count == 0 ? NULL : timers->heap[0];
}
