/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/utf8.h"
#include "tests/support/cmocka_all.h"

struct char_case {
    const char *name;
    const char *bytes;
    size_t len; /* of the character; 0: malformed */
};

static void characters_are_those_of_rfc_3629(void **state)
{
    (void)state;
    static const struct char_case cases[] = {
        {"ASCII", "a", 1},
        {"U+0080", "\xc2\x80", 2},
        {"U+07FF", "\xdf\xbf", 2},
        {"U+0800", "\xe0\xa0\x80", 3},
        {"U+D7FF", "\xed\x9f\xbf", 3},
        {"U+E000", "\xee\x80\x80", 3},
        {"U+FFFF", "\xef\xbf\xbf", 3},
        {"U+10000", "\xf0\x90\x80\x80", 4},
        {"U+10FFFF", "\xf4\x8f\xbf\xbf", 4},
        {"continuation alone", "\x80", 0},
        {"overlong 2", "\xc0\x80", 0},
        {"overlong 2, last", "\xc1\xbf", 0},
        {"overlong 3", "\xe0\x9f\xbf", 0},
        {"overlong 4", "\xf0\x8f\xbf\xbf", 0},
        {"first surrogate", "\xed\xa0\x80", 0},
        {"last surrogate", "\xed\xbf\xbf", 0},
        {"above U+10FFFF", "\xf4\x90\x80\x80", 0},
        {"F5", "\xf5\x80\x80\x80", 0},
        {"FF", "\xff", 0},
        {"bad second byte", "\xc3(", 0},
        {"bad third byte", "\xe2\x82(", 0},
        {"bad fourth byte", "\xf0\x9f\x98(", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].name);
        struct sl_span text = sl_span_str(cases[i].bytes);
        assert_int_equal(sl_utf8_char(text), cases[i].len);
        assert_int_equal(sl_utf8_is_valid(text), cases[i].len > 0);
        for (size_t len = 0; cases[i].len > 0 && len < text.len; len++) {
            assert_int_equal(sl_utf8_char(sl_span_first(text, len)), 0);
        }
    }
}

static void a_text_is_valid_to_its_last_byte(void **state)
{
    (void)state;
    assert_true(sl_utf8_is_valid(sl_span(NULL, 0)));
    assert_true(sl_utf8_is_valid(sl_span("a\0\xc3\xa9", 4)));
    assert_false(sl_utf8_is_valid(sl_span("a\0\xc3\xa9", 3)));
    assert_false(sl_utf8_is_valid(sl_span_str("good until \xff here")));
}

static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t place = 0; place < 70; place++) {
        char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghiabcdefghijklmnopqrstuvwxyzabcdefghi";
        assert_true(sl_utf8_is_valid(sl_span_str(text)));
        text[place] = '\x80';
        assert_false(sl_utf8_is_valid(sl_span_str(text)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_those_of_rfc_3629),
        cmocka_unit_test(a_text_is_valid_to_its_last_byte),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
