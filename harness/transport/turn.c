/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/turn.h"

#include <assert.h>
#include <stddef.h>

#include "lib/base/alloc.h"

enum {
    HANDLES = 2,
};

struct har_turn {
    struct har_turn *next; /* of all turns of the process */
    uv_loop_t *loop;
    unsigned references;
    unsigned open_handles;
    uv_prepare_t prepare; /* runs before the loop blocks; active while tasks are queued */
    /* Keeps the loop from blocking in a turn with tasks: tasks may have queued others, and a caller of
     * uv_run(UV_RUN_ONCE) is to see what they have done. */
    uv_idle_t idle;
    struct har_turn_task tasks; /* head of a ring */
};

/* The turns that are in use; there is one per loop, and nearly always one loop. */
static struct har_turn *turns;

static void unlink_task(struct har_turn_task *task)
{
    task->prev->next = task->next;
    task->next->prev = task->prev;
    task->prev = task->next = NULL;
    task->is_queued = false;
}

static void link_before(struct har_turn_task *place, struct har_turn_task *task)
{
    task->prev = place->prev;
    task->next = place;
    place->prev->next = task;
    place->prev = task;
}

static bool is_empty(const struct har_turn *turn)
{
    return turn->tasks.next == &turn->tasks;
}

static void on_idle(uv_idle_t *idle)
{
    struct har_turn *turn = idle->data;
    if (is_empty(turn)) {
        uv_prepare_stop(&turn->prepare);
        uv_idle_stop(&turn->idle);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct har_turn *turn = prepare->data;
    /* A marker ends this turn's share: what tasks queue behind it waits for the next turn. */
    struct har_turn_task marker = {.is_queued = true};
    turn->references++;
    link_before(&turn->tasks, &marker);
    while (turn->tasks.next != &marker) {
        struct har_turn_task *task = turn->tasks.next;
        unlink_task(task);
        task->run(task);
    }
    unlink_task(&marker);
    har_turn_unref(turn);
}

struct har_turn *har_turn_ref(uv_loop_t *loop)
{
    struct har_turn *turn = turns;
    while (turn != NULL && turn->loop != loop) {
        turn = turn->next;
    }
    if (turn == NULL) {
        turn = sl_alloc(sizeof *turn);
        turn->loop = loop;
        turn->open_handles = HANDLES;
        turn->tasks.prev = turn->tasks.next = &turn->tasks;
        uv_prepare_init(loop, &turn->prepare);
        uv_idle_init(loop, &turn->idle);
        turn->prepare.data = turn->idle.data = turn;
        turn->next = turns;
        turns = turn;
    }
    turn->references++;
    return turn;
}

static void on_closed(uv_handle_t *handle)
{
    struct har_turn *turn = handle->data;
    if (--turn->open_handles == 0) {
        sl_free(turn);
    }
}

void har_turn_unref(struct har_turn *turn)
{
    if (turn == NULL || --turn->references > 0) {
        return;
    }
    assert(is_empty(turn));
    struct har_turn **place = &turns;
    while (*place != turn) {
        place = &(*place)->next;
    }
    *place = turn->next;
    uv_close((uv_handle_t *)&turn->prepare, on_closed);
    uv_close((uv_handle_t *)&turn->idle, on_closed);
}

void har_turn_defer(struct har_turn *turn, struct har_turn_task *task)
{
    if (task->is_queued) {
        return;
    }
    if (is_empty(turn)) {
        uv_prepare_start(&turn->prepare, on_prepare);
        uv_idle_start(&turn->idle, on_idle);
    }
    task->is_queued = true;
    link_before(&turn->tasks, task);
}

void har_turn_cancel(struct har_turn *turn, struct har_turn_task *task)
{
    (void)turn;
    if (task->is_queued) {
        unlink_task(task);
    }
}
