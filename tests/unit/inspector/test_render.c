/* SPDX-License-Identifier: Apache-2.0 */
/* Reading records back, and lines for a terminal. */
#include "inspector/render/json.h"
#include "inspector/render/pen.h"
#include "tests/support/cmocka_all.h"

static struct sl_span of(const char *text)
{
    return sl_span_str(text);
}

static void assert_text(struct sl_span actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.len);
}

static void values_are_found_where_they_are(void **state)
{
    (void)state;
    struct sl_span record =
        of("{\"a\":1,\"b\\\"c\":\"x,}]\\\"\",\"d\":{\"e\":[1,{\"f\":2},[]],\"g\":-1.5},"
           "\"h\":null,\"i\":[],\"j\":true}");
    static const struct {
        const char *outer, *key, *expected;
    } cases[] = {
        {NULL, "a", "1"},
        {NULL, "b\\\"c", "\"x,}]\\\"\""},
        {NULL, "h", "null"},
        {NULL, "i", "[]"},
        {NULL, "j", "true"},
        {NULL, "k", ""},
        {"d", "e", "[1,{\"f\":2},[]]"},
        {"d", "g", "-1.5"},
        {"a", "g", ""},
        {"i", "g", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_text(cases[i].outer == NULL ? ins_json_get(record, cases[i].key)
                                           : ins_json_in(record, cases[i].outer, cases[i].key),
                    cases[i].expected);
    }
    static const char *const items[] = {"1", "{\"f\":2}", "[]"};
    struct ins_json rest = ins_json_open(ins_json_in(record, "d", "e"));
    struct sl_span item;
    for (size_t i = 0; i < 3; i++) {
        assert_true(ins_json_item(&rest, &item));
        assert_text(item, items[i]);
    }
    assert_false(ins_json_item(&rest, &item));
    assert_true(ins_json_is_null(ins_json_get(record, "h")));
    assert_true(ins_json_is_null(ins_json_get(record, "nothing")));
    assert_true(ins_json_is_true(ins_json_get(record, "j")));
    assert_int_equal(ins_json_u64(of("18446744073709551615")), UINT64_MAX);
    assert_true(ins_json_double(of("-1.5")) == -1.5);
}

static void strings_lose_their_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *json, *expected;
    } cases[] = {
        {"\"\"", ""},
        {"\"a\\\"b\\\\c\\/\"", "a\"b\\c/"},
        {"\"\\n\\t\\r\\b\\f\"", "\n\t\r\b\f"},
        {"\"\\u001b[2J\"", "\x1b[2J"},
        {"\"\\u00e4\\u20AC\"", "\xc3\xa4\xe2\x82\xac"},
        {"12", "12"},
        {"null", "null"},
    };
    struct sl_buf scratch;
    sl_buf_init(&scratch, 64);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_text(ins_json_text(of(cases[i].json), &scratch), cases[i].expected);
    }
    sl_buf_release(&scratch);
}

/* Whatever the text, nothing behind it is read; sanitizers watch. */
static void cut_text_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\":[1,{\"b\":\"c\\u0041\\\\\"},[2]],\"d\":\"\\\"\"}";
    struct sl_buf scratch;
    sl_buf_init(&scratch, 64);
    for (size_t len = 0; len <= sizeof(whole) - 1; len++) {
        char *cut = test_malloc(len + 1);
        memcpy(cut, whole, len);
        struct ins_json rest = ins_json_open(sl_span(cut, len));
        struct sl_span key;
        struct sl_span value;
        for (size_t i = 0; ins_json_member(&rest, &key, &value); i++) {
            assert_true(i < len);
            (void)ins_json_text(value, &scratch);
            (void)ins_json_get(value, "b");
        }
        test_free(cut);
    }
    sl_buf_release(&scratch);
}

/* ---- lines ---- */

static void expect_line(const char *text, unsigned width, unsigned limit, bool is_tail,
                        const char *expected)
{
    struct sl_buf out;
    sl_buf_init(&out, 4096);
    struct ins_pen pen = {.out = &out, .width = width};
    if (is_tail) {
        ins_pen_tail(&pen, of(text), limit);
    } else {
        ins_pen_text(&pen, of(text), limit);
    }
    assert_string_equal(sl_buf_str(&out), expected);
    assert_int_equal(pen.column, ins_pen_columns(of(expected)));
    sl_buf_release(&out);
}

static void what_does_not_fit_is_cut_and_marked(void **state)
{
    (void)state;
    expect_line("abcdef", 80, 6, false, "abcdef");
    expect_line("abcdef", 80, 5, false, "abc..");
    expect_line("abcdef", 4, 0, false, "ab..");
    expect_line("abcdef", 0, 0, false, "abcdef");
    expect_line("abcdef", 80, 1, false, "a");
    expect_line("/pkg.Service/Method", 80, 9, true, "../Method");
    expect_line("/pkg.Service/Method", 80, 19, true, "/pkg.Service/Method");
    expect_line("\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 80, 5, false, "\xe4\xb8\xad..");
    expect_line("e\xcc\x81t\xc3\xa9", 80, 3, false, "e\xcc\x81t\xc3\xa9");
}

static void nothing_of_a_peer_steers_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"\x1b[31mred\x1b]0;title\x07", "\\u001b[31mred\\u001b]0;title\\u0007"},
        {"\xc2\x9b"
         "2J",
         "\\u009b2J"}, /* C1 CSI */
        {"a\rb\nc\td\x7f", "a\\u000db\\u000ac\\u0009d\\u007f"},
        {"\xff\xfe\xc3", "\\xff\\xfe\\xc3"},
        {"\xe2\x80\xae"
         "cba",
         "\\u202ecba"},                          /* right-to-left override */
        {"pay\xe2\x80\x8bpal", "pay\\u200bpal"}, /* zero width space */
        {"h\xc3\xa9llo \xf0\x9f\x98\x80", "h\xc3\xa9llo \xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_line(cases[i].text, 0, 0, false, cases[i].expected);
        expect_line(cases[i].text, 0, 0, true, cases[i].expected);
    }
}

static void columns_and_colours(void **state)
{
    (void)state;
    for (int has_colour = 0; has_colour < 2; has_colour++) {
        struct sl_buf out;
        sl_buf_init(&out, 4096);
        struct ins_pen pen = {.out = &out, .width = 30, .has_colour = has_colour == 1};
        ins_pen_str(&pen, "name");
        ins_pen_right(&pen, "12", 10);
        ins_pen_to(&pen, 5); /* passed: one space keeps them apart */
        ins_pen_colour(&pen, INS_RED);
        ins_pen_str(&pen, "x");
        ins_pen_end(&pen);
        assert_string_equal(sl_buf_str(&out),
                            has_colour == 1 ? "name    12 \x1b[31mx\x1b[0m\n" : "name    12 x\n");
        sl_buf_release(&out);
    }
}

static void long_texts_are_wrapped_between_words(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 4096);
    struct ins_pen pen = {.out = &out, .width = 12};
    ins_pen_str(&pen, "! ");
    ins_pen_wrap(&pen, of("the quick brown averyveryverylongword x"), 4);
    ins_pen_end(&pen);
    assert_string_equal(sl_buf_str(&out), "! the quick \n    brown \n    averyv..\n    x\n");
    sl_buf_release(&out);
}

static void durations_read_well(void **state)
{
    (void)state;
    static const struct {
        double ms;
        const char *expected;
    } cases[] = {
        {0, "0 us"},        {0.0854, "85 us"},        {1, "1.00 ms"},
        {12.54, "12.5 ms"}, {702.47, "702 ms"},       {1000, "1.00 s"},
        {119000, "119 s"},  {7.5 * 60e3, "7.50 min"}, {4 * 3600e3, "4.00 h"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[INS_PEN_DURATION_MAX];
        assert_string_equal(ins_pen_duration(cases[i].ms, text), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_where_they_are),
        cmocka_unit_test(strings_lose_their_escapes),
        cmocka_unit_test(cut_text_is_read_to_its_end_and_no_further),
        cmocka_unit_test(what_does_not_fit_is_cut_and_marked),
        cmocka_unit_test(nothing_of_a_peer_steers_the_terminal),
        cmocka_unit_test(columns_and_colours),
        cmocka_unit_test(long_texts_are_wrapped_between_words),
        cmocka_unit_test(durations_read_well),
    };
    return cmocka_run_group_tests_name("inspector/render", tests, NULL, NULL);
}
