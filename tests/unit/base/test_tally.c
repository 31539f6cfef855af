/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/tally.h"

#include <pthread.h>

#include "tests/support/cmocka_all.h"

enum {
    ROUNDS = 100000,
    THREADS = 3,
};

static void it_goes_up_and_down(void **state)
{
    (void)state;
    struct sl_tally tally = {0};
    assert_int_equal(sl_tally_get(&tally), 0);
    sl_tally_add(&tally, 5);
    sl_tally_sub(&tally, 2);
    assert_int_equal(sl_tally_get(&tally), 3);
    sl_tally_set(&tally, UINT64_MAX);
    assert_true(sl_tally_get(&tally) == UINT64_MAX);
}

static void *add_shared(void *tally)
{
    for (int i = 0; i < ROUNDS; i++) {
        sl_tally_add_shared(tally, 1);
    }
    return NULL;
}

static void *add_alone(void *tally)
{
    for (int i = 0; i < ROUNDS; i++) {
        sl_tally_add(tally, 1);
    }
    return NULL;
}

static void a_reader_sees_it_grow_and_nothing_is_lost(void **state)
{
    (void)state;
    struct sl_tally alone = {0};
    struct sl_tally shared = {0};
    pthread_t writer;
    pthread_t sharers[THREADS];
    assert_int_equal(pthread_create(&writer, NULL, add_alone, &alone), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&sharers[i], NULL, add_shared, &shared), 0);
    }
    for (uint64_t seen = 0; seen < ROUNDS;) {
        uint64_t now = sl_tally_get(&alone);
        assert_true(now >= seen && now <= ROUNDS);
        seen = now;
    }
    pthread_join(writer, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(sharers[i], NULL);
    }
    assert_int_equal(sl_tally_get(&shared), THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_up_and_down),
        cmocka_unit_test(a_reader_sees_it_grow_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
