/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/units.h"
#include "tests/support/cmocka_all.h"

struct unit_case {
    const char *text;
    enum sl_status status;
    uint64_t value;
};

typedef enum sl_status parse_fn(struct sl_span text, uint64_t *ret_value);

static void check(parse_fn *parse, const struct unit_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("'%s'\n", cases[i].text);
        uint64_t value = 0;
        assert_int_equal(parse(sl_span_str(cases[i].text), &value), cases[i].status);
        if (cases[i].status == SL_OK) {
            assert_true(value == cases[i].value);
        }
    }
}

static void numbers_are_digits(void **state)
{
    (void)state;
    static const struct unit_case cases[] = {
        {"0", SL_OK, 0},
        {"007", SL_OK, 7},
        {"18446744073709551615", SL_OK, UINT64_MAX},
        {"18446744073709551616", SL_LIMIT, 0},
        {"99999999999999999999999", SL_LIMIT, 0},
        {"", SL_MALFORMED, 0},
        {"-1", SL_MALFORMED, 0},
        {"1x", SL_MALFORMED, 0},
        {" 1", SL_MALFORMED, 0},
    };
    check(sl_units_u64, cases, sizeof cases / sizeof cases[0]);
}

static void durations_need_a_unit(void **state)
{
    (void)state;
    static const struct unit_case cases[] = {
        {"0", SL_OK, 0},
        {"7ns", SL_OK, 7},
        {"7us", SL_OK, 7000},
        {"250ms", SL_OK, UINT64_C(250000000)},
        {"10s", SL_OK, UINT64_C(10000000000)},
        {"1.5s", SL_OK, UINT64_C(1500000000)},
        {"0.25ms", SL_OK, 250000},
        {"2m", SL_OK, UINT64_C(120000000000)},
        {"1h", SL_OK, UINT64_C(3600000000000)},
        {"5", SL_MALFORMED, 0},
        {"s", SL_MALFORMED, 0},
        {"1.s", SL_MALFORMED, 0},
        {".5s", SL_MALFORMED, 0},
        {"1 s", SL_MALFORMED, 0},
        {"1S", SL_MALFORMED, 0},
        {"-1s", SL_MALFORMED, 0},
        {"5124096h", SL_LIMIT, 0},
    };
    check(sl_units_duration, cases, sizeof cases / sizeof cases[0]);
}

static void sizes_are_powers_of_1024_or_1000(void **state)
{
    (void)state;
    static const struct unit_case cases[] = {
        {"17", SL_OK, 17},        {"17B", SL_OK, 17},          {"2KiB", SL_OK, 2048},
        {"4MiB", SL_OK, 4194304}, {"1GiB", SL_OK, 1073741824}, {"2kB", SL_OK, 2000},
        {"3MB", SL_OK, 3000000},  {"1GB", SL_OK, 1000000000},  {"2KB", SL_MALFORMED, 0},
        {"MiB", SL_MALFORMED, 0}, {"1.5MiB", SL_MALFORMED, 0}, {"17179869184GiB", SL_LIMIT, 0},
    };
    check(sl_units_size, cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits),
        cmocka_unit_test(durations_need_a_unit),
        cmocka_unit_test(sizes_are_powers_of_1024_or_1000),
    };
    return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
