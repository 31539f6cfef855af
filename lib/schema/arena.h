/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ARENA_H
#define SL_ARENA_H

/*
 * Many small objects that live and end together, within a budget of bytes.
 *
 * A descriptor set becomes some hundred thousand structs and names that nobody frees one by one, and
 * two bytes of a hostile set can ask for a hundred bytes of structs: the budget bounds all of it at
 * one place.
 *
 * Ownership: owns what it answers, until sl_arena_release().      A zeroed arena has no budget.
 */
#include "lib/base/span.h"

struct sl_arena_block;

struct sl_arena {
    struct sl_arena_block *blocks;
    size_t used; /* bytes asked for from the system */
    size_t max;
};

/* An empty arena of up to max bytes. Allocates nothing yet. */
void sl_arena_init(struct sl_arena *arena, size_t max);

/* Ends everything that the arena answered. A zeroed arena and NULL are fine. */
void sl_arena_release(struct sl_arena *arena);

/* count * size zeroed bytes, aligned for any type; NULL when the budget forbids. */
void *sl_arena_calloc(struct sl_arena *arena, size_t count, size_t size);

/* The text, NUL-terminated; NULL when the budget forbids. */
char *sl_arena_str(struct sl_arena *arena, struct sl_span text);

#endif
