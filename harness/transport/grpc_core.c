/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <pthread.h>

#include "harness/transport/grpc.h"
#include "lib/base/alloc.h"

enum {
    FIRST_CAPACITY = 64,
};

struct event {
    struct har_grpc_tag *tag;
    bool is_ok;
};

/* As many as there are batches under way, so our own streams bound it. */
struct events {
    struct event *items;
    size_t count, capacity;
};

struct har_grpc_core {
    uv_loop_t *loop;
    unsigned references;
    grpc_completion_queue *queue;
    pthread_t thread;
    uv_async_t async;
    pthread_mutex_t lock;  /* of waiting */
    struct events waiting; /* what the loop has not seen */
    struct events taken;   /* what the loop is at; its memory serves the next round */
};

/* The one of the process; only the loop's thread touches it. */
static struct har_grpc_core *the_core;

/* On the queue's thread. A tag itself is only touched on the loop's. */
static void put(struct har_grpc_core *core, struct har_grpc_tag *tag, bool is_ok)
{
    pthread_mutex_lock(&core->lock);
    struct events *events = &core->waiting;
    if (events->count == events->capacity) {
        events->capacity = events->capacity == 0 ? FIRST_CAPACITY : events->capacity * 2;
        events->items = sl_realloc(events->items, events->capacity * sizeof *events->items);
    }
    events->items[events->count++] = (struct event){.tag = tag, .is_ok = is_ok};
    pthread_mutex_unlock(&core->lock);
    uv_async_send(&core->async);
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
    struct har_grpc_core *core = async->data;
    pthread_mutex_lock(&core->lock);
    struct events events = core->waiting;
    core->waiting = core->taken;
    core->taken = events;
    pthread_mutex_unlock(&core->lock);
    /* The last tag may give back the core; its memory stays until its handle is closed. */
    for (size_t i = 0; i < events.count; i++) {
        events.items[i].tag->done(events.items[i].tag, events.items[i].is_ok);
    }
    core->taken.count = 0;
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
    sl_free(core->waiting.items);
    sl_free(core->taken.items);
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
    assert(core->waiting.count == 0);
    grpc_completion_queue_destroy(core->queue);
    grpc_shutdown();
    uv_close((uv_handle_t *)&core->async, on_closed);
}

grpc_completion_queue *har_grpc_core_queue(const struct har_grpc_core *core)
{
    return core->queue;
}
