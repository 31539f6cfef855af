/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include "lib/base/alloc.h"

enum {
    LARGE = 256 * 1024,
};

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 ? NULL : sl_alloc(size);
}

static void *change(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        sl_free(old);
        return NULL;
    }
    return sl_realloc(old, size);
}

static void give_back(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    sl_free(memory);
}

void ins_memory_prepare(void)
{
    (void)CRYPTO_set_mem_functions(take, change, give_back);
    /* Set, it no longer grows with what is freed; and what was freed does not lie about between small blocks. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE);
}
