/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_HEAP_H
#define SRV_H2_HEAP_H

/*
 * Memory of the loop's thread: the small blocks of nghttp2 and of calls.
 *
 * A block is malloc's. One that is freed is kept for the next of its size, so that a burst of calls needs no more of the
 * C library, which has only seven of a size at hand: 2.02 us of CPU a unary call where it was 2.39 (with frames that are
 * written once; bench/README.md). What is kept is at most SRV_H2_HEAP_KEPT bytes, and goes back when asked (RES-01).
 *
 * Threads: one. Under AddressSanitizer nothing is kept, so that it sees every use of a block that was freed.
 */
#include <nghttp2/nghttp2.h>
#include <stddef.h>

enum {
    SRV_H2_HEAP_KEPT = 512 * 1024,
    SRV_H2_HEAP_SIZES = 64, /* of blocks, 16 bytes apart; larger ones are not kept */
};

struct srv_h2_heap {
    nghttp2_mem mem; /* this heap, for nghttp2; it does not move */
    struct srv_h2_block *kept[SRV_H2_HEAP_SIZES];
    size_t kept_bytes;
    size_t freed;       /* blocks, since the last trim */
    size_t freed_bytes; /* of requests, which are not of this heap; likewise */
};

void srv_h2_heap_init(struct srv_h2_heap *heap);

/* Frees what is kept. At the end of the heap too; blocks that are in use stay. */
void srv_h2_heap_trim(struct srv_h2_heap *heap);

/* size zeroed bytes, yours, to be given back to the same heap. */
void *srv_h2_heap_alloc(struct srv_h2_heap *heap, size_t size)
    __attribute__((malloc, returns_nonnull));

/* NULL is ignored. */
void srv_h2_heap_free(struct srv_h2_heap *heap, void *memory);

#endif
