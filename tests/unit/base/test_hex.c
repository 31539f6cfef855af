/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hex.h"
#include "tests/support/cmocka_all.h"

static void every_byte_survives_hex(void **state)
{
    (void)state;
    uint8_t all[256];
    for (size_t i = 0; i < sizeof all; i++) {
        all[i] = (uint8_t)i;
    }
    struct sl_buf text;
    struct sl_buf back;
    sl_buf_init(&text, 512);
    sl_buf_init(&back, 256);
    assert_int_equal(sl_hex_encode(sl_span(all, sizeof all), &text), SL_OK);
    assert_memory_equal(text.data + 2 * 0xab, "ab", 2);
    assert_int_equal(sl_hex_decode(sl_buf_span(&text), &back), SL_OK);
    assert_true(sl_span_equal(sl_buf_span(&back), sl_span(all, sizeof all)));
    assert_int_equal(sl_hex_encode(sl_span(all, 1), &text), SL_LIMIT);
    assert_int_equal(sl_hex_decode(sl_span_str("00"), &back), SL_LIMIT);
    sl_buf_release(&text);
    sl_buf_release(&back);
}

struct decode_case {
    const char *text;
    enum sl_status status;
    const char *bytes;
};

static void hex_is_an_even_number_of_digits(void **state)
{
    (void)state;
    static const struct decode_case cases[] = {
        {"", SL_OK, ""},
        {"4aFf", SL_OK, "J\xff"},
        {"4", SL_MALFORMED, NULL},
        {"4g", SL_MALFORMED, NULL},
        {"0x", SL_MALFORMED, NULL},
        {" 4", SL_MALFORMED, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf out;
        sl_buf_init(&out, 16);
        assert_int_equal(sl_hex_decode(sl_span_str(cases[i].text), &out), cases[i].status);
        if (cases[i].bytes != NULL) {
            test_span_is(sl_buf_span(&out), cases[i].bytes);
        }
        sl_buf_release(&out);
    }
}

/* RFC 4648 10. */
static void base64_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        for (size_t form = 1; form < 3; form++) {
            struct sl_buf text;
            struct sl_buf back;
            sl_buf_init(&text, 16);
            sl_buf_init(&back, 16);
            assert_int_equal(sl_base64_encode(sl_span_str(vectors[i][0]), form == 1, &text), SL_OK);
            test_span_is(sl_buf_span(&text), vectors[i][form]);
            assert_int_equal(sl_base64_decode(sl_buf_span(&text), &back), SL_OK);
            test_span_is(sl_buf_span(&back), vectors[i][0]);
            sl_buf_release(&text);
            sl_buf_release(&back);
        }
    }
}

static void base64_takes_both_alphabets_and_nothing_else(void **state)
{
    (void)state;
    static const struct decode_case cases[] = {
        {"//79", SL_OK, "\xff\xfe\xfd"},  {"__79", SL_OK, "\xff\xfe\xfd"},
        {"-_-_", SL_OK, "\xfb\xff\xbf"},  {"A", SL_MALFORMED, NULL},
        {"AAAAA", SL_MALFORMED, NULL},    {"A===", SL_MALFORMED, NULL},
        {"====", SL_MALFORMED, NULL},     {"Zg=", SL_MALFORMED, NULL},
        {"Zg==Zg==", SL_MALFORMED, NULL}, {"Zm 9", SL_MALFORMED, NULL},
        {"Zm,9", SL_MALFORMED, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("'%s'\n", cases[i].text);
        struct sl_buf out;
        sl_buf_init(&out, 16);
        assert_int_equal(sl_base64_decode(sl_span_str(cases[i].text), &out), cases[i].status);
        if (cases[i].bytes != NULL) {
            test_span_is(sl_buf_span(&out), cases[i].bytes);
        }
        sl_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_survives_hex),
        cmocka_unit_test(hex_is_an_even_number_of_digits),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(base64_takes_both_alphabets_and_nothing_else),
    };
    return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
