/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"

#include "lib/schema/proto_time.h"

static void writes_and_reads_timestamps(void **state)
{
    (void)state;
    static const struct {
        struct sl_proto_time time;
        const char *text; /* NULL: out of range */
    } cases[] = {
        {{0, 0}, "1970-01-01T00:00:00Z"},
        {{-1, 999999999}, "1969-12-31T23:59:59.999999999Z"},
        {{-62135596800, 0}, "0001-01-01T00:00:00Z"},
        {{253402300799, 999000000}, "9999-12-31T23:59:59.999Z"},
        {{951782400, 0}, "2000-02-29T00:00:00Z"},
        {{4107542400, 0}, "2100-03-01T00:00:00Z"},
        {{-2203891200, 0}, "1900-03-01T00:00:00Z"},
        {{1767323045, 6000}, "2026-01-02T03:04:05.000006Z"},
        {{1767323045, 6}, "2026-01-02T03:04:05.000000006Z"},
        {{-62135596801, 0}, NULL},
        {{253402300800, 0}, NULL},
        {{0, -1}, NULL},
        {{0, 1000000000}, NULL},
        {{INT64_MIN, 0}, NULL},
        {{INT64_MAX, 0}, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SL_PROTO_TIME_MAX];
        enum sl_status status = sl_proto_time_timestamp_text(cases[i].time, text);
        if (cases[i].text == NULL) {
            assert_int_equal(status, SL_LIMIT);
            continue;
        }
        assert_int_equal(status, SL_OK);
        assert_string_equal(text, cases[i].text);
        struct sl_proto_time back;
        assert_int_equal(sl_proto_time_timestamp_read(sl_span_str(text), &back), SL_OK);
        assert_true(back.seconds == cases[i].time.seconds && back.nanos == cases[i].time.nanos);
    }
}

static void every_day_of_ten_thousand_years_comes_back(void **state)
{
    (void)state;
    for (int64_t seconds = -62135596800; seconds <= 253402300799; seconds += 86400) {
        char text[SL_PROTO_TIME_MAX];
        struct sl_proto_time back;
        assert_int_equal(sl_proto_time_timestamp_text((struct sl_proto_time){seconds, 0}, text),
                         SL_OK);
        assert_int_equal(sl_proto_time_timestamp_read(sl_span_str(text), &back), SL_OK);
        assert_true(back.seconds == seconds);
    }
}

static void takes_offsets_and_refuses_what_is_no_timestamp(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sl_status status;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T02:00:00+02:00", SL_OK, 0},
        {"1969-12-31T16:00:00-08:00", SL_OK, 0},
        {"1970-01-01t00:00:00Z", SL_MALFORMED, 0},
        {"1970-01-01T00:00:00z", SL_MALFORMED, 0},
        {"0001-01-01T00:00:00+00:01", SL_LIMIT, 0},
        {"", SL_MALFORMED, 0},
        {"1970-01-01", SL_MALFORMED, 0},
        {"1970-01-01T00:00:00", SL_MALFORMED, 0},
        {"1970-02-30T00:00:00Z", SL_MALFORMED, 0},
        {"1970-13-01T00:00:00Z", SL_MALFORMED, 0},
        {"1970-01-01T24:00:00Z", SL_MALFORMED, 0},
        {"1970-01-01T00:00:00.Z", SL_MALFORMED, 0},
        {"1970-01-01T00:00:00.0000000001Z", SL_MALFORMED, 0},
        {"1970-01-01T00:00:00Zx", SL_MALFORMED, 0},
        {"0000-01-01T00:00:00Z", SL_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_proto_time time = {0};
        enum sl_status status = sl_proto_time_timestamp_read(sl_span_str(cases[i].text), &time);
        if (status != cases[i].status || (status == SL_OK && time.seconds != cases[i].seconds)) {
            fail_msg("%s: %s", cases[i].text, sl_status_text(status));
        }
    }
}

static void writes_durations(void **state)
{
    (void)state;
    static const struct {
        struct sl_proto_time time;
        const char *text;
    } cases[] = {
        {{0, 0}, "0s"},
        {{3, 0}, "3s"},
        {{3, 1}, "3.000000001s"},
        {{3, 1000}, "3.000001s"},
        {{0, 500000000}, "0.500s"},
        {{0, -500000000}, "-0.500s"},
        {{-3, -1}, "-3.000000001s"},
        {{315576000000, 0}, "315576000000s"},
        {{315576000001, 0}, NULL},
        {{1, -1}, NULL},
        {{-1, 1}, NULL},
        {{0, 1000000000}, NULL},
        {{INT64_MIN, 0}, NULL},
        {{0, INT32_MIN}, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[SL_PROTO_TIME_MAX];
        enum sl_status status = sl_proto_time_duration_text(cases[i].time, text);
        if (cases[i].text == NULL) {
            assert_int_equal(status, SL_LIMIT);
            continue;
        }
        assert_string_equal(text, cases[i].text);
        struct sl_proto_time back;
        assert_int_equal(sl_proto_time_duration_read(sl_span_str(text), &back), SL_OK);
        assert_true(back.seconds == cases[i].time.seconds && back.nanos == cases[i].time.nanos);
    }
}

static void refuses_what_is_no_duration(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sl_status status;
    } cases[] = {
        {"", SL_MALFORMED},          {"s", SL_MALFORMED},
        {"1", SL_MALFORMED},         {"1m", SL_MALFORMED},
        {"+1s", SL_MALFORMED},       {"1.s", SL_MALFORMED},
        {"--1s", SL_MALFORMED},      {"1.0000000001s", SL_MALFORMED},
        {"1s ", SL_MALFORMED},       {"9999999999999999999s", SL_MALFORMED},
        {"315576000001s", SL_LIMIT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_proto_time time;
        enum sl_status status = sl_proto_time_duration_read(sl_span_str(cases[i].text), &time);
        if (status != cases[i].status) {
            fail_msg("%s: %s", cases[i].text, sl_status_text(status));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_timestamps),
        cmocka_unit_test(every_day_of_ten_thousand_years_comes_back),
        cmocka_unit_test(takes_offsets_and_refuses_what_is_no_timestamp),
        cmocka_unit_test(writes_durations),
        cmocka_unit_test(refuses_what_is_no_duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
