/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>

#include "harness/transport/grpc.h"
#include "lib/base/alloc.h"

struct har_grpc_core {
    uv_loop_t *loop;
    unsigned references;
    grpc_completion_queue *queue;
    pthread_t thread;
    uv_async_t async;
    pthread_mutex_t lock;              /* of first and last */
    struct har_grpc_tag *first, *last; /* events that the loop has not seen */
};

/* The one of the process; only the loop's thread touches it. */
static struct har_grpc_core *the_core;

static void put(struct har_grpc_core *core, struct har_grpc_tag *tag, bool is_ok)
{
    tag->is_ok = is_ok;
    tag->next = NULL;
    pthread_mutex_lock(&core->lock);
    if (core->last == NULL) {
        core->first = tag;
    } else {
        core->last->next = tag;
    }
    core->last = tag;
    pthread_mutex_unlock(&core->lock);
    uv_async_send(&core->async);
}

static struct har_grpc_tag *take_all(struct har_grpc_core *core)
{
    pthread_mutex_lock(&core->lock);
    struct har_grpc_tag *first = core->first;
    core->first = core->last = NULL;
    pthread_mutex_unlock(&core->lock);
    return first;
}

/* The C core does its input and output inside grpc_completion_queue_next. */
static void *run_queue(void *data)
{
    struct har_grpc_core *core = data;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(core->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (event.type == GRPC_OP_COMPLETE) {
            put(core, event.tag, event.success != 0);
        }
    }
}

static void on_async(uv_async_t *async)
{
    struct har_grpc_tag *tag = take_all(async->data);
    while (tag != NULL) {
        struct har_grpc_tag *next = tag->next;
        tag->done(tag, tag->is_ok);
        tag = next;
    }
}

struct har_grpc_core *har_grpc_core_ref(uv_loop_t *loop)
{
    if (the_core == NULL) {
        struct har_grpc_core *core = sl_alloc(sizeof *core);
        grpc_init();
        core->loop = loop;
        core->queue = grpc_completion_queue_create_for_next(NULL);
        pthread_mutex_init(&core->lock, NULL);
        uv_async_init(loop, &core->async, on_async);
        core->async.data = core;
        int error = pthread_create(&core->thread, NULL, run_queue, core);
        assert(error == 0);
        (void)error;
        the_core = core;
    }
    assert(the_core->loop == loop);
    the_core->references++;
    return the_core;
}

static void on_closed(uv_handle_t *handle)
{
    struct har_grpc_core *core = handle->data;
    pthread_mutex_destroy(&core->lock);
    sl_free(core);
}

void har_grpc_core_unref(struct har_grpc_core *core)
{
    if (core == NULL || --core->references > 0) {
        return;
    }
    the_core = NULL;
    grpc_completion_queue_shutdown(core->queue);
    pthread_join(core->thread, NULL);
    assert(core->first == NULL);
    grpc_completion_queue_destroy(core->queue);
    grpc_shutdown();
    uv_close((uv_handle_t *)&core->async, on_closed);
}

grpc_completion_queue *har_grpc_core_queue(const struct har_grpc_core *core)
{
    return core->queue;
}
