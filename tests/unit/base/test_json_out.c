/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>

#include "lib/base/json_out.h"
#include "tests/support/cmocka_all.h"

static void begin(struct sl_json_out *out, struct sl_buf *buf)
{
    sl_buf_init(buf, 4096);
    sl_json_out_init(out, buf);
}

static void commas_and_colons_are_put_by_the_writer(void **state)
{
    (void)state;
    struct sl_buf buf;
    struct sl_json_out out;
    begin(&out, &buf);
    sl_json_out_begin_object(&out);
    sl_json_out_key_str(&out, "a", "x");
    sl_json_out_key(&out, "b");
    sl_json_out_begin_array(&out);
    sl_json_out_u64(&out, UINT64_MAX);
    sl_json_out_i64(&out, INT64_MIN);
    sl_json_out_bool(&out, true);
    sl_json_out_null(&out);
    sl_json_out_begin_object(&out);
    sl_json_out_end_object(&out);
    sl_json_out_raw(&out, sl_span_str("[1]"));
    sl_json_out_end_array(&out);
    sl_json_out_key_u64(&out, "c", 0);
    sl_json_out_key_bool(&out, "d", false);
    sl_json_out_key_span(&out, sl_span_str("e"));
    sl_json_out_str(&out, NULL);
    sl_json_out_end_object(&out);
    test_span_is(sl_buf_span(&buf),
                 "{\"a\":\"x\",\"b\":[18446744073709551615,-9223372036854775808,true,null,{},[1]],"
                 "\"c\":0,\"d\":false,\"e\":null}");
    sl_buf_release(&buf);
}

struct text_case {
    const char *in;
    size_t len;
    const char *out;
};

static void strings_are_valid_json_whatever_they_hold(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"\"\\\n\r\t", 5, "\"\\\"\\\\\\n\\r\\t\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\x1f\x7f", 2, "\"\\u001f\\u007f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xc3", 2, "\"a\xef\xbf\xbd\""},
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf buf;
        struct sl_json_out out;
        begin(&out, &buf);
        sl_json_out_span(&out, sl_span(cases[i].in, cases[i].len));
        test_span_is(sl_buf_span(&buf), cases[i].out);
        json_t *read = json_loads(sl_buf_str(&buf), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        json_decref(read);
        sl_buf_release(&buf);
    }
}

static void doubles_read_back_equal(void **state)
{
    (void)state;
    static const double values[] = {0.0, 0.1, 1.0 / 3.0, 1e300, -2.5, 5e-324, 123456789.0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct sl_buf buf;
        struct sl_json_out out;
        begin(&out, &buf);
        sl_json_out_double(&out, values[i]);
        json_t *read = json_loads(sl_buf_str(&buf), JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        assert_true(json_number_value(read) == values[i]);
        json_decref(read);
        sl_buf_release(&buf);
    }
    struct sl_buf buf;
    struct sl_json_out out;
    begin(&out, &buf);
    sl_json_out_begin_array(&out);
    sl_json_out_double(&out, NAN);
    sl_json_out_double(&out, -INFINITY);
    sl_json_out_double(&out, 0.1);
    sl_json_out_end_array(&out);
    test_span_is(sl_buf_span(&buf), "[null,null,0.1]");
    sl_buf_release(&buf);
}

static void milliseconds_have_no_trailing_zeros(void **state)
{
    (void)state;
    struct sl_buf buf;
    struct sl_json_out out;
    begin(&out, &buf);
    sl_json_out_begin_array(&out);
    sl_json_out_ms(&out, 0);
    sl_json_out_ms(&out, 12500000);
    sl_json_out_ms(&out, 1);
    sl_json_out_ms(&out, 3000000);
    sl_json_out_ms(&out, UINT64_MAX);
    sl_json_out_end_array(&out);
    test_span_is(sl_buf_span(&buf), "[0,12.5,0.000001,3,18446744073709.551615]");
    sl_buf_release(&buf);
}

static void bytes_become_base64(void **state)
{
    (void)state;
    struct sl_buf buf;
    struct sl_json_out out;
    begin(&out, &buf);
    sl_json_out_base64(&out, sl_span("\xff\xfe", 2));
    test_span_is(sl_buf_span(&buf), "\"//4=\"");
    sl_buf_release(&buf);
}

static void every_byte_reads_back_wherever_it_stands(void **state)
{
    (void)state;
    for (unsigned byte = 1; byte < 0x80; byte++) {
        for (size_t place = 0; place < 70; place++) { /* longer than two blocks of the search */
            char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghi"
                          "abcdefghijklmnopqrstuvwxyzabcdefghi";
            struct sl_buf buf;
            struct sl_json_out out;
            text[place] = (char)byte;
            begin(&out, &buf);
            sl_json_out_str(&out, text);
            json_t *read = json_loads(sl_buf_str(&buf), JSON_DECODE_ANY, NULL);
            assert_string_equal(json_string_value(read), text);
            json_decref(read);
            sl_buf_release(&buf);
        }
    }
}

static void a_key_is_escaped_and_a_full_buffer_stays_full(void **state)
{
    (void)state;
    struct sl_buf buf;
    struct sl_json_out out;
    sl_buf_init(&buf, 12);
    sl_json_out_init(&out, &buf);
    sl_json_out_begin_object(&out);
    sl_json_out_key_span(&out, sl_span_str("a\"b"));
    sl_json_out_i64(&out, -105);
    test_span_is(sl_buf_span(&buf), "{\"a\\\"b\":-105");
    sl_json_out_key_u64(&out, "c", 12345);
    assert_true(buf.is_full);
    sl_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_colons_are_put_by_the_writer),
        cmocka_unit_test(strings_are_valid_json_whatever_they_hold),
        cmocka_unit_test(doubles_read_back_equal),
        cmocka_unit_test(milliseconds_have_no_trailing_zeros),
        cmocka_unit_test(bytes_become_base64),
        cmocka_unit_test(every_byte_reads_back_wherever_it_stands),
        cmocka_unit_test(a_key_is_escaped_and_a_full_buffer_stays_full),
    };
    return cmocka_run_group_tests_name("base/json_out", tests, NULL, NULL);
}
