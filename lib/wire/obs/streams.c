/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "lib/base/alloc.h"
#include "lib/wire/obs/state.h"

enum {
    FIRST_CAPACITY = 16,
};

static size_t home(const struct sl_streams *streams, uint32_t id)
{
    /* Ids of clients are odd: with the last bit in it, half of the slots would stay empty. */
    return (size_t)((id >> 1) * UINT32_C(2654435761)) & (streams->capacity - 1);
}

/* The slot that holds id, or the free one where it belongs. */
static size_t slot_of(const struct sl_streams *streams, uint32_t id)
{
    size_t i = home(streams, id);
    while (streams->slots[i] != NULL && streams->slots[i]->id != id) {
        i = (i + 1) & (streams->capacity - 1);
    }
    return i;
}

struct sl_stream *sl_obs_stream_look_up(const struct sl_streams *streams, uint32_t id)
{
    return streams->capacity == 0 ? NULL : streams->slots[slot_of(streams, id)];
}

static void grow(struct sl_streams *streams)
{
    struct sl_stream **old = streams->slots;
    size_t old_capacity = streams->capacity;
    streams->capacity = old_capacity == 0 ? FIRST_CAPACITY : old_capacity * 2;
    streams->slots = sl_calloc(streams->capacity, sizeof(struct sl_stream *));
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i] != NULL) {
            streams->slots[slot_of(streams, old[i]->id)] = old[i];
        }
    }
    sl_free(old);
}

/* Empties a slot and moves the entries behind it that would not be found any more. */
static void remove_slot(struct sl_streams *streams, size_t i)
{
    size_t mask = streams->capacity - 1;
    size_t hole = i;
    streams->slots[hole] = NULL;
    for (size_t j = (i + 1) & mask; streams->slots[j] != NULL; j = (j + 1) & mask) {
        size_t wanted = home(streams, streams->slots[j]->id);
        if (((j - wanted) & mask) >= ((j - hole) & mask)) {
            streams->slots[hole] = streams->slots[j];
            streams->slots[j] = NULL;
            hole = j;
        }
    }
}

static void list_add(struct sl_stream_list *list, struct sl_stream *stream)
{
    stream->older = list->newest;
    stream->newer = NULL;
    if (list->newest != NULL) {
        list->newest->newer = stream;
    } else {
        list->oldest = stream;
    }
    list->newest = stream;
    list->count++;
}

static void list_remove(struct sl_stream_list *list, struct sl_stream *stream)
{
    if (stream->older != NULL) {
        stream->older->newer = stream->newer;
    } else {
        list->oldest = stream->newer;
    }
    if (stream->newer != NULL) {
        stream->newer->older = stream->older;
    } else {
        list->newest = stream->older;
    }
    list->count--;
}

struct sl_stream *sl_obs_stream_add(struct sl_streams *streams, uint32_t id)
{
    if (streams->capacity == 0 || streams->count >= streams->capacity / 2) {
        grow(streams);
    }
    size_t i = slot_of(streams, id);
    assert(streams->slots[i] == NULL);
    struct sl_stream *stream = streams->spare;
    if (stream != NULL) {
        streams->spare = stream->newer;
        *stream = (struct sl_stream){0};
    } else {
        stream = sl_alloc(sizeof *stream);
    }
    stream->id = id;
    streams->slots[i] = stream;
    streams->count++;
    list_add(&streams->open, stream);
    return stream;
}

void sl_obs_stream_linger(struct sl_streams *streams, struct sl_stream *stream)
{
    assert(!stream->is_closed && !stream->is_lingering);
    list_remove(&streams->open, stream);
    stream->is_lingering = true;
    list_add(&streams->lingering, stream);
}

void sl_obs_stream_close(struct sl_streams *streams, struct sl_stream *stream)
{
    assert(!stream->is_closed && stream->call == NULL);
    list_remove(stream->is_lingering ? &streams->lingering : &streams->open, stream);
    stream->is_lingering = false;
    stream->is_closed = true;
    list_add(&streams->closed, stream);
    if (streams->closed.count > SL_OBS_CLOSED_STREAMS) {
        struct sl_stream *oldest = streams->closed.oldest;
        list_remove(&streams->closed, oldest);
        if (streams->last == oldest) {
            streams->last = NULL;
        }
        remove_slot(streams, slot_of(streams, oldest->id));
        streams->count--;
        oldest->newer = streams->spare;
        streams->spare = oldest;
    }
}

void sl_obs_streams_release(struct sl_streams *streams)
{
    for (size_t i = 0; i < streams->capacity; i++) {
        sl_free(streams->slots[i]);
    }
    while (streams->spare != NULL) {
        struct sl_stream *next = streams->spare->newer;
        sl_free(streams->spare);
        streams->spare = next;
    }
    sl_free(streams->slots);
    *streams = (struct sl_streams){0};
}
