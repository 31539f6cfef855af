/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rd.h"
#include "tests/support/cmocka_all.h"

static const uint8_t counting[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static void integers_are_read_in_both_byte_orders(void **state)
{
    (void)state;
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(counting, sizeof counting));
    assert_int_equal(sl_rd_u8(&rd), 1);
    assert_int_equal(sl_rd_be16(&rd), 0x0203);
    assert_int_equal(sl_rd_be24(&rd), 0x040506);
    assert_int_equal(sl_rd_be32(&rd), 0x0708090a);
    assert_int_equal(sl_rd_le16(&rd), 0x0c0b);
    assert_int_equal(sl_rd_le32(&rd), 0x100f0e0d);
    assert_true(sl_rd_ok(&rd));
    assert_int_equal(sl_rd_left(&rd), 0);
    sl_rd_init(&rd, sl_span(counting, sizeof counting));
    assert_true(sl_rd_be64(&rd) == UINT64_C(0x0102030405060708));
    assert_true(sl_rd_le64(&rd) == UINT64_C(0x100f0e0d0c0b0a09));
    assert_true(sl_rd_ok(&rd));
}

static void stays_failed_after_a_short_read(void **state)
{
    (void)state;
    for (size_t len = 0; len < 8; len++) {
        struct sl_rd rd;
        sl_rd_init(&rd, sl_span(counting, len));
        assert_true(sl_rd_be64(&rd) == 0);
        assert_false(sl_rd_ok(&rd));
        assert_int_equal(sl_rd_u8(&rd), 0);
        assert_int_equal(sl_rd_left(&rd), 0);
        assert_int_equal(sl_rd_take(&rd, 1).len, 0);
        assert_int_equal(sl_rd_rest(&rd).len, 0);
        assert_false(sl_rd_ok(&rd));
    }
}

static void spans_are_taken_in_place(void **state)
{
    (void)state;
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(counting, sizeof counting));
    struct sl_span first = sl_rd_take(&rd, 3);
    assert_ptr_equal(first.data, counting);
    assert_int_equal(first.len, 3);
    struct sl_span rest = sl_rd_rest(&rd);
    assert_ptr_equal(rest.data, counting + 3);
    assert_int_equal(rest.len, sizeof counting - 3);
    assert_int_equal(sl_rd_take(&rd, 0).len, 0);
    assert_true(sl_rd_ok(&rd));
    (void)sl_rd_take(&rd, SIZE_MAX);
    assert_false(sl_rd_ok(&rd));
}

struct varint_case {
    const char *name;
    const char *bytes;
    size_t len;
    uint64_t value;
    bool is_good;
};

static void varints_are_at_most_ten_bytes(void **state)
{
    (void)state;
    static const struct varint_case cases[] = {
        {"zero", "\0", 1, 0, true},
        {"two bytes", "\xac\x02", 2, 300, true},
        {"not minimal", "\x80\x80\0", 3, 0, true},
        {"largest", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, true},
        {"bits past 64", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, UINT64_MAX, true},
        {"eleven bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0", 11, 0, false},
        {"cut", "\x80\x80", 2, 0, false},
        {"empty", "", 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].name);
        struct sl_rd rd;
        sl_rd_init(&rd, sl_span(cases[i].bytes, cases[i].len));
        assert_true(sl_rd_varint(&rd) == cases[i].value);
        assert_int_equal(sl_rd_ok(&rd), cases[i].is_good);
        assert_int_equal(sl_rd_left(&rd), 0);
    }
}

static void a_decoder_can_fail_its_reader(void **state)
{
    (void)state;
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(counting, sizeof counting));
    sl_rd_fail(&rd);
    assert_false(sl_rd_ok(&rd));
    assert_int_equal(sl_rd_left(&rd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_in_both_byte_orders),
        cmocka_unit_test(stays_failed_after_a_short_read),
        cmocka_unit_test(spans_are_taken_in_place),
        cmocka_unit_test(varints_are_at_most_ten_bytes),
        cmocka_unit_test(a_decoder_can_fail_its_reader),
    };
    return cmocka_run_group_tests_name("base/rd", tests, NULL, NULL);
}
