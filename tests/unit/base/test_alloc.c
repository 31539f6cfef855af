/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"

#include "tests/support/cmocka_all.h"

static void counts_what_is_not_freed(void **state)
{
    (void)state;
    size_t before = sl_alloc_used();
    char *block = sl_alloc(1000);
    assert_true(sl_alloc_used() - before >= 1000);
    block = sl_realloc(block, 100000);
    assert_true(sl_alloc_used() - before >= 100000);
    assert_true(sl_alloc_used() - before < 110000);
    char *text = sl_asprintf("%05000d", 1);
    assert_true(sl_alloc_used() - before >= 105000);
    sl_free(text);
    sl_free(block);
    sl_free(NULL);
    assert_int_equal(sl_alloc_used(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_is_not_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
