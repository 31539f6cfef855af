/* SPDX-License-Identifier: Apache-2.0 */
/* The declared rules of SendMessage: request id, fill, dedup, validation. */
#include "reference-server/chat/refusal.h"
#include "reference-server/chat/siphash.h"
#include "tests/unit/server/driver.h"

static const struct srv_message usual = {.message_id = {(const uint8_t *)"m", 1},
                                         .room_id = {(const uint8_t *)"r", 1},
                                         .text = {(const uint8_t *)"t", 1},
                                         .created_at = 1};

static struct srv_answer send(struct driver *driver, const struct srv_message *message)
{
    return driver_send_frame(driver, srv_message_encode(message));
}

static struct srv_message heard(struct driver *driver, struct srv_stream *stream,
                                struct srv_frame **ret_frame)
{
    struct srv_message message = {0};
    struct srv_pulled pulled;
    driver->now_ns += SL_MS;
    assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_FRAME);
    assert_true(srv_message_decode(srv_frame_span(pulled.frame), &message));
    *ret_frame = pulled.frame;
    return message;
}

static void a_request_id_is_echoed_or_new(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_frame *frame = srv_message_encode(&usual);
    const struct srv_unary unary = {.request_id = sl_span_str("trace-7")};
    struct srv_answer answer = srv_send_message(&driver.chat, &frame, &unary);
    test_span_is(srv_frame_span(answer.request_id), "trace-7");
    test_span_is(sl_span_first(srv_frame_span(answer.reply), 9), "\x0a\x07trace-7");
    driver_drop(answer);
    srv_frame_unref(frame);
    struct srv_answer one = send(&driver, &usual);
    struct srv_answer two = send(&driver, &usual);
    assert_int_equal(one.request_id->len, SRV_ID_MAX - 1);
    assert_memory_equal(one.request_id->data, one.reply->data + 2, one.request_id->len);
    assert_memory_not_equal(one.request_id->data, two.request_id->data, one.request_id->len);
    driver_drop(one);
    driver_drop(two);
    driver_release(&driver);
}

static void empty_fields_are_filled_and_others_left_alone(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_frame *frames[4];
    driver_init(&driver, NULL);
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    struct srv_message message = usual;
    message.message_id = sl_span(NULL, 0);
    message.created_at = 0;
    driver_drop(send(&driver, &message));
    driver_drop(send(&driver, &message));
    message.message_id = sl_span_str("own");
    driver_drop(send(&driver, &message));
    /* A field that is not known here goes on to the subscribers: number 15, varint 1. */
    driver_drop(driver_send_frame(
        &driver, srv_frame_copy(sl_span_str("\x12\x01r\x22\x01t\x28\x07\x78\x01"))));
    struct srv_message first = heard(&driver, stream, &frames[0]);
    struct srv_message second = heard(&driver, stream, &frames[1]);
    struct srv_message third = heard(&driver, stream, &frames[2]);
    struct srv_message fourth = heard(&driver, stream, &frames[3]);
    assert_int_equal(first.message_id.len, SRV_ID_MAX - 1);
    assert_false(sl_span_equal(first.message_id, second.message_id));
    assert_true(first.created_at == TEST_UNIX_MS);
    test_span_is(third.message_id, "own");
    assert_true(third.created_at == TEST_UNIX_MS);
    assert_true(fourth.created_at == 7);
    assert_true(fourth.message_id.len > 0);
    assert_non_null(memmem(frames[3]->data, frames[3]->len, "\x78\x01", 2));
    for (size_t i = 0; i < 4; i++) {
        srv_frame_unref(frames[i]);
    }
    stream->ops->close(stream);
    driver_release(&driver);
}

static void a_repeated_message_is_accepted_and_heard_once(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    struct srv_stream *other = driver_subscribe(&driver, "rm", TEST_FAST_HZ);
    for (unsigned i = 0; i < 3; i++) {
        struct srv_answer answer = send(&driver, &usual);
        test_span_is(sl_span_from(srv_frame_span(answer.reply), SRV_ID_MAX + 1), "\x10\x01");
        driver_drop(answer);
    }
    assert_string_equal(driver_drain(&driver, stream), "t");
    struct srv_message message = usual;
    message.room_id = sl_span_str("rm"); /* "r" + "mm" and "rm" + "m" are not the same */
    driver_drop(send(&driver, &message));
    assert_string_equal(driver_drain(&driver, other), "t");
    message.room_id = sl_span_str("r");
    message.message_id = sl_span_str("mm");
    driver_drop(send(&driver, &message));
    assert_string_equal(driver_drain(&driver, stream), "t");
    driver.now_ns += SRV_DEDUP_NS;
    driver_drop(send(&driver, &usual));
    assert_string_equal(driver_drain(&driver, stream), "t");
    stream->ops->close(stream);
    other->ops->close(other);
    driver_release(&driver);
}

static void the_window_forgets_its_oldest_and_nothing_else(void **state)
{
    (void)state;
    const uint8_t key[SRV_DEDUP_KEY] = {1};
    struct srv_dedup dedup;
    srv_dedup_init(&dedup, key);
    for (uint32_t i = 0; i < 3 * SRV_DEDUP_WINDOW; i++) {
        assert_false(srv_dedup_seen(&dedup, sl_span_str("r"), sl_span(&i, sizeof(i)), i));
    }
    uint32_t oldest = 2 * SRV_DEDUP_WINDOW;
    for (uint32_t i = oldest; i < 3 * SRV_DEDUP_WINDOW; i++) {
        assert_true(srv_dedup_seen(&dedup, sl_span_str("r"), sl_span(&i, sizeof(i)), 0));
    }
    uint32_t forgotten = oldest - 1;
    assert_false(
        srv_dedup_seen(&dedup, sl_span_str("r"), sl_span(&forgotten, sizeof(forgotten)), 0));
    assert_false(srv_dedup_seen(&dedup, sl_span_str("r"), sl_span(&oldest, sizeof(oldest)), 0));
    srv_dedup_release(&dedup);
}

struct room_case {
    const char *room;
    size_t len;
    bool is_valid;
};

static void room_ids_are_checked_as_the_contract_says(void **state)
{
    (void)state;
    char longest[SRV_ROOM_ID_MAX + 1];
    memset(longest, 'r', sizeof(longest));
    const struct room_case cases[] = {
        {"r", 1, true},
        {longest, SRV_ROOM_ID_MAX, true},
        {longest, SRV_ROOM_ID_MAX + 1, false},
        {"a\0b", 3, false},
        {"\x1f", 1, false},
        {"\x7f", 1, false},
        {"\x20\x7e", 2, true},
        {"\xc2\x80", 2, true}, /* U+0080 is none of those */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        driver_init(&driver, NULL);
        struct srv_message message = usual;
        message.room_id = sl_span(cases[i].room, cases[i].len);
        struct srv_answer answer = send(&driver, &message);
        assert_int_equal(answer.status, cases[i].is_valid ? SL_GRPC_OK : SL_GRPC_INVALID_ARGUMENT);
        assert_int_equal(answer.details == NULL, cases[i].is_valid);
        driver_drop(answer);
        message.text = sl_span(NULL, 0);
        answer = send(&driver, &message);
        assert_int_equal(answer.status, SL_GRPC_OK); /* SEND-02 comes first */
        driver_drop(answer);
        driver_release(&driver);
    }
}

/* The reference vectors of SipHash with 128 bits: key 00 01 ... 0f, input 00 01 ... */
static void the_hash_is_siphash_2_4_128(void **state)
{
    (void)state;
    uint8_t key[16];
    uint8_t input[16];
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = input[i] = i;
    }
    struct srv_siphash none = srv_siphash(key, sl_span(input, 0));
    assert_true(none.low == UINT64_C(0xe6a825ba047f81a3));
    assert_true(none.high == UINT64_C(0x930255c71472f66d));
    struct srv_siphash one = srv_siphash(key, sl_span(input, 1));
    assert_true(one.low == UINT64_C(0x44af996bd8c187da));
    assert_true(one.high == UINT64_C(0x45fc229b11597634));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_id_is_echoed_or_new),
        cmocka_unit_test(empty_fields_are_filled_and_others_left_alone),
        cmocka_unit_test(a_repeated_message_is_accepted_and_heard_once),
        cmocka_unit_test(the_window_forgets_its_oldest_and_nothing_else),
        cmocka_unit_test(room_ids_are_checked_as_the_contract_says),
        cmocka_unit_test(the_hash_is_siphash_2_4_128),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
