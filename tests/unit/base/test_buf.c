/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "tests/support/cmocka_all.h"

static void grows_to_its_maximum_and_not_past_it(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max += 37) {
        struct sl_buf buf;
        sl_buf_init(&buf, max);
        for (size_t i = 0; i < max; i++) {
            assert_int_equal(sl_buf_add_u8(&buf, (uint8_t)i), SL_OK);
        }
        assert_false(buf.is_full);
        assert_int_equal(sl_buf_add_u8(&buf, 1), SL_LIMIT);
        assert_int_equal(buf.len, max);
        assert_true(buf.is_full);
        for (size_t i = 0; i < max; i++) {
            assert_int_equal(buf.data[i], (uint8_t)i);
        }
        sl_buf_release(&buf);
    }
}

static void a_refused_append_changes_nothing_but_is_full(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 4);
    assert_int_equal(sl_buf_add_str(&buf, "abc"), SL_OK);
    assert_int_equal(sl_buf_add_be16(&buf, 1), SL_LIMIT);
    assert_int_equal(sl_buf_addf(&buf, "%d", 12), SL_LIMIT);
    assert_null(sl_buf_reserve(&buf, SIZE_MAX));
    test_span_is(sl_buf_span(&buf), "abc");
    assert_int_equal(sl_buf_addf(&buf, "%d", 1), SL_OK);
    assert_true(buf.is_full);
    sl_buf_clear(&buf);
    assert_false(buf.is_full);
    assert_int_equal(buf.len, 0);
    sl_buf_release(&buf);
}

static void integers_are_written_in_both_byte_orders(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 64);
    assert_int_equal(sl_buf_add_be16(&buf, 0x0102), SL_OK);
    assert_int_equal(sl_buf_add_be24(&buf, 0x030405), SL_OK);
    assert_int_equal(sl_buf_add_be32(&buf, 0x06070809), SL_OK);
    assert_int_equal(sl_buf_add_be64(&buf, UINT64_C(0x0a0b0c0d0e0f1011)), SL_OK);
    assert_int_equal(sl_buf_add_le16(&buf, 0x1312), SL_OK);
    assert_int_equal(sl_buf_add_le32(&buf, 0x17161514), SL_OK);
    assert_int_equal(sl_buf_add_le64(&buf, UINT64_C(0x1f1e1d1c1b1a1918)), SL_OK);
    assert_int_equal(buf.len, 31);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.data[i], i + 1);
    }
    sl_buf_release(&buf);
}

static void varints_take_seven_bits_a_byte(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 64);
    assert_int_equal(sl_buf_add_varint(&buf, 0), SL_OK);
    assert_int_equal(sl_buf_add_varint(&buf, 127), SL_OK);
    assert_int_equal(sl_buf_add_varint(&buf, 300), SL_OK);
    assert_int_equal(sl_buf_add_varint(&buf, UINT64_MAX), SL_OK);
    assert_int_equal(buf.len, 14);
    assert_memory_equal(buf.data, "\0\x7f\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14);
    sl_buf_release(&buf);
}

static void consume_and_truncate_cut_either_end(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 16);
    assert_int_equal(sl_buf_add_str(&buf, "0123456789"), SL_OK);
    sl_buf_consume(&buf, 3);
    test_span_is(sl_buf_span(&buf), "3456789");
    sl_buf_truncate(&buf, 2);
    test_span_is(sl_buf_span(&buf), "34");
    sl_buf_consume(&buf, 99);
    assert_int_equal(buf.len, 0);
    sl_buf_release(&buf);
}

static void the_text_is_terminated_even_when_full(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 3);
    assert_string_equal(sl_buf_str(&buf), "");
    assert_int_equal(sl_buf_add_str(&buf, "abc"), SL_OK);
    assert_string_equal(sl_buf_str(&buf), "abc");
    size_t len = 0;
    char *taken = (char *)sl_buf_take(&buf, &len);
    assert_string_equal(taken, "abc");
    assert_int_equal(len, 3);
    assert_int_equal(buf.len, 0);
    assert_int_equal(sl_buf_add_str(&buf, "def"), SL_OK);
    sl_free(taken);
    sl_buf_release(&buf);
    sl_buf_release(NULL);
    struct sl_buf zeroed = {0};
    assert_string_equal(sl_buf_str(&zeroed), "");
    sl_buf_release(&zeroed);
}

static void a_reserved_part_counts_when_it_is_committed(void **state)
{
    (void)state;
    struct sl_buf buf;
    sl_buf_init(&buf, 8);
    uint8_t *room = sl_buf_reserve(&buf, 5);
    assert_non_null(room);
    memcpy(room, "hello", 5);
    assert_int_equal(buf.len, 0);
    sl_buf_commit(&buf, 4);
    test_span_is(sl_buf_span(&buf), "hell");
    sl_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_to_its_maximum_and_not_past_it),
        cmocka_unit_test(a_refused_append_changes_nothing_but_is_full),
        cmocka_unit_test(integers_are_written_in_both_byte_orders),
        cmocka_unit_test(varints_take_seven_bits_a_byte),
        cmocka_unit_test(consume_and_truncate_cut_either_end),
        cmocka_unit_test(the_text_is_terminated_even_when_full),
        cmocka_unit_test(a_reserved_part_counts_when_it_is_committed),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
