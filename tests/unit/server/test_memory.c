/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/memory.h"

#include "tests/unit/server/driver.h"

enum {
    KIB = 1024,
    MAX = 64 * KIB,
    TEXT = 1000, /* bytes of a message's text: a little less than it costs */
    CROWD = 10,
};

static void start(struct driver *driver, size_t memory, size_t history)
{
    struct srv_chat_config config = driver_config();
    config.buffer = 100;
    config.history = history;
    config.limits.memory = memory;
    driver_init_with(driver, &config);
}

static struct srv_frame *new_message(const char *room, const char *id, size_t text_len)
{
    struct sl_buf text;
    sl_buf_init(&text, text_len + 1);
    while (text.len < text_len) {
        (void)sl_buf_add_u8(&text, '.');
    }
    const struct srv_message message = {
        .message_id = sl_span_str(id), .room_id = sl_span_str(room), .text = sl_buf_span(&text)};
    struct srv_frame *frame = srv_message_encode(&message);
    sl_buf_release(&text);
    return frame;
}

static void publish(struct driver *driver, const char *room, int count, size_t text_len)
{
    for (int i = 0; i < count; i++) {
        struct srv_answer answer = driver_send_frame(driver, new_message(room, "", text_len));
        assert_int_equal(answer.status, SL_GRPC_OK); /* SEND-06: whatever becomes of it */
        driver_drop(answer);
        size_t max = driver->chat.memory.max;
        assert_true(max == 0 || atomic_load(&driver->chat.stats.message_bytes) <= max);
    }
}

/* The transport of stream takes a message and does not get rid of it. */
static struct srv_frame *hold(struct driver *driver, struct srv_stream *stream)
{
    struct srv_pulled pulled;
    assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_FRAME);
    return pulled.frame;
}

static void subscribe_crowd(struct driver *driver, struct srv_stream *streams[CROWD],
                            bool is_one_room)
{
    for (int i = 0; i < CROWD; i++) {
        char room[16];
        (void)snprintf(room, sizeof(room), "r%d", is_one_room ? 0 : i);
        streams[i] = driver_subscribe(driver, room, TEST_FAST_HZ);
    }
}

static void close_crowd(struct srv_stream *streams[CROWD])
{
    for (int i = 0; i < CROWD; i++) {
        streams[i]->ops->close(streams[i]);
    }
}

static void a_message_counts_once_however_many_wait_for_it(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *streams[CROWD];
    start(&driver, 0, 0);
    subscribe_crowd(&driver, streams, true);
    publish(&driver, "r0", 20, TEXT);
    assert_true(driver_message_bytes(&driver) > (size_t)20 * TEXT &&
                driver_message_bytes(&driver) < (size_t)20 * (TEXT + 200));
    size_t all = driver_message_bytes(&driver);
    for (int i = 0; i < CROWD - 1; i++) {
        assert_int_equal(driver_drain_count(&driver, streams[i]), 20);
    }
    assert_int_equal(driver_message_bytes(&driver), all);
    struct srv_frame *held = hold(&driver, streams[CROWD - 1]);
    close_crowd(streams);
    assert_int_equal(driver_message_bytes(&driver), srv_frame_cost(held));
    srv_frame_unref(held);
    assert_int_equal(driver_message_bytes(&driver), 0);
    driver_release(&driver);
}

static void a_stalled_crowd_of_one_room_is_far_from_the_limit(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *streams[CROWD];
    start(&driver, MAX, 0);
    subscribe_crowd(&driver, streams, true);
    publish(&driver, "r0", 40, TEXT);
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(driver_dropped_of(streams[i]), 0);
    }
    close_crowd(streams);
    driver_release(&driver);
}

static void whoever_holds_most_loses_and_whoever_holds_little_does_not(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *crowd[CROWD];
    start(&driver, MAX, 0);
    subscribe_crowd(&driver, crowd, false);
    struct srv_stream *live = driver_subscribe(&driver, "live", TEST_FAST_HZ);
    struct srv_stream *slow = driver_subscribe(&driver, "slow", 10);
    publish(&driver, "slow", 5, 100);
    unsigned live_count = 0;
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < CROWD; i++) {
            char room[16];
            (void)snprintf(room, sizeof(room), "r%d", i);
            publish(&driver, room, 1, TEXT);
        }
        publish(&driver, "live", 1, TEXT);
        live_count += driver_drain_count(&driver, live);
    }
    assert_int_equal(live_count, 100);
    assert_int_equal(driver_dropped_of(live), 0);
    assert_int_equal(driver_dropped_of(slow), 0);
    for (int i = 0; i < CROWD; i++) {
        assert_true(driver_dropped_of(crowd[i]) > 80);
        assert_true(100 - driver_dropped_of(crowd[i]) == driver_drain_count(&driver, crowd[i]));
    }
    assert_true(sl_tally_get(&driver.chat.stats.dropped[SRV_DROP_FOR_MEMORY]) > 800);
    live->ops->close(live);
    slow->ops->close(slow);
    close_crowd(crowd);
    assert_int_equal(driver_message_bytes(&driver), 0);
    driver_release(&driver);
}

static void the_newest_of_what_waits_is_given_up_or_the_oldest(void **state)
{
    (void)state;
    for (int policy = SRV_DROP_NEWEST; policy <= SRV_DROP_OLDEST; policy++) {
        struct driver driver;
        start(&driver, MAX, 0);
        driver.chat.config.drop_policy = (enum srv_drop_policy)policy;
        struct srv_stream *hog = driver_subscribe(&driver, "hog", TEST_FAST_HZ);
        struct srv_stream *other = driver_subscribe(&driver, "other", TEST_FAST_HZ);
        driver_publish(&driver, "hog", "first");
        publish(&driver, "hog", 50, TEXT);
        driver_publish(&driver, "hog", "last");
        publish(&driver, "other", 20, TEXT);
        uint64_t lost = driver_dropped_of(hog);
        assert_int_equal(driver_dropped_of(other), 0);
        assert_true(lost > 0);
        struct srv_frame *frame = hold(&driver, hog);
        assert_int_equal(frame->len < TEXT, policy == SRV_DROP_NEWEST); /* "first" is short */
        srv_frame_unref(frame);
        driver_sent(&driver, hog);
        driver.now_ns += SL_US;
        assert_int_equal(driver_drain_count(&driver, hog), 51 - lost);
        hog->ops->close(hog);
        other->ops->close(other);
        driver_release(&driver);
    }
}

static void what_transports_hold_cannot_be_taken_back(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *crowd[CROWD];
    struct srv_frame *held[CROWD];
    int count = 0;
    start(&driver, MAX, 0);
    subscribe_crowd(&driver, crowd, false);
    for (; count < CROWD; count++) {
        char room[16];
        (void)snprintf(room, sizeof(room), "r%d", count);
        publish(&driver, room, 1, 10 * KIB);
        if (driver_dropped_of(crowd[count]) > 0) {
            break;
        }
        held[count] = hold(&driver, crowd[count]);
    }
    assert_int_equal(count, 6);
    /* What still fits goes on; what does not is lost, whoever it is for, until there is room. */
    struct srv_stream *live = driver_subscribe(&driver, "live", TEST_FAST_HZ);
    publish(&driver, "live", 1, TEXT);
    assert_int_equal(driver_drain_count(&driver, live), 1);
    publish(&driver, "live", 1, 10 * KIB);
    assert_int_equal(driver_dropped_of(live), 1);
    srv_frame_unref(held[0]);
    publish(&driver, "live", 1, 10 * KIB);
    assert_int_equal(driver_drain_count(&driver, live), 1);
    for (int i = 1; i < count; i++) {
        srv_frame_unref(held[i]);
    }
    live->ops->close(live);
    close_crowd(crowd);
    driver_release(&driver);
}

static void great_messages_in_transports_leave_half_to_others(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *crowd[CROWD];
    struct srv_frame *held[CROWD] = {0};
    struct srv_pulled pulled;
    start(&driver, (size_t)KIB * KIB, 0);
    subscribe_crowd(&driver, crowd, false);
    for (int i = 0; i < CROWD; i++) {
        char room[16];
        (void)snprintf(room, sizeof(room), "r%d", i);
        publish(&driver, room, 1, 100 * KIB);
        if (crowd[i]->ops->pull(crowd[i], driver.now_ns, &pulled) == SRV_PULL_FRAME) {
            held[i] = pulled.frame;
        }
    }
    assert_non_null(held[4]);
    assert_null(held[5]);
    assert_true(pulled.until_ns > driver.now_ns && pulled.until_ns != SRV_NEVER);
    struct srv_stream *live = driver_subscribe(&driver, "live", TEST_FAST_HZ);
    for (int i = 0; i < 100; i++) {
        publish(&driver, "live", 1, 10 * KIB);
        assert_int_equal(driver_drain_count(&driver, live), 1);
    }
    driver_sent(&driver, crowd[0]);
    srv_frame_unref(held[0]);
    held[5] = hold(&driver, crowd[5]);
    driver.now_ns = pulled.until_ns;
    assert_int_equal(crowd[6]->ops->pull(crowd[6], driver.now_ns, &pulled), SRV_PULL_WAIT);
    for (int i = 1; i <= 5; i++) {
        srv_frame_unref(held[i]);
    }
    close_crowd(crowd);
    live->ops->close(live);
    assert_int_equal(driver.chat.memory.in_hands, 0);
    assert_int_equal(driver_message_bytes(&driver), 0);
    driver_release(&driver);
}

static void a_transport_that_was_told_of_a_next_message_gets_one(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_pulled pulled;
    start(&driver, MAX, 0);
    struct srv_stream *hog = driver_subscribe(&driver, "hog", TEST_FAST_HZ);
    struct srv_stream *other = driver_subscribe(&driver, "other", TEST_FAST_HZ);
    publish(&driver, "hog", 2, TEXT);
    srv_frame_unref(hold(&driver, hog));
    driver_sent(&driver, hog); /* at once: it may gather */
    publish(&driver, "hog", 50, TEXT);
    driver.now_ns += SL_US;
    assert_int_equal(hog->ops->pull(hog, driver.now_ns, &pulled), SRV_PULL_FRAME);
    assert_true(pulled.is_followed);
    driver.chat.memory.holders->shed(driver.chat.memory.holders, 0);
    srv_frame_unref(pulled.frame);
    driver.now_ns += SL_US;
    driver_sent(&driver, hog);
    assert_int_equal(driver_drain_count(&driver, hog), 1);
    hog->ops->close(hog);
    other->ops->close(other);
    driver_release(&driver);
}

static void histories_take_an_eighth_at_most(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, MAX, 100);
    publish(&driver, "r", 100, TEXT);
    assert_true(driver.chat.rooms.history_bytes <= MAX / 8);
    assert_true(driver.chat.rooms.history_bytes > MAX / 16);
    assert_int_equal(driver_message_bytes(&driver), driver.chat.rooms.history_bytes);
    driver_release(&driver);
}

static void a_replay_is_refused_when_half_is_in_use(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_answer refusal = {.text = ""};
    static const uint8_t wants_history[] = {0x0A, 1, 'r', 0x18, 5};
    start(&driver, MAX, 10);
    struct srv_stream *hog = driver_subscribe(&driver, "hog", TEST_FAST_HZ);
    publish(&driver, "hog", 40, TEXT);
    struct sl_span request = sl_span(wants_history, sizeof(wants_history));
    assert_null(srv_subscribe(&driver.chat, request, 1, driver.now_ns, &refusal));
    assert_int_equal(refusal.status, SL_GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(refusal.text, "too many bytes of messages are waiting (--memory 65536)");
    assert_int_equal(sl_tally_get(&driver.chat.stats.refused[SRV_LIMIT_MEMORY]), 1);
    struct srv_stream *plain = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    hog->ops->close(hog);
    struct srv_stream *stream = srv_subscribe(&driver.chat, request, 1, driver.now_ns, &refusal);
    assert_non_null(stream);
    stream->ops->close(stream);
    plain->ops->close(plain);
    driver_release(&driver);
}

static void a_chat_whose_ack_has_no_place_ends_behind_the_others(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_pulled pulled;
    static char id[40 * KIB];
    memset(id, 'i', sizeof(id) - 1);
    start(&driver, MAX, 0);
    struct srv_stream *chat = srv_chat_room_open(&driver.chat, driver.now_ns);
    struct srv_frame *message = new_message("r", id, 1);
    chat->ops->receive(chat, message, driver.now_ns);
    assert_true(chat->ops->can_receive(chat));
    chat->ops->receive(chat, message, driver.now_ns);
    srv_frame_unref(message);
    assert_false(chat->ops->can_receive(chat));
    assert_int_equal(chat->ops->pull(chat, driver.now_ns, &pulled), SRV_PULL_FRAME);
    srv_frame_unref(pulled.frame);
    assert_int_equal(chat->ops->pull(chat, driver.now_ns, &pulled), SRV_PULL_END);
    assert_int_equal(pulled.status, SL_GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(pulled.text, "too many bytes of messages are waiting (--memory 65536)");
    chat->ops->close(chat);
    assert_int_equal(driver_message_bytes(&driver), 0);
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_counts_once_however_many_wait_for_it),
        cmocka_unit_test(a_stalled_crowd_of_one_room_is_far_from_the_limit),
        cmocka_unit_test(whoever_holds_most_loses_and_whoever_holds_little_does_not),
        cmocka_unit_test(the_newest_of_what_waits_is_given_up_or_the_oldest),
        cmocka_unit_test(what_transports_hold_cannot_be_taken_back),
        cmocka_unit_test(great_messages_in_transports_leave_half_to_others),
        cmocka_unit_test(a_transport_that_was_told_of_a_next_message_gets_one),
        cmocka_unit_test(histories_take_an_eighth_at_most),
        cmocka_unit_test(a_replay_is_refused_when_half_is_in_use),
        cmocka_unit_test(a_chat_whose_ack_has_no_place_ends_behind_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
