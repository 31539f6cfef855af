/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/age.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

#define START (100 * SL_SECOND)

static struct srv_h2_age age;

/* The state is entered exactly then. */
static void enters(enum srv_h2_age_state state, uint64_t when_ns)
{
    assert_true(age.due_ns == when_ns);
    assert_false(srv_h2_age_look(&age, when_ns - 1));
    assert_true(srv_h2_age_look(&age, when_ns));
    assert_int_equal(age.state, state);
}

static void it_ends_step_by_step(void **state)
{
    (void)state;
    srv_h2_age_init(&age, START, 60 * SL_SECOND, 10 * SL_SECOND, 1000); /* 100 % */
    uint64_t now_ns = START + 60 * SL_SECOND;
    enters(SRV_H2_AGE_NOTICED, now_ns);
    enters(SRV_H2_AGE_GONE, now_ns + SL_SECOND);
    enters(SRV_H2_AGE_ENDED, now_ns + 11 * SL_SECOND);
    enters(SRV_H2_AGE_CLOSED, now_ns + 11 * SL_SECOND + 500 * SL_MS);
    assert_false(srv_h2_age_look(&age, UINT64_MAX));
}

static void an_answer_shortens_the_notice_and_nothing_else(void **state)
{
    (void)state;
    srv_h2_age_init(&age, START, 60 * SL_SECOND, 10 * SL_SECOND, 1000);
    uint64_t now_ns = START + 60 * SL_SECOND;
    srv_h2_age_answered(&age, START + 1);
    enters(SRV_H2_AGE_NOTICED, now_ns);
    srv_h2_age_answered(&age, now_ns + 5);
    enters(SRV_H2_AGE_GONE, now_ns + 5);
    srv_h2_age_answered(&age, now_ns + 6);
    enters(SRV_H2_AGE_ENDED, now_ns + 5 + 10 * SL_SECOND);
}

static void ages_spread_over_ten_percent_both_ways(void **state)
{
    (void)state;
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t chance = 0; chance < 4002; chance++) {
        srv_h2_age_init(&age, START, 60 * SL_SECOND, 0, chance);
        least = age.due_ns < least ? age.due_ns : least;
        most = age.due_ns > most ? age.due_ns : most;
    }
    assert_true(least == START + 54 * SL_SECOND);
    assert_true(most == START + 66 * SL_SECOND);
}

static void without_a_limit_it_lives_forever(void **state)
{
    (void)state;
    srv_h2_age_init(&age, START, UINT64_MAX, 0, 7);
    assert_false(srv_h2_age_look(&age, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_step_by_step),
        cmocka_unit_test(an_answer_shortens_the_notice_and_nothing_else),
        cmocka_unit_test(ages_spread_over_ten_percent_both_ways),
        cmocka_unit_test(without_a_limit_it_lives_forever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
