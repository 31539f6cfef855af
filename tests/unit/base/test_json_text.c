/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_text.h"

#include <jansson.h>

#include "tests/support/cmocka_all.h"

enum {
    OUT_MAX = 4096,
};

static enum sl_status compact(struct sl_span text, struct sl_buf *out)
{
    sl_buf_init(out, OUT_MAX);
    return sl_json_compact(text, out);
}

static void white_space_between_tokens_goes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {" { \"a b\" : [ 1 , 2.50 , -0e+3 ] ,\r\n\t\"c\":{ } , \"d\" : [ ] } ",
         "{\"a b\":[1,2.50,-0e+3],\"c\":{},\"d\":[]}"},
        {"\"\\u00e9\\n \xc3\xa9\"", "\"\\u00e9\\n \xc3\xa9\""},
        {"true", "true"},
        {"[[[null]],false]", "[[[null]],false]"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf out;
        assert_int_equal(compact(sl_span_str(cases[i].text), &out), SL_OK);
        assert_string_equal(sl_buf_str(&out), cases[i].wanted);
        sl_buf_release(&out);
    }
}

/* jansson is the judge; it also takes what is cut after a whole value. */
static void what_another_parser_refuses_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "01",
        "1.",
        "-",
        "1e",
        "\"a",
        "\"\\x\"",
        "\"\t\"",
        "\"\xff\"",
        "tru",
        "nul",
        "{}{}",
        "{\"a\" 1}",
        "]",
        "[}",
        "\"\\u12g4\"",
        "{\"a\":}",
        "[,1]",
        "+1",
        ".5",
        "{1:2}",
        "\"\xc3\"",
        "[1]x",
        "nulll",
        "[\"\\u12\"]",
        "\"\xed\xa0\x80\"",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sl_buf out;
        json_t *judge = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        assert_null(judge);
        assert_int_equal(compact(sl_span_str(texts[i]), &out), SL_MALFORMED);
        sl_buf_release(&out);
    }
}

static void every_cut_of_an_object_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,{\"b\":\"c\\n\"},null],\"d\":-1.5e-3}";
    for (size_t len = 0; len < sizeof(text); len++) {
        struct sl_buf out;
        char *copy = malloc(len + 1);
        memcpy(copy, text, len);
        assert_int_equal(compact(sl_span(copy, len), &out),
                         len == sizeof(text) - 1 ? SL_OK : SL_MALFORMED);
        sl_buf_release(&out);
        free(copy);
    }
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    char text[SL_JSON_TEXT_DEPTH_MAX * 2 + 2];
    memset(text, '[', SL_JSON_TEXT_DEPTH_MAX + 1);
    memset(text + SL_JSON_TEXT_DEPTH_MAX + 1, ']', SL_JSON_TEXT_DEPTH_MAX + 1);
    struct sl_buf out;
    assert_int_equal(compact(sl_span(text, sizeof(text)), &out), SL_MALFORMED);
    sl_buf_release(&out);
    assert_int_equal(compact(sl_span(text + 1, sizeof(text) - 2), &out), SL_OK);
    sl_buf_release(&out);
    sl_buf_init(&out, 3);
    assert_int_equal(sl_json_compact(sl_span_str("[1,2]"), &out), SL_LIMIT);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_between_tokens_goes),
        cmocka_unit_test(what_another_parser_refuses_is_refused),
        cmocka_unit_test(every_cut_of_an_object_is_refused),
        cmocka_unit_test(depth_and_size_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
