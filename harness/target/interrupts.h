/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_INTERRUPTS_H
#define HAR_INTERRUPTS_H

/*
 * SIGINT, SIGTERM and SIGHUP on a loop, for one that ends its work in order; those that are ignored (nohup) stay so.
 * They do not keep the loop running.
 */
#include <uv.h>

enum {
    HAR_INTERRUPTS = 3,
};
struct har_interrupts {
    uv_signal_t signals[HAR_INTERRUPTS];
    unsigned open;
};

/* on_interrupt finds owner in the handle's data. interrupts must not move. */
void har_interrupts_begin(struct har_interrupts *interrupts, uv_loop_t *loop,
                          uv_signal_cb on_interrupt, void *owner);
/* Runs the loop until they are closed. */
void har_interrupts_end(struct har_interrupts *interrupts);

#endif
