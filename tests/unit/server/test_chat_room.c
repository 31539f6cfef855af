/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/pb.h"
#include "tests/unit/server/driver.h"

#define INTERVAL (10 * SL_SECOND)

static void receive_id(struct driver *driver, struct srv_stream *stream, const char *id)
{
    const struct srv_message message = {.message_id = sl_span_str(id), .text = sl_span_str("t")};
    struct srv_frame *frame = srv_message_encode(&message);
    stream->ops->receive(stream, frame, driver->now_ns);
    srv_frame_unref(frame);
}

/* The payloads that the stream gives now, as "ack:1 ping"; "end N" at the end. */
static const char *take(struct driver *driver, struct srv_stream *stream)
{
    struct srv_pulled pulled;
    char *out = driver->text;
    out[0] = '\0';
    for (;;) {
        size_t len = strlen(out);
        const char *gap = len == 0 ? "" : " ";
        enum srv_pull pull = stream->ops->pull(stream, driver->now_ns, &pulled);
        if (pull == SRV_PULL_WAIT) {
            return out;
        }
        if (pull == SRV_PULL_END) {
            (void)snprintf(out + len, TEST_TEXT_MAX - len, "%send %d", gap, (int)pulled.status);
            return out;
        }
        struct sl_rd rd;
        struct srv_pb_field field = {0};
        sl_rd_init(&rd, srv_frame_span(pulled.frame));
        while (srv_pb_next(&rd, &field)) {
        }
        (void)snprintf(out + len, TEST_TEXT_MAX - len, "%s%.*s", gap, SL_SPAN_ARG(field.bytes));
        srv_frame_unref(pulled.frame);
        stream->ops->sent(stream, driver->now_ns);
    }
}

static void acks_come_in_order_and_ok_after_the_half_close(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
    assert_string_equal(take(&driver, stream), "");
    receive_id(&driver, stream, "1");
    receive_id(&driver, stream, "");
    assert_string_equal(take(&driver, stream), "ack:1 ack:");
    receive_id(&driver, stream, "3");
    stream->ops->half_close(stream, driver.now_ns);
    assert_string_equal(take(&driver, stream), "ack:3 end 0");
    stream->ops->close(stream);
    driver_release(&driver);
}

static void pings_come_at_whole_intervals_idle_or_busy(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_pulled pulled;
    driver_init(&driver, NULL);
    uint64_t start = driver.now_ns;
    struct srv_stream *stream = srv_chat_room_open(&driver.chat, start);
    assert_int_equal(stream->ops->pull(stream, start, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, start + INTERVAL);
    driver.now_ns = start + INTERVAL - 1;
    assert_string_equal(take(&driver, stream), "");
    driver.now_ns = start + INTERVAL;
    assert_string_equal(take(&driver, stream), "ping");
    driver.now_ns = start + 2 * INTERVAL + SL_SECOND; /* a second late */
    receive_id(&driver, stream, "1");
    assert_string_equal(take(&driver, stream), "ping ack:1");
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, start + 3 * INTERVAL);
    driver.now_ns = start + 7 * INTERVAL; /* blocked for long: not made up */
    assert_string_equal(take(&driver, stream), "ping");
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, start + 8 * INTERVAL);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void reading_stops_while_too_many_acks_wait(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
    for (int i = 0; i < SRV_ACKS_MAX; i++) {
        assert_true(stream->ops->can_receive(stream));
        receive_id(&driver, stream, "");
    }
    assert_false(stream->ops->can_receive(stream));
    struct srv_pulled pulled;
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_FRAME);
    srv_frame_unref(pulled.frame);
    assert_true(stream->ops->can_receive(stream));
    stream->ops->close(stream);

    stream = srv_chat_room_open(&driver.chat, driver.now_ns);
    static char id[SRV_ACK_BYTES_MAX + 1];
    memset(id, 'i', SRV_ACK_BYTES_MAX);
    receive_id(&driver, stream, id);
    assert_false(stream->ops->can_receive(stream)); /* one, but a large one */
    stream->ops->close(stream);
    driver_release(&driver);
}

static void what_is_no_message_ends_the_stream_behind_its_acks(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
    struct srv_frame *bad = srv_frame_copy(sl_span_str("\xff"));
    receive_id(&driver, stream, "1");
    stream->ops->receive(stream, bad, driver.now_ns);
    assert_false(stream->ops->can_receive(stream));
    assert_string_equal(take(&driver, stream), "ack:1 end 13");
    srv_frame_unref(bad);
    stream->ops->close(stream);
    driver_release(&driver);
}

struct wrong_case {
    const char *name;
    struct srv_misbehave misbehave;
    const char *at_once; /* after the messages "1", "" and "3" */
    const char *later;   /* 50 ms later */
    const char *closed;  /* after a "4" and the half-close */
};

static void the_wrong_ones_deviate_as_they_say(void **state)
{
    (void)state;
    static const struct wrong_case cases[] = {
        {"right", {0}, "ack:1 ack: ack:3", "", "ack:4 end 0"},
        {"ack-out-of-order", {.ack_out_of_order = true}, "", "ack: ack:3 ack:1", "ack:4 end 0"},
        {"ack-missing-for-empty",
         {.ack_missing_for_empty = true},
         "ack:1 ack:3",
         "",
         "ack:4 end 0"},
        {"ack-duplicate",
         {.ack_duplicate = true},
         "ack:1 ack:1 ack: ack: ack:3 ack:3",
         "",
         "ack:4 ack:4 end 0"},
        {"lost-last-acks", {.lost_last_acks = true}, "", "ack:1 ack: ack:3", "end 0"},
        {"half-close-hangs", {.half_close_hangs = true}, "ack:1 ack: ack:3", "", "ack:4"},
        {"wrong-half-close-status",
         {.wrong_half_close_status = true},
         "ack:1 ack: ack:3",
         "",
         "ack:4 end 1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        print_message("%s\n", cases[i].name);
        driver_init(&driver, &cases[i].misbehave);
        struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
        receive_id(&driver, stream, "1");
        receive_id(&driver, stream, "");
        receive_id(&driver, stream, "3");
        assert_string_equal(take(&driver, stream), cases[i].at_once);
        driver.now_ns += 50 * SL_MS;
        assert_string_equal(take(&driver, stream), cases[i].later);
        receive_id(&driver, stream, "4");
        stream->ops->half_close(stream, driver.now_ns);
        assert_string_equal(take(&driver, stream), cases[i].closed);
        stream->ops->close(stream);
        driver_release(&driver);
    }
}

struct ping_case {
    const char *name;
    struct srv_misbehave misbehave;
    unsigned pings; /* in 60 seconds with a message each second */
};

static void the_wrong_ones_ping_as_they_say(void **state)
{
    (void)state;
    static const struct ping_case cases[] = {
        {"right", {0}, 6},
        {"ping-never", {.ping_never = true}, 0},
        {"ping-only-when-idle", {.ping_only_when_idle = true}, 0},
        {"ping-twice", {.ping_twice = true}, 11}, /* the twelfth is due a few ns after the minute */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        unsigned pings = 0;
        print_message("%s\n", cases[i].name);
        driver_init(&driver, &cases[i].misbehave);
        struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
        for (int second = 1; second <= 60; second++) {
            driver.now_ns += SL_SECOND;
            receive_id(&driver, stream, "m");
            pings += strstr(take(&driver, stream), "ping") != NULL ? 1 : 0;
        }
        assert_int_equal(pings, cases[i].pings);
        stream->ops->close(stream);
        driver_release(&driver);
    }
}

static void unbounded_acks_never_stops_reading(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.unbounded_acks = true};
    struct driver driver;
    driver_init(&driver, &misbehave);
    struct srv_stream *stream = srv_chat_room_open(&driver.chat, driver.now_ns);
    for (int i = 0; i < 100 * SRV_ACKS_MAX; i++) {
        assert_true(stream->ops->can_receive(stream));
        receive_id(&driver, stream, "m");
    }
    stream->ops->close(stream);
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acks_come_in_order_and_ok_after_the_half_close),
        cmocka_unit_test(pings_come_at_whole_intervals_idle_or_busy),
        cmocka_unit_test(reading_stops_while_too_many_acks_wait),
        cmocka_unit_test(what_is_no_message_ends_the_stream_behind_its_acks),
        cmocka_unit_test(the_wrong_ones_deviate_as_they_say),
        cmocka_unit_test(the_wrong_ones_ping_as_they_say),
        cmocka_unit_test(unbounded_acks_never_stops_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
