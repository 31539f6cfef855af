/* SPDX-License-Identifier: Apache-2.0 */
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

static void messages_come_in_the_order_sent(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *stream = driver_subscribe(driver, "r", TEST_FAST_HZ);
    assert_string_equal(driver_pull(driver, stream), "wait");
    driver_publish_numbers(driver, "r", TEST_BUFFER);
    driver_publish(driver, "other", "x");
    assert_string_equal(driver_drain(driver, stream), "1 2 3 4 5");
    stream->ops->close(stream);
}

static void a_full_buffer_drops_the_newest(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *stream = driver_subscribe(driver, "r", TEST_FAST_HZ);
    driver_publish(driver, "r", "0");
    assert_string_equal(driver_pull(driver, stream), "0"); /* stays in the transport's hands */
    driver_publish_numbers(driver, "r", 9);
    driver_sent(driver, stream);
    assert_string_equal(driver_drain(driver, stream), "1 2 3 4 5");
    driver_publish(driver, "r", "live");
    assert_string_equal(driver_drain(driver, stream), "live");
    stream->ops->close(stream);
}

static void a_full_buffer_drops_the_oldest_where_that_is_the_policy(void **state)
{
    struct driver *driver = *state;
    driver->chat.config.drop_policy = SRV_DROP_OLDEST;
    struct srv_stream *stream = driver_subscribe(driver, "r", TEST_FAST_HZ);
    driver_publish_numbers(driver, "r", 9);
    assert_string_equal(driver_drain(driver, stream), "5 6 7 8 9");
    stream->ops->close(stream);
}

static void the_rate_delays_and_tells_when_to_come_back(void **state)
{
    struct driver *driver = *state;
    static const int32_t defaults[] = {0, -1, INT32_MIN, 10};
    for (size_t i = 0; i < 4; i++) {
        struct srv_pulled pulled;
        struct srv_stream *stream = driver_subscribe(driver, "r", defaults[i]);
        driver_publish_numbers(driver, "r", 2);
        assert_string_equal(driver_pull(driver, stream), "1");
        driver_sent(driver, stream);
        assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_WAIT);
        assert_int_equal(pulled.until_ns, driver->now_ns + 100 * SL_MS);
        driver->now_ns = pulled.until_ns - 1;
        assert_string_equal(driver_pull(driver, stream), "wait");
        driver->now_ns++;
        assert_string_equal(driver_pull(driver, stream), "2");
        stream->ops->close(stream);
    }
}

static void what_waits_catches_up_with_the_schedule_and_what_was_idle_does_not(void **state)
{
    struct driver *driver = *state;
    struct srv_pulled pulled;
    struct srv_stream *stream = driver_subscribe(driver, "r", 10);
    driver_publish_numbers(driver, "r", 3);
    assert_string_equal(driver_pull(driver, stream), "1");
    driver_sent(driver, stream);
    driver->now_ns += 130 * SL_MS; /* the timer is 30 ms late */
    assert_string_equal(driver_pull(driver, stream), "2");
    driver_sent(driver, stream);
    assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, driver->now_ns + 70 * SL_MS);
    driver->now_ns = pulled.until_ns;
    assert_string_equal(driver_pull(driver, stream), "3");
    driver_sent(driver, stream);
    driver->now_ns += SL_SECOND; /* idle */
    driver_publish_numbers(driver, "r", 2);
    assert_string_equal(driver_pull(driver, stream), "1");
    driver_sent(driver, stream);
    assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, driver->now_ns + 100 * SL_MS);
    stream->ops->close(stream);
}

static void a_message_is_told_to_be_followed_only_by_one_that_may_go(void **state)
{
    struct driver *driver = *state;
    struct srv_pulled pulled;
    static const int32_t rates[] = {TEST_FAST_HZ, 1000};
    for (size_t i = 0; i < 2; i++) {
        struct srv_stream *stream = driver_subscribe(driver, "r", rates[i]);
        driver_publish(driver, "r", "a");
        assert_string_equal(driver_drain(driver, stream), "a"); /* taken at once */
        driver_publish_numbers(driver, "r", 2);
        driver->now_ns += 2 * SL_MS;
        assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_FRAME);
        assert_int_equal(pulled.is_followed, rates[i] == TEST_FAST_HZ);
        srv_frame_unref(pulled.frame);
        driver_sent(driver, stream);
        driver->now_ns += 2 * SL_MS;
        assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_FRAME);
        assert_false(pulled.is_followed); /* the last one */
        srv_frame_unref(pulled.frame);
        stream->ops->close(stream);
    }
}

static void after_a_stall_nothing_is_told_to_be_followed(void **state)
{
    struct driver *driver = *state;
    struct srv_pulled pulled;
    struct srv_stream *stream = driver_subscribe(driver, "r", TEST_FAST_HZ);
    driver_publish_numbers(driver, "r", 3);
    assert_string_equal(driver_pull(driver, stream), "1");
    driver->now_ns += SL_SECOND; /* the client gave no credit */
    driver_sent(driver, stream);
    assert_int_equal(stream->ops->pull(stream, driver->now_ns, &pulled), SRV_PULL_FRAME);
    assert_false(pulled.is_followed);
    srv_frame_unref(pulled.frame);
    stream->ops->close(stream);
}

static void one_publish_serialises_once(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *streams[3];
    struct srv_frame *frame = srv_frame_copy(sl_span_str("\x0a\x01i\x12\x01r\x22\x01t\x28\x01"));
    for (size_t i = 0; i < 3; i++) {
        streams[i] = driver_subscribe(driver, "r", 1);
    }
    driver_drop(driver_send_frame(driver, srv_frame_ref(frame)));
    for (size_t i = 0; i < 3; i++) {
        struct srv_pulled pulled;
        assert_int_equal(streams[i]->ops->pull(streams[i], driver->now_ns, &pulled),
                         SRV_PULL_FRAME);
        assert_ptr_equal(pulled.frame, frame);
        srv_frame_unref(pulled.frame);
        streams[i]->ops->close(streams[i]);
    }
    assert_false(srv_frame_is_shared(frame));
    srv_frame_unref(frame);
}

static void a_closed_subscription_leaves_nothing(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *stream = driver_subscribe(driver, "r", 1);
    driver_publish_numbers(driver, "r", 9);
    stream->ops->close(stream);
    assert_null(driver->chat.rooms.table);
    assert_null(driver->chat.subscribers);
    stream = driver_subscribe(driver, "r", 1);
    assert_string_equal(driver_pull(driver, stream), "wait");
    stream->ops->close(stream);
}

static void a_request_without_room_or_sense_is_refused(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *stream = NULL;
    struct srv_answer refusal = driver_try_subscribe(driver, "", 1, &stream);
    assert_int_equal(refusal.status, SL_GRPC_INVALID_ARGUMENT);
    assert_non_null(refusal.details);
    srv_frame_unref(refusal.details);
    assert_null(stream);
    assert_int_equal(driver_try_subscribe(driver, "\xff", 1, &stream).status, SL_GRPC_INTERNAL);
    assert_null(stream);
}

static void count_wake(void *context)
{
    (*(unsigned *)context)++;
}

static void a_publish_wakes_the_front_end(void **state)
{
    struct driver *driver = *state;
    struct srv_stream *stream = driver_subscribe(driver, "r", 1);
    stream->wake = count_wake;
    stream->wake_context = &driver->wakes;
    driver->wakes = 0;
    driver_publish(driver, "r", "x");
    driver_publish(driver, "other", "x");
    assert_int_equal(driver->wakes, 1);
    stream->ops->close(stream);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(messages_come_in_the_order_sent),
        TEST(a_full_buffer_drops_the_newest),
        TEST(a_full_buffer_drops_the_oldest_where_that_is_the_policy),
        TEST(the_rate_delays_and_tells_when_to_come_back),
        TEST(what_waits_catches_up_with_the_schedule_and_what_was_idle_does_not),
        TEST(a_message_is_told_to_be_followed_only_by_one_that_may_go),
        TEST(after_a_stall_nothing_is_told_to_be_followed),
        TEST(one_publish_serialises_once),
        TEST(a_closed_subscription_leaves_nothing),
        TEST(a_request_without_room_or_sense_is_refused),
        TEST(a_publish_wakes_the_front_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
