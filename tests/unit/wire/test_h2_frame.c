/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/h2_frame.h"
#include "tests/support/cmocka_all.h"

static void a_short_header_asks_for_more(void **state)
{
    (void)state;
    static const uint8_t bytes[9] = {0};
    struct sl_h2_frame_header header;
    for (size_t len = 0; len < sizeof bytes; len++) {
        assert_int_equal(sl_h2_frame_header_read(sl_span(bytes, len), &header), SL_AGAIN);
    }
    assert_int_equal(sl_h2_frame_header_read(sl_span(bytes, sizeof bytes), &header), SL_OK);
}

static void a_header_reads_back_as_it_was_written(void **state)
{
    (void)state;
    const struct sl_h2_frame_header cases[] = {
        {0},
        {.length = SL_H2_MAX_FRAME_LIMIT, .type = 0xff, .flags = 0xff, .stream = 0x7fffffff},
        {.length = 0x010203, .type = 4, .flags = 5, .stream = 0x06070809},
        {.length = 1, .type = 1, .flags = 1, .stream = 1, .has_reserved_bit = true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_buf out;
        sl_buf_init(&out, 9);
        assert_int_equal(sl_h2_write_header(&out, &cases[i]), SL_OK);
        struct sl_h2_frame_header header;
        assert_int_equal(sl_h2_frame_header_read(sl_buf_span(&out), &header), SL_OK);
        assert_int_equal(header.length, cases[i].length);
        assert_int_equal(header.type, cases[i].type);
        assert_int_equal(header.flags, cases[i].flags);
        assert_int_equal(header.stream, cases[i].stream);
        assert_int_equal(header.has_reserved_bit, cases[i].has_reserved_bit);
        sl_buf_release(&out);
    }
}

struct content_case {
    const char *name;
    uint8_t type;
    uint8_t flags;
    const char *payload;
    size_t len;
    enum sl_status status;
    const char *content;
};

static const struct content_case content_cases[] = {
    {"plain data", SL_H2_DATA, 0, "abc", 3, SL_OK, "abc"},
    {"padded data", SL_H2_DATA, SL_H2_FLAG_PADDED, "\2abc\0\0", 6, SL_OK, "abc"},
    {"nothing but padding", SL_H2_DATA, SL_H2_FLAG_PADDED, "\3\0\0\0", 4, SL_OK, ""},
    {"padding as long as the payload", SL_H2_DATA, SL_H2_FLAG_PADDED, "\4\0\0\0", 4, SL_MALFORMED,
     ""},
    {"no pad length", SL_H2_DATA, SL_H2_FLAG_PADDED, "", 0, SL_MALFORMED, ""},
    {"priority", SL_H2_HEADERS, SL_H2_FLAG_PRIORITY, "\0\0\0\1\20x", 6, SL_OK, "x"},
    {"priority cut", SL_H2_HEADERS, SL_H2_FLAG_PRIORITY, "\0\0\0\1", 4, SL_MALFORMED, ""},
    {"padded priority", SL_H2_HEADERS, SL_H2_FLAG_PRIORITY | SL_H2_FLAG_PADDED, "\1\0\0\0\1\20x\0",
     8, SL_OK, "x"},
    {"promise", SL_H2_PUSH_PROMISE, 0, "\0\0\0\2x", 5, SL_OK, "x"},
    {"flags of another type mean nothing", SL_H2_PING, SL_H2_FLAG_PADDED, "\7xxxxxxx", 8, SL_OK,
     "\7xxxxxxx"},
};

static void content_is_the_payload_without_padding_and_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof content_cases / sizeof content_cases[0]; i++) {
        const struct content_case *c = &content_cases[i];
        print_message("%s\n", c->name);
        struct sl_h2_frame_header header = {
            .length = (uint32_t)c->len, .type = c->type, .flags = c->flags, .stream = 1};
        struct sl_span content;
        assert_int_equal(sl_h2_frame_content(&header, sl_span(c->payload, c->len), &content),
                         c->status);
        test_span_is(content, c->content);
    }
}

static void writers_put_down_the_bytes_of_the_specification(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 256);
    const struct sl_h2_setting_pair pair = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 0x01020304};
    assert_int_equal(sl_h2_write_settings(&out, &pair, 1), SL_OK);
    assert_memory_equal(out.data, "\0\0\6\4\0\0\0\0\0\0\4\1\2\3\4", 15);
    sl_buf_clear(&out);
    assert_int_equal(sl_h2_write_settings_ack(&out), SL_OK);
    assert_memory_equal(out.data, "\0\0\0\4\1\0\0\0\0", 9);
    sl_buf_clear(&out);
    assert_int_equal(sl_h2_write_ping(&out, true, UINT64_C(0x0102030405060708)), SL_OK);
    assert_memory_equal(out.data, "\0\0\10\6\1\0\0\0\0\1\2\3\4\5\6\7\10", 17);
    sl_buf_clear(&out);
    assert_int_equal(sl_h2_write_window_update(&out, 3, 0x7fffffff), SL_OK);
    assert_memory_equal(out.data, "\0\0\4\10\0\0\0\0\3\x7f\xff\xff\xff", 13);
    sl_buf_clear(&out);
    assert_int_equal(sl_h2_write_rst_stream(&out, 5, SL_H2_CANCEL), SL_OK);
    assert_memory_equal(out.data, "\0\0\4\3\0\0\0\0\5\0\0\0\10", 13);
    sl_buf_clear(&out);
    assert_int_equal(sl_h2_write_goaway(&out, 7, SL_H2_NO_ERROR, sl_span_str("bye")), SL_OK);
    assert_memory_equal(out.data, "\0\0\13\7\0\0\0\0\0\0\0\0\7\0\0\0\0bye", 20);
    sl_buf_release(&out);
}

static void a_frame_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 12);
    assert_int_equal(sl_h2_write_frame(&out, SL_H2_DATA, 0, 1, sl_span_str("four")), SL_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(sl_h2_write_window_update(&out, 1, 1), SL_LIMIT);
    assert_int_equal(sl_h2_write_goaway(&out, 1, 1, sl_span_str("")), SL_LIMIT);
    assert_int_equal(out.len, 0);
    sl_buf_release(&out);
}

static void names_are_those_of_the_registries(void **state)
{
    (void)state;
    assert_string_equal(sl_h2_type_name(0), "DATA");
    assert_string_equal(sl_h2_type_name(9), "CONTINUATION");
    assert_null(sl_h2_type_name(10));
    assert_string_equal(sl_h2_error_name(0xb), "ENHANCE_YOUR_CALM");
    assert_null(sl_h2_error_name(0xe));
    assert_string_equal(sl_h2_setting_name(4), "INITIAL_WINDOW_SIZE");
    assert_null(sl_h2_setting_name(7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_header_asks_for_more),
        cmocka_unit_test(a_header_reads_back_as_it_was_written),
        cmocka_unit_test(content_is_the_payload_without_padding_and_fields),
        cmocka_unit_test(writers_put_down_the_bytes_of_the_specification),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(names_are_those_of_the_registries),
    };
    return cmocka_run_group_tests_name("wire/h2_frame", tests, NULL, NULL);
}
