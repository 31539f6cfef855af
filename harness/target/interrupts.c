/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/interrupts.h"

#include <signal.h>
#include <stddef.h>

void har_interrupts_begin(struct har_interrupts *interrupts, uv_loop_t *loop,
                          uv_signal_cb on_interrupt, void *owner)
{
    static const int numbers[HAR_INTERRUPTS] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < HAR_INTERRUPTS; i++) {
        uv_signal_t *handle = &interrupts->signals[i];
        (void)uv_signal_init(loop, handle);
        handle->data = owner;
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) { /* nohup */
            (void)uv_signal_start(handle, on_interrupt, numbers[i]);
        }
        uv_unref((uv_handle_t *)handle);
    }
    interrupts->open = HAR_INTERRUPTS;
}

static void on_closed(uv_handle_t *handle)
{
    struct har_interrupts *interrupts = handle->data;
    interrupts->open--;
}

void har_interrupts_end(struct har_interrupts *interrupts)
{
    uv_loop_t *loop = interrupts->signals[0].loop;
    for (size_t i = 0; i < HAR_INTERRUPTS; i++) {
        interrupts->signals[i].data = interrupts;
        uv_close((uv_handle_t *)&interrupts->signals[i], on_closed);
    }
    while (interrupts->open > 0) {
        (void)uv_run(loop, UV_RUN_NOWAIT);
    }
}
