/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/keepalive.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#define START (100 * SL_SECOND)

static struct srv_h2_keepalive keepalive;

static int begin(void **state)
{
    (void)state;
    srv_h2_keepalive_init(&keepalive, START, 10 * SL_SECOND, 5 * SL_SECOND, SL_SECOND);
    return 0;
}

static void a_silent_client_is_asked_once_and_dropped(void **state)
{
    (void)state;
    uint64_t due_ns = srv_h2_keepalive_due(&keepalive);
    assert_true(due_ns == START + 10 * SL_SECOND);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, due_ns - 1), SRV_H2_KEEPALIVE_WAIT);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, due_ns), SRV_H2_KEEPALIVE_ASK);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, due_ns), SRV_H2_KEEPALIVE_WAIT);
    due_ns = srv_h2_keepalive_due(&keepalive);
    assert_true(due_ns == START + 15 * SL_SECOND);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, due_ns), SRV_H2_KEEPALIVE_DROP);
}

static void any_byte_says_that_it_lives(void **state)
{
    (void)state;
    uint64_t now_ns = START + 10 * SL_SECOND;
    assert_int_equal(srv_h2_keepalive_look(&keepalive, now_ns), SRV_H2_KEEPALIVE_ASK);
    srv_h2_keepalive_heard(&keepalive, now_ns + SL_SECOND);
    assert_true(srv_h2_keepalive_due(&keepalive) == now_ns + 11 * SL_SECOND);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, now_ns + 6 * SL_SECOND),
                     SRV_H2_KEEPALIVE_WAIT);
}

static void off_is_never(void **state)
{
    (void)state;
    srv_h2_keepalive_init(&keepalive, START, UINT64_MAX, SL_SECOND, 0);
    assert_true(srv_h2_keepalive_due(&keepalive) == UINT64_MAX);
    assert_int_equal(srv_h2_keepalive_look(&keepalive, UINT64_MAX - 1), SRV_H2_KEEPALIVE_WAIT);
}

static void pings_at_the_allowed_pace_are_never_punished(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(srv_h2_keepalive_pinged(&keepalive, START + i * SL_SECOND));
    }
}

static void the_third_early_ping_is_too_many(void **state)
{
    (void)state;
    assert_true(srv_h2_keepalive_pinged(&keepalive, START));
    assert_true(srv_h2_keepalive_pinged(&keepalive, START + 1));
    assert_true(srv_h2_keepalive_pinged(&keepalive, START + 2));
    assert_false(srv_h2_keepalive_pinged(&keepalive, START + 3));
    assert_false(srv_h2_keepalive_pinged(&keepalive, START + 4));
}

static void who_is_sent_something_may_ask_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(srv_h2_keepalive_pinged(&keepalive, START));
        srv_h2_keepalive_sent(&keepalive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_silent_client_is_asked_once_and_dropped, begin),
        cmocka_unit_test_setup(any_byte_says_that_it_lives, begin),
        cmocka_unit_test_setup(off_is_never, begin),
        cmocka_unit_test_setup(pings_at_the_allowed_pace_are_never_punished, begin),
        cmocka_unit_test_setup(the_third_early_ping_is_too_many, begin),
        cmocka_unit_test_setup(who_is_sent_something_may_ask_again, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
