/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/limits.h"

#include "tests/unit/server/driver.h"

enum {
    KIB = 1024,
    TEXT = 1000, /* bytes of a message's text: a little less than it costs */
};

static void start(struct driver *driver, const struct srv_limits *limits)
{
    struct srv_chat_config config = driver_config();
    config.buffer = 100;
    config.limits = *limits;
    driver_init_with(driver, &config);
}

/* Publishes a message whose text is `name` and then dots, len bytes in all. */
static void publish_bytes(struct driver *driver, const char *room, const char *name, size_t len)
{
    struct sl_buf text;
    sl_buf_init(&text, len + TEST_TEXT_MAX);
    (void)sl_buf_add_str(&text, name);
    while (text.len < len) {
        (void)sl_buf_add_u8(&text, '.');
    }
    const struct srv_message message = {.room_id = sl_span_str(room), .text = sl_buf_span(&text)};
    struct srv_answer answer = driver_send_frame(driver, srv_message_encode(&message));
    assert_int_equal(answer.status, SL_GRPC_OK);
    driver_drop(answer);
    sl_buf_release(&text);
}

static void publish_count(struct driver *driver, const char *room, int count, size_t len)
{
    for (int i = 0; i < count; i++) {
        publish_bytes(driver, room, "", len);
    }
}

static uint64_t dropped_for(const struct driver *driver, enum srv_drop reason)
{
    return sl_tally_get(&driver->chat.stats.dropped[reason]);
}

static void assert_refused(struct driver *driver, const char *room, const char *text,
                           enum srv_limit limit)
{
    struct srv_stream *stream = NULL;
    uint64_t before = sl_tally_get(&driver->chat.stats.refused[limit]);
    struct srv_answer refusal = driver_try_subscribe(driver, room, 1, &stream);
    assert_null(stream);
    assert_int_equal(refusal.status, SL_GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(refusal.text, text);
    assert_int_equal(sl_tally_get(&driver->chat.stats.refused[limit]), before + 1);
}

/* ---- numbers ---- */

static void one_room_too_many_is_refused_until_one_is_left(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, &(struct srv_limits){.max_rooms = 2});
    struct srv_stream *a = driver_subscribe(&driver, "a", 1);
    struct srv_stream *b = driver_subscribe(&driver, "b", 1);
    struct srv_stream *again = driver_subscribe(&driver, "b", 1);
    assert_refused(&driver, "c", "there are too many rooms (--max-rooms 2)", SRV_LIMIT_ROOMS);
    a->ops->close(a);
    a = driver_subscribe(&driver, "c", 1);
    a->ops->close(a);
    b->ops->close(b);
    again->ops->close(again);
    driver_release(&driver);
}

static void a_room_without_members_gives_way_to_another_one(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_chat_config config = driver_config();
    config.history = 10;
    config.limits.max_rooms = 2;
    driver_init_with(&driver, &config);
    driver_publish(&driver, "old", "x");
    driver_publish(&driver, "older", "x");
    struct srv_stream *a = driver_subscribe(&driver, "a", 1);
    struct srv_stream *b = driver_subscribe(&driver, "b", 1);
    assert_refused(&driver, "old", "there are too many rooms (--max-rooms 2)", SRV_LIMIT_ROOMS);
    /* It is accepted (SEND-01), though nobody hears it and nothing keeps it. */
    driver_publish(&driver, "old", "x");
    assert_int_equal(sl_tally_get(&driver.chat.rooms.count), 2);
    a->ops->close(a);
    b->ops->close(b);
    driver_release(&driver);
}

static void one_subscriber_of_a_room_too_many_is_refused(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, &(struct srv_limits){.max_room_subscribers = 2});
    struct srv_stream *streams[] = {driver_subscribe(&driver, "a", 1),
                                    driver_subscribe(&driver, "a", 1),
                                    driver_subscribe(&driver, "b", 1)};
    assert_refused(&driver, "a", "the room has too many subscribers (--max-subscribers-per-room 2)",
                   SRV_LIMIT_ROOM_SUBSCRIBERS);
    streams[0]->ops->close(streams[0]);
    streams[0] = driver_subscribe(&driver, "a", 1);
    for (size_t i = 0; i < 3; i++) {
        streams[i]->ops->close(streams[i]);
    }
    driver_release(&driver);
}

static void one_subscription_too_many_is_refused(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, &(struct srv_limits){.max_subscriptions = 1});
    struct srv_stream *stream = driver_subscribe(&driver, "a", 1);
    assert_refused(&driver, "b", "there are too many subscriptions (--max-subscriptions 1)",
                   SRV_LIMIT_SUBSCRIPTIONS);
    stream->ops->close(stream);
    stream = driver_subscribe(&driver, "b", 1);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void unique_room_names_leave_nothing_behind(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_chat_config config = driver_config();
    config.history = 10;
    driver_init_with(&driver, &config);
    for (int i = 0; i < 20000; i++) {
        char room[32];
        (void)snprintf(room, sizeof(room), "heard-%d", i);
        struct srv_stream *stream = driver_subscribe(&driver, room, 1);
        stream->ops->close(stream);
        (void)snprintf(room, sizeof(room), "written-%d", i);
        driver_publish(&driver, room, "x");
        assert_true(sl_tally_get(&driver.chat.rooms.count) <= SRV_ROOMS_IDLE_MAX + 1);
    }
    driver.now_ns += SRV_ROOMS_KEEP_NS + SL_SECOND;
    driver_publish(&driver, "last", "x");
    assert_int_equal(sl_tally_get(&driver.chat.rooms.count), 1);
    driver_release(&driver);
}

static void an_id_that_no_room_can_have_is_refused(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *stream = NULL;
    char id[SRV_ROOMS_ID_MAX + 2];
    start(&driver, &(struct srv_limits){0});
    memset(id, 'r', sizeof(id));
    id[SRV_ROOMS_ID_MAX + 1] = '\0';
    struct srv_answer refusal = srv_refusal(SL_GRPC_OK, "");
    struct sl_buf request;
    sl_buf_init(&request, sizeof(id) + 16);
    (void)sl_buf_add_u8(&request, 0x0A);
    (void)sl_buf_add_varint(&request, strlen(id));
    (void)sl_buf_add_str(&request, id);
    stream = srv_subscribe(&driver.chat, sl_buf_span(&request), 1, driver.now_ns, &refusal);
    assert_null(stream);
    assert_int_equal(refusal.status, SL_GRPC_INVALID_ARGUMENT);
    driver_drop(refusal);
    sl_buf_release(&request);
    driver_release(&driver);
}

/* ---- bytes of one subscriber ---- */

static void a_buffer_holds_so_many_bytes_and_no_more(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, &(struct srv_limits){.subscriber_memory = 10 * KIB});
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    publish_count(&driver, "r", 12, TEXT);
    uint64_t kept = 12 - driver_dropped_of(stream);
    assert_true(kept >= 9 && kept <= 10);
    assert_int_equal(dropped_for(&driver, SRV_DROP_FOR_SUBSCRIBER_MEMORY), 12 - kept);
    assert_int_equal(sl_tally_get(&driver.chat.stats.buffer_full), 1);
    assert_int_equal(driver_drain_count(&driver, stream), kept);
    publish_count(&driver, "r", 9, TEXT);
    assert_int_equal(driver_drain_count(&driver, stream), 9);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void what_the_transport_holds_is_not_in_the_buffer(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_pulled pulled;
    start(&driver, &(struct srv_limits){.subscriber_memory = 3 * KIB});
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    publish_count(&driver, "r", 1, 2 * TEXT);
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_FRAME);
    publish_count(&driver, "r", 2, 2 * TEXT);
    assert_int_equal(driver_dropped_of(stream), 1);
    srv_frame_unref(pulled.frame);
    driver_sent(&driver, stream);
    assert_int_equal(driver_drain_count(&driver, stream), 1);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void the_oldest_go_for_a_great_one_where_that_is_the_policy(void **state)
{
    (void)state;
    struct driver driver;
    start(&driver, &(struct srv_limits){.subscriber_memory = 4 * KIB});
    driver.chat.config.drop_policy = SRV_DROP_OLDEST;
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    driver_publish_numbers(&driver, "r", 9);
    publish_bytes(&driver, "r", "", 4 * KIB - 2 * TEST_TEXT_MAX);
    assert_true(driver_dropped_of(stream) > 0 && driver_dropped_of(stream) < 9);
    publish_bytes(&driver, "r", "", 5 * KIB); /* more than it ever holds: everything, and itself */
    assert_int_equal(driver_dropped_of(stream), 11);
    driver_publish(&driver, "r", "live");
    assert_string_equal(driver_drain(&driver, stream), "live");
    stream->ops->close(stream);
    driver_release(&driver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_room_too_many_is_refused_until_one_is_left),
        cmocka_unit_test(a_room_without_members_gives_way_to_another_one),
        cmocka_unit_test(one_subscriber_of_a_room_too_many_is_refused),
        cmocka_unit_test(one_subscription_too_many_is_refused),
        cmocka_unit_test(unique_room_names_leave_nothing_behind),
        cmocka_unit_test(an_id_that_no_room_can_have_is_refused),
        cmocka_unit_test(a_buffer_holds_so_many_bytes_and_no_more),
        cmocka_unit_test(what_the_transport_holds_is_not_in_the_buffer),
        cmocka_unit_test(the_oldest_go_for_a_great_one_where_that_is_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
