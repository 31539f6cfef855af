/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TURN_H
#define HAR_TURN_H

/*
 * Work put off to the end of the loop's turn, before it blocks: so that what many callbacks of one
 * turn ask of a connection becomes one write, and so that no callback comes from inside a call.
 *
 * One struct har_turn serves all users of a loop. A task that is queued while the tasks run comes in
 * the next turn, which then does not block.
 */
#include <uv.h>

#include <stdbool.h>
#include <stddef.h>

struct har_turn;

/* Embedded in its owner; zeroed but for run. */
struct har_turn_task {
    void (*run)(struct har_turn_task *task); /* may free the task */
    struct har_turn_task *prev, *next;
    bool is_queued;
};

/* The struct of this type that task is embedded in as member. */
#define HAR_TASK_OWNER(task, type, member) ((type *)(void *)((char *)(task)-offsetof(type, member)))

/* The turn of this loop; one reference more. */
struct har_turn *har_turn_ref(uv_loop_t *loop);
/* NULL is fine. No task of this user may be queued any more. */
void har_turn_unref(struct har_turn *turn);

/* Queues task unless it is. */
void har_turn_defer(struct har_turn *turn, struct har_turn_task *task);
/* Takes task out of the queue if it is there. */
void har_turn_cancel(struct har_turn *turn, struct har_turn_task *task);

#endif
