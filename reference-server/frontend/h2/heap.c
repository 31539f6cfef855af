/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/alloc.h"

/* What stands before the memory that is handed out, and in its first bytes while it is kept. Eight bytes before, so that
 * a block is as glibc cuts its own; nothing here and in nghttp2 wants to be aligned to more. */
struct srv_h2_block {
    size_t size; /* place among the sizes, or NOT_KEPT */
    struct srv_h2_block *next;
};

enum {
    STEP = 16,
    HEAD = offsetof(struct srv_h2_block, next),
    NOT_KEPT = SRV_H2_HEAP_SIZES,
};

#ifndef __has_feature
#    define __has_feature(feature) 0 /* of gcc, which has the macro instead */
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#    define KEPT_MAX 0
#else
#    define KEPT_MAX SRV_H2_HEAP_KEPT
#endif

static size_t bytes_of(size_t place)
{
    return HEAD + (place + 1) * STEP;
}

static void *memory_of(struct srv_h2_block *block)
{
    return (uint8_t *)block + HEAD;
}

static struct srv_h2_block *block_of(void *memory)
{
    return (struct srv_h2_block *)(void *)((uint8_t *)memory - HEAD);
}

/* size bytes, not zeroed. */
static void *take(struct srv_h2_heap *heap, size_t size)
{
    size_t place = size == 0 ? 0 : (size - 1) / STEP;
    bool is_small = place < SRV_H2_HEAP_SIZES;
    struct srv_h2_block *block = is_small ? heap->kept[place] : NULL;
    if (block != NULL) {
        heap->kept[place] = block->next;
        heap->kept_bytes -= bytes_of(place);
        return memory_of(block);
    }
    block = sl_realloc(NULL, is_small ? bytes_of(place) : HEAD + size);
    block->size = is_small ? place : NOT_KEPT;
    return memory_of(block);
}

void *srv_h2_heap_alloc(struct srv_h2_heap *heap, size_t size)
{
    return memset(take(heap, size), 0, size);
}

void srv_h2_heap_free(struct srv_h2_heap *heap, void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct srv_h2_block *block = block_of(memory);
    size_t place = block->size;
    heap->freed++;
    if (place == NOT_KEPT || heap->kept_bytes + bytes_of(place) > KEPT_MAX) {
        sl_free(block);
        return;
    }
    block->next = heap->kept[place];
    heap->kept[place] = block;
    heap->kept_bytes += bytes_of(place);
}

void srv_h2_heap_trim(struct srv_h2_heap *heap)
{
    for (size_t place = 0; place < SRV_H2_HEAP_SIZES; place++) {
        while (heap->kept[place] != NULL) {
            struct srv_h2_block *block = heap->kept[place];
            heap->kept[place] = block->next;
            sl_free(block);
        }
    }
    heap->kept_bytes = 0;
    heap->freed = 0;
    heap->freed_bytes = 0;
}

/* --- for nghttp2 --- */

static void *mem_malloc(size_t size, void *context)
{
    return take(context, size);
}

static void mem_free(void *memory, void *context)
{
    srv_h2_heap_free(context, memory);
}

static void *mem_calloc(size_t count, size_t size, void *context)
{
    size_t bytes = 0;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : srv_h2_heap_alloc(context, bytes);
}

/* For tables that grow, which are no small blocks for long. */
static void *mem_realloc(void *memory, size_t size, void *context)
{
    if (memory == NULL) {
        return take(context, size);
    }
    struct srv_h2_block *block = sl_realloc(block_of(memory), bytes_of(0) + size);
    block->size = NOT_KEPT;
    return memory_of(block);
}

void srv_h2_heap_init(struct srv_h2_heap *heap)
{
    *heap = (struct srv_h2_heap){.mem = {.mem_user_data = heap,
                                         .malloc = mem_malloc,
                                         .free = mem_free,
                                         .calloc = mem_calloc,
                                         .realloc = mem_realloc}};
}
