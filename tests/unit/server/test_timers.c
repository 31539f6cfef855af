/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/timers.h"

#include "tests/support/cmocka_all.h"

enum {
    COUNT = 300,
};

static uint64_t random_state = 42;

static uint64_t draw(void)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return random_state >> 40;
}

static void they_come_in_the_order_due_however_they_were_set(void **state)
{
    (void)state;
    struct srv_timers timers = {0};
    static struct srv_timer all[COUNT];
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            (void)srv_timers_set(&timers, &all[i], draw() % 1000);
        }
        size_t left = COUNT;
        for (size_t i = 0; i < COUNT; i++) {
            if (draw() % 3 == 0) {
                srv_timers_remove(&timers, &all[i]);
                srv_timers_remove(&timers, &all[i]);
                left--;
            } else if (draw() % 2 == 0) {
                (void)srv_timers_set(&timers, &all[i], draw() % 1000); /* moved */
            }
        }
        uint64_t before = 0;
        for (struct srv_timer *first = srv_timers_first(&timers); first != NULL;
             first = srv_timers_first(&timers)) {
            assert_true(first->due_ns >= before);
            before = first->due_ns;
            srv_timers_remove(&timers, first);
            assert_int_equal(first->place, 0);
            left--;
        }
        assert_int_equal(left, 0);
    }
    srv_timers_release(&timers);
}

static void set_tells_whether_the_first_one_changed(void **state)
{
    (void)state;
    struct srv_timers timers = {0};
    struct srv_timer a = {0};
    struct srv_timer b = {0};
    assert_true(srv_timers_set(&timers, &a, 100));
    assert_false(srv_timers_set(&timers, &b, 200));
    assert_true(srv_timers_set(&timers, &b, 50));
    assert_ptr_equal(srv_timers_first(&timers), &b);
    srv_timers_release(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_in_the_order_due_however_they_were_set),
        cmocka_unit_test(set_tells_whether_the_first_one_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
