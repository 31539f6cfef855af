/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_ALLOC_H
#define SL_ALLOC_H

/*
 * Memory that is never NULL.
 *
 * When the system has no memory the program says so on stderr and ends: the gRPC core does the same,
 * and an untested recovery path is worse than none. So every size that a peer, a file or a flag
 * chooses is checked against a named limit before it comes here.
 */
#include <stddef.h>

/* size zeroed bytes (at least one), yours; release with sl_free. */
void *sl_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* count * size zeroed bytes; ends the program when the product overflows. */
void *sl_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* As realloc; the part that grew is not zeroed. */
void *sl_realloc(void *old, size_t size) __attribute__((returns_nonnull));

char *sl_strdup(const char *text) __attribute__((malloc, returns_nonnull));

/* The len bytes at bytes, as a NUL-terminated copy. */
char *sl_strndup(const char *bytes, size_t len) __attribute__((malloc, returns_nonnull));

/* printf into a string of your own. */
char *sl_asprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* NULL is ignored. */
void sl_free(void *memory);

/* Bytes that this thread has allocated here and not freed, with what the allocator adds: for programs that bound their
 * memory as a whole. Counts for the one thread only: what another frees stays counted. */
size_t sl_alloc_used(void);

#endif
