/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_HEAD = sizeof(size_t), /* what the allocator puts before each block */
};

/* May wrap, where one thread frees what another has allocated. The model: no call, for all is linked into programs. */
static _Thread_local size_t used __attribute__((tls_model("initial-exec")));

static void count(void *memory)
{
    used += malloc_usable_size(memory) + BLOCK_HEAD;
}

static void uncount(void *memory)
{
    if (memory != NULL) {
        used -= malloc_usable_size(memory) + BLOCK_HEAD;
    }
}

size_t sl_alloc_used(void)
{
    return used > SIZE_MAX / 2 ? 0 : used;
}

/* The program ends, or memory is there and counts. */
static void *or_end(void *memory)
{
    if (memory == NULL) {
        (void)fputs("out of memory\n", stderr);
        abort();
    }
    count(memory);
    return memory;
}

void *sl_alloc(size_t size)
{
    return or_end(calloc(1, size == 0 ? 1 : size));
}

void *sl_calloc(size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        return sl_alloc(1);
    }
    return or_end(calloc(count, size));
}

void *sl_realloc(void *old, size_t size)
{
    uncount(old);
    return or_end(realloc(old, size == 0 ? 1 : size));
}

char *sl_strdup(const char *text)
{
    return sl_strndup(text, strlen(text));
}

char *sl_strndup(const char *bytes, size_t len)
{
    char *copy = sl_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *sl_asprintf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return or_end(len < 0 ? NULL : text);
}

void sl_free(void *memory)
{
    uncount(memory);
    free(memory);
}
