/* SPDX-License-Identifier: Apache-2.0 */
/* What the scenario's own deed excuses, and what it does not. */
#include "harness/engine/outage.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "tests/support/cmocka_all.h"

static void nothing_is_excused_before_it(void **state)
{
    struct har_play play = {0};
    (void)state;
    assert_false(har_outage_excuses(&play, sl_clock_mono_ns()));
    assert_false(har_outage_refuses(&play, sl_clock_mono_ns(), SL_GRPC_UNAVAILABLE));
    har_outage_end(&play); /* an answer without an outage changes nothing */
    assert_int_equal(play.answer.back_ns, 0);
}

static void all_that_ends_during_it_is_excused(void **state)
{
    struct har_play play = {0};
    (void)state;
    har_outage_begin(&play);
    assert_true(har_outage_excuses(&play, sl_clock_mono_ns()));
    assert_true(har_outage_excuses(&play, 0));
}

static void afterwards_only_what_began_before_its_end(void **state)
{
    struct har_play play = {0};
    (void)state;
    har_outage_begin(&play);
    uint64_t during_ns = sl_clock_mono_ns();
    har_outage_end(&play);
    assert_true(play.answer.back_ns >= during_ns);
    assert_true(har_outage_excuses(&play, play.answer.back_ns - 1));
    assert_false(har_outage_excuses(&play, play.answer.back_ns));
    assert_false(har_outage_excuses(&play, play.answer.back_ns + 1));
}

static void a_refusal_has_one_of_two_codes(void **state)
{
    struct har_play play = {0};
    (void)state;
    har_outage_begin(&play);
    for (uint32_t code = SL_GRPC_OK; code <= SL_GRPC_UNAUTHENTICATED; code++) {
        assert_int_equal(har_outage_refuses(&play, 0, code),
                         code == SL_GRPC_UNAVAILABLE || code == SL_GRPC_CANCELLED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_excused_before_it),
        cmocka_unit_test(all_that_ends_during_it_is_excused),
        cmocka_unit_test(afterwards_only_what_began_before_its_end),
        cmocka_unit_test(a_refusal_has_one_of_two_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
