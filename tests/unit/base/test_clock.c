/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

#include <time.h>

#include "tests/support/cmocka_all.h"

struct stamp_case {
    uint64_t wall_ns;
    const char *text;
};

static void stamps_are_rfc_3339_with_nanoseconds(void **state)
{
    (void)state;
    static const struct stamp_case cases[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {UINT64_C(1767323045000000006), "2026-01-02T03:04:05.000000006Z"},
        {UINT64_C(951782399999999999), "2000-02-28T23:59:59.999999999Z"},
        {UINT64_C(951782400000000000), "2000-02-29T00:00:00.000000000Z"},
        {UINT64_MAX, "2554-07-21T23:34:33.709551615Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[SL_RFC3339_MAX];
        assert_string_equal(sl_clock_rfc3339(cases[i].wall_ns, out), cases[i].text);
    }
}

static void every_day_is_that_of_the_calendar(void **state)
{
    (void)state;
    const uint64_t day_ns = UINT64_C(86400) * SL_SECOND;
    for (uint64_t day = 0; day <= UINT64_MAX / day_ns; day++) {
        char out[SL_RFC3339_MAX];
        char wanted[SL_RFC3339_MAX];
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm utc;
        (void)gmtime_r(&seconds, &utc);
        (void)strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000000000Z", &utc);
        assert_string_equal(sl_clock_rfc3339((uint64_t)seconds * SL_SECOND, out), wanted);
    }
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    uint64_t last = sl_clock_mono_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = sl_clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
    assert_true(sl_clock_wall_ns() > UINT64_C(1700000000) * SL_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_are_rfc_3339_with_nanoseconds),
        cmocka_unit_test(every_day_is_that_of_the_calendar),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
