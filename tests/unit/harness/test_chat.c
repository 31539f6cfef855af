/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/chat.h"
#include "tests/support/cmocka_all.h"

static void every_wrong_byte_of_a_stamp_is_seen(void **state)
{
    (void)state;
    static const char good[] = "sl1:0189abcf:0f9a:fedcba98:0123456789abcdef;";
    struct har_stamp stamp;
    assert_int_equal(sizeof(good) - 1, HAR_STAMP_SIZE);
    assert_true(har_stamp_read(sl_span_str(good), &stamp));
    assert_int_equal(stamp.run, 0x0189abcf);
    assert_int_equal(stamp.publisher, 0x0f9a);
    assert_int_equal(stamp.sequence, 0xfedcba98);
    assert_true(stamp.time_ns == 0x0123456789abcdef);
    for (size_t i = 0; i < HAR_STAMP_SIZE; i++) {
        bool is_digit = good[i] != ':' && good[i] != ';' && i > 3;
        for (unsigned c = 0; c < 256; c++) {
            char text[sizeof(good)];
            memcpy(text, good, sizeof(good));
            text[i] = (char)c;
            bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            bool is_good = is_digit ? is_hex : c == (unsigned char)good[i];
            assert_int_equal(har_stamp_read(sl_span(text, HAR_STAMP_SIZE), &stamp), is_good);
        }
    }
}

static void a_stamp_has_one_width_and_reads_back(void **state)
{
    (void)state;
    static const struct har_stamp stamps[] = {
        {0, 0, 0, 0},
        {1, 2, 3, 4},
        {UINT32_MAX, UINT16_MAX, UINT32_MAX, UINT64_MAX},
    };
    for (size_t i = 0; i < 3; i++) {
        struct sl_buf text;
        struct har_stamp back;
        sl_buf_init(&text, 100);
        har_stamp_write(&text, &stamps[i]);
        assert_int_equal(text.len, HAR_STAMP_SIZE);
        assert_true(har_stamp_read(sl_buf_span(&text), &back));
        assert_memory_equal(&back, &stamps[i], sizeof(uint32_t));
        assert_int_equal(back.publisher, stamps[i].publisher);
        assert_int_equal(back.sequence, stamps[i].sequence);
        assert_true(back.time_ns == stamps[i].time_ns);
        for (size_t len = 0; len < text.len; len++) {
            assert_false(har_stamp_read(sl_span_first(sl_buf_span(&text), len), &back));
        }
        text.data[20] = 'G';
        assert_false(har_stamp_read(sl_buf_span(&text), &back));
        sl_buf_release(&text);
    }
}

static void a_message_keeps_nul_and_every_number(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 9007199254740993};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct har_message message = {
            .room_id = sl_span("a\0b", 3), .text = sl_span_str("text"), .created_at = numbers[i]};
        struct har_message back;
        struct sl_buf bytes;
        sl_buf_init(&bytes, 1000);
        har_message_write(&bytes, &message);
        assert_int_equal(har_message_read(sl_buf_span(&bytes), &back), SL_OK);
        assert_true(sl_span_equal(back.room_id, message.room_id));
        assert_true(sl_span_equal(back.text, message.text));
        assert_int_equal(back.message_id.len, 0);
        assert_true(back.created_at == numbers[i]);
        sl_buf_release(&bytes);
    }
}

static void reads_no_message_out_of_broken_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\x0a", 1}, /* no length */
        {"\x0a\x05"
         "ab",
         4},              /* cut */
        {"\x08\x01", 2},  /* message_id as varint */
        {"\x2a\x01x", 3}, /* created_at as bytes */
        {"\x00\x00", 2},  /* field 0 */
        {"\x0b", 1},      /* a group */
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_message message;
        assert_int_equal(har_message_read(sl_span(cases[i].bytes, cases[i].len), &message),
                         SL_MALFORMED);
    }
}

static void unknown_fields_are_passed_over(void **state)
{
    (void)state;
    struct har_reply reply;
    struct har_command command;
    static const char bytes[] = "\x32\x01x\x10\x01\x1a\x02no\x39"
                                "12345678"
                                "\x45"
                                "1234";
    assert_int_equal(har_reply_read(sl_span(bytes, sizeof(bytes) - 1), &reply), SL_OK);
    assert_true(reply.is_accepted);
    test_span_is(reply.reason, "no");
    assert_int_equal(har_command_read(sl_span("\x08\x02\x12\x05"
                                              "ack:x",
                                              9),
                                      &command),
                     SL_OK);
    assert_int_equal(command.type, HAR_COMMAND_REDIRECT);
    test_span_is(command.payload, "ack:x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stamp_has_one_width_and_reads_back),
        cmocka_unit_test(every_wrong_byte_of_a_stamp_is_seen),
        cmocka_unit_test(a_message_keeps_nul_and_every_number),
        cmocka_unit_test(reads_no_message_out_of_broken_bytes),
        cmocka_unit_test(unknown_fields_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
