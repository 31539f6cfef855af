/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"

#include "lib/base/hex.h"
#include "lib/schema/proto_rd.h"

static void counts_records_and_refuses_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        ptrdiff_t count;
    } cases[] = {
        {"nothing", "", 0},
        {"a varint", "0801", 1},
        {"a varint of ten bytes", "08ffffffffffffffffff01", 1},
        {"a varint of eleven bytes", "08ffffffffffffffffffff01", -1},
        {"a varint cut short", "0880", -1},
        {"fixed64", "090102030405060708", 1},
        {"fixed64 cut short", "0901020304050607", -1},
        {"fixed32", "0d01020304", 1},
        {"fixed32 cut short", "0d010203", -1},
        {"a payload", "0a0161", 1},
        {"an empty payload", "0a00", 1},
        {"a payload cut short", "0a0261", -1},
        {"a length of 2^63", "0a80808080808080808001", -1},
        {"field number 0", "0001", -1},
        {"the largest field number", "f8ffffff0f01", 1},
        {"a tag of 33 bits", "f8ffffff1f01", -1},
        {"wire type 6", "0e", -1},
        {"wire type 7", "0f", -1},
        {"a group", "0b08010c", 1},
        {"an empty group", "0b0c", 1},
        {"a group in a group", "0b13140c", 1},
        {"a group's end alone", "0c", -1},
        {"a group ended by another number", "0b14", -1},
        {"a group without its end", "0b0801", -1},
        {"a group with a record cut short", "0b0a0261", -1},
        {"groups that cross", "0b130c14", -1},
        {"several", "08010a01610b0c0d00000000", 4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf bytes;
        sl_buf_init(&bytes, 1024);
        assert_int_equal(sl_hex_decode(sl_span_str(cases[i].hex), &bytes), SL_OK);
        ptrdiff_t count = sl_proto_rd_count(sl_buf_span(&bytes));
        if (count != cases[i].count) {
            fail_msg("%s: %td records", cases[i].name, count);
        }
        sl_buf_release(&bytes);
    }
}

static void gives_number_value_and_place(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x10, 0x96, 0x01, 0x1b, 0x08, 0x05, 0x1c, 0x22, 0x02, 'h', 'i'};
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, sl_span(bytes, sizeof(bytes)));
    assert_true(sl_proto_rd_next(&rd, &record));
    assert_int_equal(record.number, 2);
    assert_int_equal(record.wire, SL_WIRE_VARINT);
    assert_int_equal(record.value, 150);
    assert_true(sl_proto_rd_next(&rd, &record));
    assert_int_equal(record.number, 3);
    assert_int_equal(record.wire, SL_WIRE_GROUP);
    assert_int_equal(record.bytes.len, 2);
    assert_ptr_equal(record.bytes.data, bytes + 4);
    assert_ptr_equal(record.start, bytes + 3);
    assert_true(sl_proto_rd_next(&rd, &record));
    test_span_is(record.bytes, "hi");
    assert_false(sl_proto_rd_next(&rd, &record));
    assert_true(sl_rd_ok(&rd));
}

static void bounds_how_deep_groups_nest(void **state)
{
    (void)state;
    uint8_t bytes[2 * (SL_PROTO_GROUPS_MAX + 1)];
    for (size_t depth = SL_PROTO_GROUPS_MAX; depth <= SL_PROTO_GROUPS_MAX + 1; depth++) {
        memset(bytes, 0x0b, depth);
        memset(bytes + depth, 0x0c, depth);
        ptrdiff_t wanted = depth <= SL_PROTO_GROUPS_MAX ? 1 : -1;
        assert_int_equal(sl_proto_rd_count(sl_span(bytes, 2 * depth)), wanted);
    }
}

static void undoes_zigzag(void **state)
{
    (void)state;
    assert_int_equal(sl_proto_rd_zigzag(0), 0);
    assert_int_equal(sl_proto_rd_zigzag(1), -1);
    assert_int_equal(sl_proto_rd_zigzag(2), 1);
    assert_true(sl_proto_rd_zigzag(UINT64_MAX) == INT64_MIN);
    assert_true(sl_proto_rd_zigzag(UINT64_MAX - 1) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_records_and_refuses_what_is_none),
        cmocka_unit_test(gives_number_value_and_place),
        cmocka_unit_test(bounds_how_deep_groups_nest),
        cmocka_unit_test(undoes_zigzag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
