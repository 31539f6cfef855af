/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/arena.h"

#include <stdalign.h>

#include "lib/base/alloc.h"

enum {
    BLOCK_MIN = 2 * 1024,
    BLOCK_MAX = 256 * 1024,
};

struct sl_arena_block {
    struct sl_arena_block *next;
    size_t used, size;
    alignas(max_align_t) uint8_t data[];
};

void sl_arena_init(struct sl_arena *arena, size_t max)
{
    *arena = (struct sl_arena){.max = max};
}

void sl_arena_release(struct sl_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->blocks != NULL) {
        struct sl_arena_block *next = arena->blocks->next;
        sl_free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
}

/* A block that has room for size bytes: the newest one, or one more. */
static struct sl_arena_block *block_for(struct sl_arena *arena, size_t size)
{
    struct sl_arena_block *newest = arena->blocks;
    if (newest != NULL && size <= newest->size - newest->used) {
        return newest;
    }
    size_t wanted = newest == NULL ? BLOCK_MIN : newest->size * 2;
    wanted = wanted > BLOCK_MAX ? BLOCK_MAX : wanted;
    wanted = wanted < size ? size : wanted;
    if (wanted > arena->max - arena->used) {
        wanted = size;
    }
    if (wanted > arena->max - arena->used) {
        return NULL;
    }
    struct sl_arena_block *block = sl_alloc(sizeof(*block) + wanted);
    block->size = wanted;
    block->next = newest;
    arena->blocks = block;
    arena->used += wanted;
    return block;
}

void *sl_arena_calloc(struct sl_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > arena->max / size) {
        return NULL;
    }
    size_t align = alignof(max_align_t);
    size_t total = (count * size + align - 1) / align * align;
    struct sl_arena_block *block = block_for(arena, total);
    if (block == NULL) {
        return NULL;
    }
    void *memory = block->data + block->used;
    block->used += total;
    return memory;
}

char *sl_arena_str(struct sl_arena *arena, struct sl_span text)
{
    char *copy = sl_arena_calloc(arena, text.len + 1, 1);
    if (copy != NULL && text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}
