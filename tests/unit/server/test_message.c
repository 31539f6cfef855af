/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/message.h"

#include "lib/base/alloc.h"
#include "reference-server/chat/pb.h"
#include "tests/support/cmocka_all.h"

#define BYTES(text) sl_span(text, sizeof(text) - 1)

static void a_message_survives_the_way_there_and_back(void **state)
{
    (void)state;
    static const int64_t times[] = {0, 1, -1, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const struct srv_message message = {
            .message_id = BYTES("a\0b"),
            .room_id = BYTES("r\xc3\xa9"),
            .user_id = BYTES(""),
            .text = BYTES("\0"),
            .created_at = times[i],
        };
        struct srv_message back;
        struct srv_frame *frame = srv_message_encode(&message);
        assert_true(srv_message_decode(srv_frame_span(frame), &back));
        assert_true(sl_span_equal(back.message_id, message.message_id));
        assert_true(sl_span_equal(back.room_id, message.room_id));
        assert_true(sl_span_equal(back.user_id, message.user_id));
        assert_true(sl_span_equal(back.text, message.text));
        assert_true(back.created_at == times[i]);
        srv_frame_unref(frame);
    }
}

static void assert_same(const struct srv_message *one, const struct srv_message *other)
{
    assert_true(sl_span_equal(one->message_id, other->message_id));
    assert_true(sl_span_equal(one->room_id, other->room_id));
    assert_true(sl_span_equal(one->user_id, other->user_id));
    assert_true(sl_span_equal(one->text, other->text));
    assert_true(one->created_at == other->created_at);
}

static void an_amended_message_is_what_its_bytes_say(void **state)
{
    (void)state;
    char long_id[200]; /* a length of two bytes */
    memset(long_id, 'i', sizeof(long_id));
    const struct sl_span originals[] = {
        BYTES(""),
        BYTES("\x12\x01r\x22\x01t"),
        BYTES("\x0a\x01i\x0a\x00\x12\x01r\x22\x01t\x28\x07\x28\x00"),
        BYTES("\x0a\x03old\x12\x01r\x1a\x01u\x22\x01t\x28\x07\x98\x06\x07"),
    };
    const struct sl_span ids[] = {BYTES(""), BYTES("n\0w"), sl_span(long_id, sizeof(long_id))};
    static const int64_t times[] = {0, 1, 127, 128, -1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(originals) / sizeof(originals[0]); i++) {
        for (size_t id = 0; id < sizeof(ids) / sizeof(ids[0]); id++) {
            for (size_t at = 0; at < sizeof(times) / sizeof(times[0]); at++) {
                struct srv_message message;
                struct srv_message decoded;
                struct srv_frame *frame = srv_frame_copy(originals[i]);
                assert_true(srv_message_decode(srv_frame_span(frame), &message));
                struct sl_span expected_id = ids[id].len > 0 ? ids[id] : message.message_id;
                int64_t expected_time = times[at] != 0 ? times[at] : message.created_at;
                struct srv_frame *amended = srv_message_amend(frame, ids[id], times[at], &message);
                assert_true(sl_span_equal(message.message_id, expected_id));
                assert_true(message.created_at == expected_time);
                srv_frame_unref(frame); /* message borrows the new one only */
                assert_true(srv_message_decode(srv_frame_span(amended), &decoded));
                assert_same(&message, &decoded);
                srv_frame_unref(amended);
            }
        }
    }
}

struct decode_case {
    const char *name;
    struct sl_span bytes;
    bool is_valid;
    const char *text; /* that was read */
};

static void decoding_is_as_protobuf_says(void **state)
{
    (void)state;
    const struct decode_case cases[] = {
        {"empty", BYTES(""), true, ""},
        {"the last of a repeated field wins",
         BYTES("\x22\x01"
               "a\x22\x01"
               "b"),
         true, "b"},
        {"an unknown field is passed over", BYTES("\x98\x06\x07\x22\x01t"), true, "t"},
        {"a known field of another wire type is unknown", BYTES("\x20\x05\x22\x01t"), true, "t"},
        {"fixed fields are passed over",
         BYTES("\x31"
               "12345678\x35"
               "1234\x22\x01t"),
         true, "t"},
        {"a group is passed over", BYTES("\x33\x08\x01\x3b\x3c\x34\x22\x01t"), true, "t"},
        {"a group must be ended", BYTES("\x33\x08\x01"), false, ""},
        {"a group ends by its own number", BYTES("\x33\x3c"), false, ""},
        {"no group ends that was not begun", BYTES("\x34"), false, ""},
        {"field 0", BYTES("\x02\x01x"), false, ""},
        {"wire type 6", BYTES("\x0e"), false, ""},
        {"a field number past the largest", BYTES("\x82\x80\x80\x80\x10\x00"), false, ""},
        {"a length past the end", BYTES("\x22\x05t"), false, ""},
        {"a length of 2^64-1", BYTES("\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01t"), false, ""},
        {"a varint without an end", BYTES("\x28\xff"), false, ""},
        {"a varint of eleven bytes", BYTES("\x28\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
         false, ""},
        {"not UTF-8", BYTES("\x22\x02\xc3\x28"), false, ""},
        {"a surrogate", BYTES("\x0a\x03\xed\xa0\x80"), false, ""},
        {"not UTF-8 in an unknown field", BYTES("\x32\x01\xff\x22\x01t"), true, "t"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct srv_message message;
        print_message("%s\n", cases[i].name);
        assert_int_equal(srv_message_decode(cases[i].bytes, &message), cases[i].is_valid);
        if (cases[i].is_valid) {
            test_span_is(message.text, cases[i].text);
        }
    }
}

static void groups_are_followed_to_a_bound(void **state)
{
    (void)state;
    for (size_t depth = 1; depth <= SRV_PB_DEPTH_MAX + 1; depth++) {
        struct sl_buf buf;
        struct srv_message message;
        sl_buf_init(&buf, 1000);
        for (size_t i = 0; i < depth; i++) {
            (void)sl_buf_add_u8(&buf, 0x33);
        }
        for (size_t i = 0; i < depth; i++) {
            (void)sl_buf_add_u8(&buf, 0x34);
        }
        assert_int_equal(srv_message_decode(sl_buf_span(&buf), &message),
                         depth <= SRV_PB_DEPTH_MAX);
        sl_buf_release(&buf);
    }
}

static void every_truncation_is_read_within_its_bounds(void **state)
{
    (void)state;
    const struct sl_span whole = BYTES("\x0a\x02id\x12\x04room\x33\x3b\x08\x01\x3c\x34\x22\x04text"
                                       "\x28\x80\x80\x01\x31"
                                       "12345678");
    for (size_t len = 0; len <= whole.len; len++) {
        struct srv_message message;
        uint8_t *piece = sl_alloc(len); /* exact, so that a read past the end is caught */
        memcpy(piece, whole.data, len);
        bool is_valid = srv_message_decode(sl_span(piece, len), &message);
        assert_true(is_valid || len < whole.len);
        sl_free(piece);
    }
}

static void a_subscription_has_a_signed_rate(void **state)
{
    (void)state;
    struct srv_subscription subscription;
    assert_true(srv_subscription_decode(
        BYTES("\x0a\x01r\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &subscription));
    assert_int_equal(subscription.max_rate_hz, -1);
    test_span_is(subscription.room_id, "r");
    assert_true(srv_subscription_decode(BYTES("\x10\xff\xff\xff\xff\x07"), &subscription));
    assert_int_equal(subscription.max_rate_hz, INT32_MAX);
    assert_false(srv_subscription_decode(BYTES("\x0a\x01\xff"), &subscription));
}

static void answers_are_encoded_as_the_contract_says(void **state)
{
    (void)state;
    struct srv_frame *frame = srv_action_encode(sl_span_str(""), true, "");
    test_span_is(srv_frame_span(frame), "\x10\x01");
    srv_frame_unref(frame);
    frame = srv_action_encode(sl_span_str("id"), false, "no");
    test_span_is(srv_frame_span(frame), "\x0a\x02id\x1a\x02no");
    srv_frame_unref(frame);
    frame = srv_command_encode(SRV_COMMAND_REDIRECT, "ack:", sl_span_str("7"));
    test_span_is(srv_frame_span(frame), "\x08\x02\x12\x05"
                                        "ack:7");
    srv_frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_survives_the_way_there_and_back),
        cmocka_unit_test(an_amended_message_is_what_its_bytes_say),
        cmocka_unit_test(decoding_is_as_protobuf_says),
        cmocka_unit_test(groups_are_followed_to_a_bound),
        cmocka_unit_test(every_truncation_is_read_within_its_bounds),
        cmocka_unit_test(a_subscription_has_a_signed_rate),
        cmocka_unit_test(answers_are_encoded_as_the_contract_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
