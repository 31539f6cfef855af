/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/stats.h"

#include "tests/unit/server/driver.h"

static int set_up(void **state)
{
    static struct driver driver;
    driver_init(&driver, NULL);
    *state = &driver;
    return 0;
}

static int tear_down(void **state)
{
    driver_release(*state);
    return 0;
}

struct expected {
    uint64_t copies, sent, dropped, discarded, full;
};

static void assert_counts(const struct driver *driver, struct expected expected)
{
    const struct srv_chat_stats *stats = &driver->chat.stats;
    assert_int_equal(sl_tally_get(&stats->copies), expected.copies);
    assert_int_equal(sl_tally_get(&stats->sent), expected.sent);
    assert_int_equal(sl_tally_get(&stats->dropped[SRV_DROP_FOR_BUFFER]), expected.dropped);
    assert_int_equal(sl_tally_get(&stats->discarded), expected.discarded);
    assert_int_equal(sl_tally_get(&stats->buffer_full), expected.full);
    bool is_empty = expected.copies == expected.sent + expected.dropped + expected.discarded;
    assert_true((sl_tally_get(&stats->buffered_bytes) == 0) == is_empty);
}

static uint64_t received(const struct driver *driver, enum srv_outcome outcome)
{
    return sl_tally_get(&driver->chat.stats.received[outcome]);
}

static void each_copy_ends_in_one_way(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *one = driver_subscribe(driver, "r", TEST_FAST_HZ);
    struct srv_stream *other = driver_subscribe(driver, "r", TEST_FAST_HZ);
    driver_publish_numbers(driver, "r", TEST_BUFFER + 2);
    driver_publish(driver, "nobody", "x");
    assert_counts(driver, (struct expected){.copies = 14, .dropped = 4, .full = 2});
    assert_string_equal(driver_drain(driver, one), "1 2 3 4 5");
    assert_counts(driver, (struct expected){.copies = 14, .sent = 5, .dropped = 4, .full = 2});
    other->ops->close(other);
    one->ops->close(one);
    assert_counts(driver, (struct expected){
                              .copies = 14, .sent = 5, .dropped = 4, .discarded = 5, .full = 2});
}

static void a_buffer_is_full_once_however_much_it_then_drops(void **state)
{
    struct driver *driver = *state;
    driver->chat.config.drop_policy = SRV_DROP_OLDEST;
    struct srv_stream *stream = driver_subscribe(driver, "r", TEST_FAST_HZ);
    driver_publish_numbers(driver, "r", TEST_BUFFER - 1);
    assert_int_equal(sl_tally_get(&driver->chat.stats.buffer_full), 0);
    driver_publish_numbers(driver, "r", 4);
    assert_counts(driver, (struct expected){.copies = 8, .dropped = 3, .full = 1});
    assert_string_equal(driver_pull(driver, stream), "4");
    driver_publish(driver, "r", "again");
    assert_counts(driver, (struct expected){.copies = 9, .sent = 1, .dropped = 3, .full = 2});
    stream->ops->close(stream);
    assert_counts(
        driver, (struct expected){.copies = 9, .sent = 1, .dropped = 3, .discarded = 5, .full = 2});
}

static void what_a_room_remembers_is_a_copy_too(void **state)
{
    struct driver *driver = *state;
    static const uint8_t request[] = {0x0A, 1, 'r', 0x10, 100, 0x18, 3};
    struct srv_answer refusal;
    driver->chat.rooms.history = 4;
    driver_publish_numbers(driver, "r", 6);
    assert_counts(driver, (struct expected){0});
    struct srv_stream *stream = srv_subscribe(&driver->chat, sl_span(request, sizeof(request)), 1,
                                              driver->now_ns, &refusal);
    assert_non_null(stream);
    assert_counts(driver, (struct expected){.copies = 3});
    assert_string_equal(driver_pull(driver, stream), "4");
    driver_publish(driver, "r", "live");
    assert_counts(driver, (struct expected){.copies = 4, .sent = 1});
    stream->ops->close(stream);
    assert_counts(driver, (struct expected){.copies = 4, .sent = 1, .discarded = 3});
}

static void subscriptions_and_rooms_are_those_of_now(void **state)
{
    struct driver *driver = *state;
    const struct srv_chat *chat = &driver->chat;
    struct srv_stream *refused = NULL;
    struct srv_stream *one = driver_subscribe(driver, "r", 1);
    struct srv_stream *other = driver_subscribe(driver, "r", 1);
    struct srv_stream *third = driver_subscribe(driver, "s", 1);
    driver_drop(driver_try_subscribe(driver, "", 1, &refused));
    assert_null(refused);
    struct srv_stream *room = srv_chat_room_open(&driver->chat, driver->now_ns);
    assert_int_equal(sl_tally_get(&chat->stats.chats), 1);
    room->ops->close(room);
    assert_int_equal(sl_tally_get(&chat->stats.chats), 0);
    assert_int_equal(sl_tally_get(&chat->stats.subscriptions), 3);
    assert_int_equal(sl_tally_get(&chat->rooms.count), 2);
    one->ops->close(one);
    other->ops->close(other);
    assert_int_equal(sl_tally_get(&chat->stats.subscriptions), 1);
    assert_int_equal(sl_tally_get(&chat->rooms.count), 1);
    third->ops->close(third);
    assert_int_equal(sl_tally_get(&chat->stats.subscriptions), 0);
    assert_int_equal(sl_tally_get(&chat->rooms.count), 0);
}

static void each_message_received_has_one_outcome(void **state)
{
    struct driver *driver = *state;
    const struct srv_message message = {
        .message_id = sl_span_str("id"), .room_id = sl_span_str("r"), .text = sl_span_str("t")};
    for (int i = 0; i < 3; i++) {
        driver_drop(driver_send_frame(driver, srv_message_encode(&message)));
    }
    driver_publish(driver, "", "t");
    driver_publish(driver, "r", "");
    driver_publish(driver, "control\x01", "t");
    driver_drop(driver_send_frame(driver, srv_frame_copy(sl_span_str("\xff"))));
    assert_int_equal(received(driver, SRV_OUTCOME_BROADCAST), 1);
    assert_int_equal(received(driver, SRV_OUTCOME_REPEATED), 2);
    assert_int_equal(received(driver, SRV_OUTCOME_REJECTED), 3);
    assert_int_equal(received(driver, SRV_OUTCOME_MALFORMED), 1);
    assert_int_equal(received(driver, SRV_OUTCOME_ACKNOWLEDGED), 0);

    struct srv_stream *room = srv_chat_room_open(&driver->chat, driver->now_ns);
    const struct srv_message silent = {.room_id = sl_span_str("r")};
    struct srv_frame *frames[] = {srv_message_encode(&message), srv_message_encode(&silent),
                                  srv_frame_copy(sl_span_str("\xff"))};
    for (size_t i = 0; i < 3; i++) {
        room->ops->receive(room, frames[i], driver->now_ns);
        srv_frame_unref(frames[i]);
    }
    room->ops->close(room);
    assert_int_equal(received(driver, SRV_OUTCOME_BROADCAST), 2);
    assert_int_equal(received(driver, SRV_OUTCOME_ACKNOWLEDGED), 1);
    assert_int_equal(received(driver, SRV_OUTCOME_MALFORMED), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_copy_ends_in_one_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_buffer_is_full_once_however_much_it_then_drops, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_room_remembers_is_a_copy_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(subscriptions_and_rooms_are_those_of_now, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_message_received_has_one_outcome, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
