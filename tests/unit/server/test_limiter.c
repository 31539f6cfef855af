/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/limiter.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    SENDS = 400,
};

/* Every window between two sends holds at most rate * w + 1.5 of them: half of what SUB-02 leaves. */
static void check_windows(const uint64_t *at, size_t count, int32_t rate)
{
    for (size_t first = 0; first < count; first++) {
        for (size_t last = first; last < count; last++) {
            double window = (double)(at[last] - at[first]) / (double)SL_SECOND;
            assert_true((double)(last - first + 1) <= (double)rate * window + 1.5 + 1e-6);
        }
    }
}

static const int32_t rates[] = {1, 2, 3, 7, 10, 30, 97, 100, 999, 1000, 44100, 1000000000};

static void no_window_holds_more_than_the_rate_and_one_and_a_half(void **state)
{
    (void)state;
    uint64_t noise = 12345;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct srv_limiter limiter;
        uint64_t at[SENDS];
        uint64_t now = 5 * SL_SECOND;
        srv_limiter_init(&limiter, rates[i]);
        for (size_t n = 0; n < SENDS; n++) {
            /* Looks too early, in time, late, and after long idle times. */
            noise = noise * 6364136223846793005U + 1442695040888963407U;
            uint64_t late = (noise >> 33) % (2 * limiter.interval_ns);
            if (now < srv_limiter_due(&limiter)) {
                assert_false(srv_limiter_allows(&limiter, srv_limiter_due(&limiter) - 1));
                now = srv_limiter_due(&limiter) + (n % 3 == 0 ? late : 0);
            }
            if (n % 50 == 49) {
                now += 100 * limiter.interval_ns;
                srv_limiter_idle(&limiter, now - limiter.interval_ns / 8);
            }
            assert_true(srv_limiter_allows(&limiter, now));
            srv_limiter_take(&limiter, now);
            at[n] = now;
        }
        check_windows(at, SENDS, rates[i]);
    }
}

static void idle_time_saves_nothing_up(void **state)
{
    (void)state;
    struct srv_limiter limiter;
    srv_limiter_init(&limiter, 10);
    uint64_t now = 3600 * SL_SECOND;
    srv_limiter_idle(&limiter, now);
    assert_true(srv_limiter_allows(&limiter, now));
    srv_limiter_take(&limiter, now);
    assert_false(srv_limiter_allows(&limiter, now));
    assert_false(srv_limiter_allows(&limiter, now + 100 * SL_MS - 1));
    assert_true(srv_limiter_allows(&limiter, now + 100 * SL_MS));
}

static void the_rate_is_reached_by_a_clock_with_a_grain(void **state)
{
    (void)state;
    for (int32_t rate = 1; rate <= 100; rate++) {
        struct srv_limiter limiter;
        unsigned sent = 0;
        srv_limiter_init(&limiter, rate);
        for (uint64_t now = SL_SECOND; now < 5 * SL_SECOND; now += SL_MS) {
            if (srv_limiter_allows(&limiter, now)) {
                srv_limiter_take(&limiter, now);
                sent++;
            }
        }
        assert_true(sent * 100 >= (unsigned)rate * 4 * 80);
    }
}

static void a_timer_that_is_late_costs_no_rate(void **state)
{
    (void)state;
    struct srv_limiter limiter;
    uint64_t now = SL_SECOND;
    unsigned sent = 0;
    srv_limiter_init(&limiter, 100);
    srv_limiter_idle(&limiter, now);
    for (; now < 11 * SL_SECOND; sent++) {
        srv_limiter_take(&limiter, now);
        now = srv_limiter_due(&limiter) + 5 * SL_MS;
    }
    assert_in_range(sent, 999, 1001);
}

static void a_late_message_is_followed_no_sooner_than_half_an_interval_early(void **state)
{
    (void)state;
    struct srv_limiter limiter;
    uint64_t now = SL_SECOND;
    srv_limiter_init(&limiter, 10);
    srv_limiter_idle(&limiter, now);
    srv_limiter_take(&limiter, now);
    now += 5 * SL_SECOND; /* one waits, and the machine sleeps */
    srv_limiter_take(&limiter, now);
    assert_int_equal(srv_limiter_due(&limiter), now + 50 * SL_MS);
    srv_limiter_take(&limiter, now + 50 * SL_MS);
    assert_int_equal(srv_limiter_due(&limiter), now + 150 * SL_MS);
}

static void a_rate_that_makes_no_sense_is_the_slowest(void **state)
{
    (void)state;
    static const int32_t senseless[] = {0, -1, INT32_MIN};
    for (size_t i = 0; i < 3; i++) {
        struct srv_limiter limiter;
        srv_limiter_init(&limiter, senseless[i]);
        assert_int_equal(limiter.interval_ns, SL_SECOND);
    }
}

/* All that waits goes in one turn of the loop, whose time stands still. */
static void a_rate_finer_than_the_clock_is_none(void **state)
{
    (void)state;
    struct srv_limiter limiter;
    uint64_t now = 5 * SL_SECOND;
    srv_limiter_init(&limiter, INT32_MAX);
    for (size_t n = 0; n < SENDS; n++) {
        assert_true(srv_limiter_allows(&limiter, now));
        srv_limiter_take(&limiter, now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_holds_more_than_the_rate_and_one_and_a_half),
        cmocka_unit_test(idle_time_saves_nothing_up),
        cmocka_unit_test(the_rate_is_reached_by_a_clock_with_a_grain),
        cmocka_unit_test(a_timer_that_is_late_costs_no_rate),
        cmocka_unit_test(a_late_message_is_followed_no_sooner_than_half_an_interval_early),
        cmocka_unit_test(a_rate_finer_than_the_clock_is_none),
        cmocka_unit_test(a_rate_that_makes_no_sense_is_the_slowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
