/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/heap.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

enum {
    SIZE_MAX_TRIED = 2048, /* past the largest that is kept */
    BLOCKS = 4096,
};

static void assert_zeroed(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

static void every_size_is_zeroed_and_whole(void **state)
{
    (void)state;
    struct srv_h2_heap heap;
    srv_h2_heap_init(&heap);
    /* Twice: the second time around blocks come from those that were kept, full of ones. */
    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
            uint8_t *one = srv_h2_heap_alloc(&heap, size);
            uint8_t *other = srv_h2_heap_alloc(&heap, size);
            assert_zeroed(one, size);
            memset(one, 0xff, size);
            assert_zeroed(other, size);
            memset(other, 0xff, size);
            srv_h2_heap_free(&heap, one);
            srv_h2_heap_free(&heap, other);
        }
    }
    srv_h2_heap_free(&heap, NULL);
    srv_h2_heap_trim(&heap);
    assert_int_equal(heap.kept_bytes, 0);
}

static void what_is_kept_has_a_bound(void **state)
{
    (void)state;
    static void *blocks[BLOCKS];
    struct srv_h2_heap heap;
    srv_h2_heap_init(&heap);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = srv_h2_heap_alloc(&heap, 1 + i % SIZE_MAX_TRIED);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        srv_h2_heap_free(&heap, blocks[i]);
        assert_true(heap.kept_bytes <= SRV_H2_HEAP_KEPT);
    }
    assert_int_equal(heap.freed, BLOCKS);
    srv_h2_heap_trim(&heap);
    assert_int_equal(heap.kept_bytes, 0);
    assert_int_equal(heap.freed, 0);
}

/* As nghttp2 uses it: blocks that grow keep their bytes, and go back as the others do. */
static void blocks_of_nghttp2_grow_and_go_back(void **state)
{
    (void)state;
    struct srv_h2_heap heap;
    srv_h2_heap_init(&heap);
    nghttp2_mem *mem = &heap.mem;
    for (size_t size = 1; size <= SIZE_MAX_TRIED; size += 7) {
        uint8_t *block = mem->malloc(size, mem->mem_user_data);
        memset(block, 0x5a, size);
        block = mem->realloc(block, 2 * size, mem->mem_user_data);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(block[i], 0x5a);
        }
        memset(block, 0xa5, 2 * size);
        block = mem->realloc(block, size, mem->mem_user_data);
        assert_int_equal(block[size - 1], 0xa5);
        mem->free(block, mem->mem_user_data);
        block = mem->realloc(NULL, size, mem->mem_user_data);
        memset(block, 1, size);
        mem->free(block, mem->mem_user_data);
        block = mem->calloc(size, 3, mem->mem_user_data);
        assert_zeroed(block, 3 * size);
        mem->free(block, mem->mem_user_data);
    }
    assert_null(mem->calloc(SIZE_MAX / 2, 3, mem->mem_user_data));
    mem->free(NULL, mem->mem_user_data);
    srv_h2_heap_trim(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_zeroed_and_whole),
        cmocka_unit_test(what_is_kept_has_a_bound),
        cmocka_unit_test(blocks_of_nghttp2_grow_and_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
