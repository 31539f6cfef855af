/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rng.h"
#include "tests/support/cmocka_all.h"

static void the_same_seed_makes_the_same_numbers_on_every_machine(void **state)
{
    (void)state;
    struct sl_rng a;
    struct sl_rng b;
    sl_rng_init(&a, 7, 1);
    sl_rng_init(&b, 7, 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(sl_rng_next(&a) == sl_rng_next(&b));
    }
    /* xoshiro256** from the state {1, 2, 3, 4}, as its authors' program prints it. */
    struct sl_rng known = {.state = {1, 2, 3, 4}};
    assert_true(sl_rng_next(&known) == UINT64_C(11520));
    assert_true(sl_rng_next(&known) == UINT64_C(0));
    assert_true(sl_rng_next(&known) == UINT64_C(1509978240));
    assert_true(sl_rng_next(&known) == UINT64_C(1215971899390074240));
}

static void streams_and_seeds_differ(void **state)
{
    (void)state;
    struct sl_rng rng[4];
    sl_rng_init(&rng[0], 7, 1);
    sl_rng_init(&rng[1], 7, 2);
    sl_rng_init(&rng[2], 8, 1);
    sl_rng_init(&rng[3], 1, 7);
    uint64_t first[4];
    for (size_t i = 0; i < 4; i++) {
        first[i] = sl_rng_next(&rng[i]);
        for (size_t j = 0; j < i; j++) {
            assert_true(first[i] != first[j]);
        }
    }
}

static void below_reaches_every_value_and_no_other(void **state)
{
    (void)state;
    struct sl_rng rng;
    sl_rng_init(&rng, 1, 1);
    unsigned seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = sl_rng_below(&rng, 7);
        assert_true(value < 7);
        seen[value]++;
    }
    for (size_t i = 0; i < 7; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    assert_true(sl_rng_below(&rng, 0) == 0);
    assert_true(sl_rng_below(&rng, 1) == 0);
    assert_true(sl_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

static void unit_lies_between_0_and_1(void **state)
{
    (void)state;
    struct sl_rng rng;
    sl_rng_init(&rng, 1, 1);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double value = sl_rng_unit(&rng);
        assert_true(value >= 0.0 && value < 1.0);
        sum += value;
    }
    assert_true(sum > 4800 && sum < 5200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_makes_the_same_numbers_on_every_machine),
        cmocka_unit_test(streams_and_seeds_differ),
        cmocka_unit_test(below_reaches_every_value_and_no_other),
        cmocka_unit_test(unit_lies_between_0_and_1),
    };
    return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
