/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/merge.h"

#include <stdio.h>

#include "inspector/source/stop.h"
#include "lib/base/alloc.h"

struct input {
    const char *name;
    struct ins_source *source; /* NULL: closed, or at its end */
    struct ins_packet packet;  /* the next one, when has_packet */
    uint64_t order_ns;         /* its time, or that of the last packet that had one */
    uint64_t packets;
    size_t secrets_len;
    bool has_packet, is_damaged;
    bool is_closed; /* to be opened when its turn comes */
};

struct merge {
    struct ins_intake base;
    struct ins_input_wait wait;
    struct input *inputs;
    size_t count, capacity;
    size_t open_count, stream_count;
    uint64_t packets;
    uint64_t bytes_read, bytes; /* of the files, as they lie there; pipes have no bytes */
    /* A binary heap of places in inputs: those that have a packet or are closed, the earliest first. */
    size_t *heap;
    size_t heap_count;
    struct input *given; /* whose packet was handed out last; not in the heap */
};

/* --- the heap --- */

static bool is_before(const struct merge *merge, size_t a, size_t b)
{
    const struct input *first = &merge->inputs[a], *second = &merge->inputs[b];
    return first->order_ns != second->order_ns ? first->order_ns < second->order_ns : a < b;
}

static void swap(size_t *a, size_t *b)
{
    size_t kept = *a;
    *a = *b;
    *b = kept;
}

static void push(struct merge *merge, const struct input *input)
{
    size_t at = merge->heap_count++;
    merge->heap[at] = (size_t)(input - merge->inputs);
    while (at > 0 && is_before(merge, merge->heap[at], merge->heap[(at - 1) / 2])) {
        swap(&merge->heap[at], &merge->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct input *pop(struct merge *merge)
{
    if (merge->heap_count == 0) {
        return NULL;
    }
    struct input *first = &merge->inputs[merge->heap[0]];
    merge->heap[0] = merge->heap[--merge->heap_count];
    for (size_t at = 0, child = 1; child < merge->heap_count; child = 2 * at + 1) {
        size_t other = child + 1;
        if (other < merge->heap_count && is_before(merge, merge->heap[other], merge->heap[child])) {
            child = other;
        }
        if (!is_before(merge, merge->heap[child], merge->heap[at])) {
            break;
        }
        swap(&merge->heap[at], &merge->heap[child]);
        at = child;
    }
    return first;
}

/* --- opening and reading --- */

static void on_wait(void *owner)
{
    ins_intake_idle(owner);
}

static void on_got(void *owner, size_t bytes)
{
    struct merge *merge = owner;
    const struct ins_intake_handler *handler = merge->base.handler;
    merge->bytes_read += bytes;
    if (handler->read != NULL) {
        handler->read(handler->owner, merge->bytes_read,
                      merge->stream_count > 0 ? 0 : merge->bytes);
    }
}

static enum sl_status open_source(struct merge *merge, const char *path,
                                  struct ins_source **ret_source, struct sl_error *reterr_error)
{
    struct ins_input *input = NULL;
    enum sl_status status = ins_input_open(path, &merge->wait, &input, reterr_error);
    return status == SL_OK ? ins_source_new(input, ret_source, reterr_error) : status;
}

static void close_source(struct merge *merge, struct input *input)
{
    ins_source_free(input->source);
    input->source = NULL;
    merge->open_count--;
}

static void note_packet(struct input *input)
{
    input->has_packet = true;
    input->packets++;
    input->order_ns = input->packet.has_time ? input->packet.time_ns : input->order_ns;
}

/* Reads on; whoever has a packet then waits in the heap. */
static void advance(struct merge *merge, struct input *input)
{
    if (ins_intake_advance(&merge->base, input->name, input->source, &input->packet,
                           &input->secrets_len, &input->is_damaged)) {
        note_packet(input);
        push(merge, input);
    } else {
        close_source(merge, input);
    }
}

static size_t memory_of_all(const struct merge *merge)
{
    size_t sum = 0;
    for (size_t i = 0; i < merge->count; i++) {
        const struct ins_source *source = merge->inputs[i].source;
        sum += source == NULL ? 0 : ins_input_memory_size(source->input);
    }
    return sum;
}

static void tell_unopened(struct merge *merge, struct input *input, const char *text)
{
    struct ins_damage damage = {.packet = 1, .is_end = true};
    (void)snprintf(damage.text, sizeof(damage.text), "%s", text);
    input->is_damaged = true;
    merge->base.handler->damage(merge->base.handler->owner, input->name, &damage);
}

/* The turn of a closed capture has come. */
static void reopen(struct merge *merge, struct input *input)
{
    struct sl_error error = {0};
    input->is_closed = false;
    if (merge->open_count == INS_MERGE_OPEN_MAX ||
        (merge->open_count > 0 && memory_of_all(merge) > INS_MERGE_MEMORY)) {
        tell_unopened(merge, input,
                      "too many captures overlap in time: put them together with mergecap first");
    } else if (open_source(merge, input->name, &input->source, &error) != SL_OK) {
        tell_unopened(merge, input, error.text);
    } else {
        merge->open_count++;
        input->order_ns = 0;
        advance(merge, input);
    }
}

static bool merge_next(struct ins_intake *intake, struct ins_packet *ret_packet)
{
    struct merge *merge = (struct merge *)intake;
    if (ins_stop_is_asked() && merge->stream_count == 0) {
        return false;
    }
    if (merge->given != NULL) {
        struct input *given = merge->given;
        merge->given = NULL;
        given->has_packet = false;
        advance(merge, given);
    }
    struct input *first = pop(merge);
    while (first != NULL && first->is_closed) {
        reopen(merge, first);
        first = pop(merge);
    }
    if (first == NULL) {
        return false;
    }
    *ret_packet = first->packet;
    ret_packet->number = ++merge->packets;
    merge->given = first;
    return true;
}

static const char *merge_unread(const struct ins_intake *intake)
{
    const struct merge *merge = (const struct merge *)intake;
    for (size_t i = 0; i < merge->count; i++) {
        if (merge->inputs[i].is_damaged && merge->inputs[i].packets == 0) {
            return merge->inputs[i].name;
        }
    }
    return NULL;
}

static uint64_t merge_captures(const struct ins_intake *intake)
{
    return ((const struct merge *)intake)->count;
}

static void merge_free(struct ins_intake *intake)
{
    struct merge *merge = (struct merge *)intake;
    for (size_t i = 0; i < merge->count; i++) {
        ins_source_free(merge->inputs[i].source);
    }
    sl_free(merge->inputs);
    sl_free(merge->heap);
    sl_free(merge);
}

static const struct ins_intake_ops merge_ops = {
    .next = merge_next,
    .unread = merge_unread,
    .captures = merge_captures,
    .free = merge_free,
};

struct ins_intake *ins_merge_new(const struct ins_intake_handler *handler)
{
    struct merge *merge = sl_alloc(sizeof(*merge));
    merge->base = (struct ins_intake){.ops = &merge_ops, .handler = handler};
    merge->wait = (struct ins_input_wait){.before = on_wait, .got = on_got, .owner = merge};
    merge->inputs = sl_calloc(INS_MERGE_MAX, sizeof(merge->inputs[0]));
    merge->heap = sl_calloc(INS_MERGE_MAX, sizeof(merge->heap[0]));
    return &merge->base;
}

/* A place for a capture, or NULL. */
static struct input *add(struct merge *merge, const char *name, struct ins_source *source)
{
    if (merge->count == INS_MERGE_MAX) {
        ins_source_free(source);
        return NULL;
    }
    struct input *input = &merge->inputs[merge->count++];
    *input = (struct input){.name = name, .source = source};
    merge->open_count++;
    return input;
}

enum sl_status ins_merge_add(struct ins_intake *intake, const char *name, struct ins_source *source)
{
    struct merge *merge = (struct merge *)intake;
    struct input *input = add(merge, name, source);
    if (input == NULL) {
        return SL_LIMIT;
    }
    advance(merge, input);
    return SL_OK;
}

/* Looks for the time of the first packet, and closes the capture again. What is damaged is told when it
 * is read for good. */
static void peek(struct merge *merge, struct input *input)
{
    enum sl_status status = SL_OK;
    do {
        struct ins_damage damage;
        status = ins_source_next(input->source, &input->packet, &damage);
    } while (status == SL_MALFORMED);
    if (status == SL_OK && input->packet.has_time) {
        input->order_ns = input->packet.time_ns;
    }
    close_source(merge, input);
    input->is_closed = true;
    push(merge, input);
}

enum sl_status ins_merge_add_path(struct ins_intake *intake, const char *path,
                                  struct sl_error *reterr_error)
{
    struct merge *merge = (struct merge *)intake;
    bool is_stream = ins_input_path_is_stream(path);
    uint64_t read_before = merge->bytes_read;
    struct ins_source *source = NULL;
    if (is_stream && merge->open_count == INS_MERGE_OPEN_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "more than %d pipes are read at once",
                            INS_MERGE_OPEN_MAX);
    }
    enum sl_status status = open_source(merge, path, &source, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    struct input *input = add(merge, path, source);
    if (input == NULL) {
        return sl_error_set(reterr_error, SL_LIMIT, "more than %d captures are given",
                            INS_MERGE_MAX);
    }
    merge->stream_count += is_stream ? 1 : 0;
    merge->bytes += ins_input_path_size(path);
    if (is_stream || merge->open_count <= INS_MERGE_KEPT_OPEN) {
        advance(merge, input);
    } else {
        peek(merge, input);
        merge->bytes_read = read_before; /* they are read again */
    }
    return SL_OK;
}
