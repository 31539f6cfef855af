/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/grpc_status.h"
#include "lib/wire/h2_frame.h"
#include "tests/support/cmocka_all.h"

static void names_and_codes_belong_together(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 16; code++) {
        uint32_t back = 99;
        const char *name = sl_grpc_status_name(code);
        assert_non_null(name);
        assert_int_equal(sl_grpc_status_parse(sl_span_str(name), &back), SL_OK);
        assert_int_equal(back, code);
    }
    assert_string_equal(sl_grpc_status_name(14), "UNAVAILABLE");
    assert_null(sl_grpc_status_name(17));
    uint32_t code = 0;
    assert_int_equal(sl_grpc_status_parse(sl_span_str("unavailable"), &code), SL_NOT_FOUND);
    assert_int_equal(sl_grpc_status_parse(sl_span_str(""), &code), SL_NOT_FOUND);
}

struct read_case {
    const char *field;
    enum sl_status status;
    uint32_t code;
};

static void grpc_status_is_decimal_without_sign_or_leading_zero(void **state)
{
    (void)state;
    static const struct read_case cases[] = {
        {"0", SL_OK, 0},
        {"16", SL_OK, 16},
        {"17", SL_OK, 17},
        {"4294967295", SL_OK, UINT32_MAX},
        {"4294967296", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"99999999999999999999999", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"00", SL_MALFORMED, 0},
        {"014", SL_MALFORMED, 14},
        {"", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"+1", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"-1", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"1 ", SL_MALFORMED, SL_GRPC_UNKNOWN},
        {"0x1", SL_MALFORMED, SL_GRPC_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code = 77;
        print_message("'%s'\n", cases[i].field);
        assert_int_equal(sl_grpc_status_read(sl_span_str(cases[i].field), &code), cases[i].status);
        assert_int_equal(code, cases[i].code);
    }
}

static void http2_errors_map_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_NO_ERROR), SL_GRPC_INTERNAL);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_PROTOCOL_ERROR), SL_GRPC_INTERNAL);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_FLOW_CONTROL_ERROR), SL_GRPC_INTERNAL);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_REFUSED_STREAM), SL_GRPC_UNAVAILABLE);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_CANCEL), SL_GRPC_CANCELLED);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_ENHANCE_YOUR_CALM), SL_GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(sl_grpc_status_from_h2(SL_H2_INADEQUATE_SECURITY), SL_GRPC_PERMISSION_DENIED);
    assert_int_equal(sl_grpc_status_from_h2(0xdead), SL_GRPC_INTERNAL);
}

static void http_statuses_map_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(sl_grpc_status_from_http(400), SL_GRPC_INTERNAL);
    assert_int_equal(sl_grpc_status_from_http(401), SL_GRPC_UNAUTHENTICATED);
    assert_int_equal(sl_grpc_status_from_http(403), SL_GRPC_PERMISSION_DENIED);
    assert_int_equal(sl_grpc_status_from_http(404), SL_GRPC_UNIMPLEMENTED);
    assert_int_equal(sl_grpc_status_from_http(429), SL_GRPC_UNAVAILABLE);
    assert_int_equal(sl_grpc_status_from_http(502), SL_GRPC_UNAVAILABLE);
    assert_int_equal(sl_grpc_status_from_http(503), SL_GRPC_UNAVAILABLE);
    assert_int_equal(sl_grpc_status_from_http(504), SL_GRPC_UNAVAILABLE);
    assert_int_equal(sl_grpc_status_from_http(200), SL_GRPC_UNKNOWN);
    assert_int_equal(sl_grpc_status_from_http(500), SL_GRPC_UNKNOWN);
}

struct text_case {
    const char *from;
    const char *to;
};

static void messages_are_percent_encoded(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"", ""},
        {"plain ~text", "plain ~text"},
        {"100%", "100%25"},
        {"a\tb\n", "a%09b%0A"},
        {"\xc3\xa9", "%C3%A9"},
        {"\x7f", "%7F"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf encoded;
        struct sl_buf decoded;
        sl_buf_init(&encoded, 64);
        sl_buf_init(&decoded, 64);
        assert_int_equal(sl_grpc_message_encode(sl_span_str(cases[i].from), &encoded), SL_OK);
        test_span_is(sl_buf_span(&encoded), cases[i].to);
        assert_int_equal(sl_grpc_message_decode(sl_buf_span(&encoded), &decoded), SL_OK);
        test_span_is(sl_buf_span(&decoded), cases[i].from);
        sl_buf_release(&encoded);
        sl_buf_release(&decoded);
    }
}

static void an_invalid_escape_stays_as_it_is(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"%", "%"},     {"%4", "%4"},       {"%zz", "%zz"},
        {"%%41", "%A"}, {"%4g%41", "%4gA"}, {"%c3%A9", "\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf decoded;
        sl_buf_init(&decoded, 64);
        assert_int_equal(sl_grpc_message_decode(sl_span_str(cases[i].from), &decoded), SL_OK);
        test_span_is(sl_buf_span(&decoded), cases[i].to);
        sl_buf_release(&decoded);
    }
}

struct timeout_case {
    const char *field;
    enum sl_status status;
    uint64_t ns;
};

static void timeouts_are_digits_and_a_unit(void **state)
{
    (void)state;
    static const struct timeout_case cases[] = {
        {"1n", SL_OK, 1},
        {"2u", SL_OK, 2000},
        {"3m", SL_OK, 3000000},
        {"4S", SL_OK, UINT64_C(4000000000)},
        {"5M", SL_OK, UINT64_C(300000000000)},
        {"6H", SL_OK, UINT64_C(21600000000000)},
        {"0S", SL_OK, 0},
        {"00000001n", SL_OK, 1},
        {"99999999H", SL_OK, UINT64_MAX},
        {"100000000n", SL_MALFORMED, 7},
        {"", SL_MALFORMED, 7},
        {"S", SL_MALFORMED, 7},
        {"1", SL_MALFORMED, 7},
        {"1s", SL_MALFORMED, 7},
        {"-1S", SL_MALFORMED, 7},
        {"1 S", SL_MALFORMED, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t ns = 7;
        print_message("'%s'\n", cases[i].field);
        assert_int_equal(sl_grpc_timeout_read(sl_span_str(cases[i].field), &ns), cases[i].status);
        assert_true(ns == cases[i].ns);
    }
}

static void a_written_timeout_is_never_shorter(void **state)
{
    (void)state;
    static const struct timeout_case cases[] = {
        {"0n", SL_OK, 0},
        {"99999999n", SL_OK, 99999999},
        {"100000u", SL_OK, 100000000},
        {"100001u", SL_OK, 100000001},
        {"10000000u", SL_OK, UINT64_C(10000000000)},
        {"5124096H", SL_OK, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf out;
        sl_buf_init(&out, 16);
        assert_int_equal(sl_grpc_timeout_write(&out, cases[i].ns), SL_OK);
        test_span_is(sl_buf_span(&out), cases[i].field);
        uint64_t back = 0;
        assert_int_equal(sl_grpc_timeout_read(sl_buf_span(&out), &back), SL_OK);
        assert_true(back >= cases[i].ns);
        sl_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_codes_belong_together),
        cmocka_unit_test(grpc_status_is_decimal_without_sign_or_leading_zero),
        cmocka_unit_test(http2_errors_map_as_the_table_says),
        cmocka_unit_test(http_statuses_map_as_the_table_says),
        cmocka_unit_test(messages_are_percent_encoded),
        cmocka_unit_test(an_invalid_escape_stays_as_it_is),
        cmocka_unit_test(timeouts_are_digits_and_a_unit),
        cmocka_unit_test(a_written_timeout_is_never_shorter),
    };
    return cmocka_run_group_tests_name("wire/grpc_status", tests, NULL, NULL);
}
