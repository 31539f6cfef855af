/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/server/driver.h"

struct wrong_case {
    const char *name;
    struct srv_misbehave misbehave;
    int32_t rate;
    int published;
    const char
        *delivered; /* of "1" to published, taken as fast as they come once all were published */
};

/* What the right server delivers in these cases is the first row. */
static const struct wrong_case cases[] = {
    {"right", {0}, TEST_FAST_HZ, 9, "1 2 3 4 5"},
    {"drop-oldest", {.drop_oldest = true}, TEST_FAST_HZ, 9, "5 6 7 8 9"},
    {"unbounded-queue", {.unbounded_queue = true}, TEST_FAST_HZ, 9, "1 2 3 4 5 6 7 8 9"},
    {"buffer-half", {.buffer_half = true}, TEST_FAST_HZ, 9, "1 2"},
    {"buffer-off-by-one", {.buffer_off_by_one = true}, TEST_FAST_HZ, 9, "1 2 3"},
    {"duplicate-delivery", {.duplicate_delivery = true}, TEST_FAST_HZ, 4, "1 2 3 3 4"},
    {"duplicate-on-wrap",
     {.duplicate_on_wrap = true, .unbounded_queue = true},
     TEST_FAST_HZ,
     6,
     "1 2 3 4 5 5 6"},
    {"reorder-pairs", {.reorder_pairs = true}, TEST_FAST_HZ, 4, "2 1 4 3"},
    {"rate-ignored", {.rate_ignored = true}, 1, 5, "1 2 3 4 5"},
    {"rate-double-burst", {.rate_double_burst = true}, 3, 5, "1 2 3 4"},
    {"default-rate-ignored", {.default_rate_ignored = true}, 0, 5, "1 2 3 4 5"},
    {"default-rate-ignored keeps a rate", {.default_rate_ignored = true}, 1, 5, "1"},
    {"negative-rate-hangs", {.negative_rate_hangs = true}, -1, 5, ""},
    {"negative-rate-hangs keeps zero", {.negative_rate_hangs = true}, 0, 5, "1"},
    {"ends-on-overflow", {.ends_on_overflow = true}, TEST_FAST_HZ, 9, "end"},
    {"invented-message",
     {.invented_message = true},
     TEST_FAST_HZ,
     5,
     "1 2 3 welcome to the room 4 5"},
};

static void each_deviates_as_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        print_message("%s\n", cases[i].name);
        driver_init(&driver, &cases[i].misbehave);
        struct srv_stream *stream = driver_subscribe(&driver, "r", cases[i].rate);
        driver_publish_numbers(&driver, "r", cases[i].published);
        assert_string_equal(driver_drain(&driver, stream), cases[i].delivered);
        stream->ops->close(stream);
        driver_release(&driver);
    }
}

static void throttling_drops_loses_what_comes_too_fast(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.throttling_drops = true};
    struct driver driver;
    driver_init(&driver, &misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "r", 10);
    driver_publish(&driver, "r", "1");
    assert_string_equal(driver_drain(&driver, stream), "1");
    static const char *const held[] = {"2", "3", "4"};
    for (size_t i = 0; i < 3; i++) {
        driver_publish(&driver, "r", held[i]);
    }
    driver_publish(&driver, "r", "5");
    for (size_t i = 0; i < 3; i++) {
        driver.now_ns += SL_SECOND;
        assert_string_equal(driver_drain(&driver, stream), held[i]);
    }
    driver.now_ns += SL_SECOND;
    assert_string_equal(driver_drain(&driver, stream), "");
    driver_publish(&driver, "r", "6");
    assert_string_equal(driver_drain(&driver, stream), "6");
    stream->ops->close(stream);
    driver_release(&driver);
}

static void slow_rate_reaches_half(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.slow_rate = true};
    struct driver driver;
    struct srv_pulled pulled;
    driver_init(&driver, &misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "r", 10);
    driver_publish_numbers(&driver, "r", 2);
    assert_string_equal(driver_pull(&driver, stream), "1");
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_WAIT);
    assert_int_equal(pulled.until_ns, driver.now_ns + 200 * SL_MS);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void ends_after_100_does(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.ends_after_100 = true};
    struct driver driver;
    driver_init(&driver, &misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    for (int i = 0; i < 99; i++) {
        driver_publish(&driver, "r", "x");
        assert_string_equal(driver_drain(&driver, stream), "x");
    }
    driver_publish(&driver, "r", "x");
    assert_string_equal(driver_drain(&driver, stream), "x end");
    stream->ops->close(stream);
    driver_release(&driver);
}

static void sees_old_messages_gets_the_last_one_first(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.sees_old_messages = true};
    struct driver driver;
    driver_init(&driver, &misbehave);
    driver_publish_numbers(&driver, "r", 3);
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    driver_publish(&driver, "r", "new");
    assert_string_equal(driver_drain(&driver, stream), "3 new");
    stream->ops->close(stream);
    driver_release(&driver);
}

static void ghost_backlog_haunts_the_next_of_the_room_only(void **state)
{
    (void)state;
    const struct srv_misbehave misbehave = {.ghost_backlog = true};
    struct driver driver;
    driver_init(&driver, &misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "r", 1);
    driver_publish_numbers(&driver, "r", 3);
    assert_string_equal(driver_pull(&driver, stream), "1");
    stream->ops->close(stream);
    struct srv_stream *other = driver_subscribe(&driver, "other", TEST_FAST_HZ);
    assert_string_equal(driver_drain(&driver, other), "");
    stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    assert_string_equal(driver_drain(&driver, stream), "2 3");
    stream->ops->close(stream);
    other->ops->close(other);
    driver_release(&driver);
}

struct block_case {
    struct srv_misbehave misbehave;
    bool is_same_room_blocked;
    bool is_other_room_blocked;
};

static void a_stalled_stream_blocks_what_its_name_says(void **state)
{
    (void)state;
    static const struct block_case blocks[] = {
        {{.unbounded_queue = true}, false, false},
        {{.unbounded_queue = true, .stalled_stream_blocks_room = true}, true, false},
        {{.unbounded_queue = true, .stalled_stream_blocks_server = true}, true, true},
        {{.unbounded_queue = true, .stall_blocks_connection = true}, true, true},
    };
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        struct driver driver;
        driver_init(&driver, &blocks[i].misbehave);
        struct srv_stream *stalled = driver_subscribe(&driver, "r", TEST_FAST_HZ);
        struct srv_stream *same = driver_subscribe(&driver, "r", TEST_FAST_HZ);
        struct srv_stream *other = driver_subscribe(&driver, "other", TEST_FAST_HZ);
        driver_publish(&driver, "r", "0");
        assert_string_equal(driver_pull(&driver, stalled), "0"); /* and is not taken */
        assert_string_equal(driver_drain(&driver, same), "0");
        driver_publish_numbers(&driver, "r", 8);
        driver_publish(&driver, "other", "x");
        assert_string_equal(driver_drain(&driver, same),
                            blocks[i].is_same_room_blocked ? "" : "1 2 3 4 5 6 7 8");
        assert_string_equal(driver_drain(&driver, other),
                            blocks[i].is_other_room_blocked ? "" : "x");
        driver_sent(&driver, stalled);
        assert_string_equal(driver_drain(&driver, same),
                            blocks[i].is_same_room_blocked ? "1 2 3 4 5 6 7 8" : "");
        stalled->ops->close(stalled);
        same->ops->close(same);
        other->ops->close(other);
        driver_release(&driver);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_deviates_as_it_says),
        cmocka_unit_test(throttling_drops_loses_what_comes_too_fast),
        cmocka_unit_test(slow_rate_reaches_half),
        cmocka_unit_test(ends_after_100_does),
        cmocka_unit_test(sees_old_messages_gets_the_last_one_first),
        cmocka_unit_test(ghost_backlog_haunts_the_next_of_the_room_only),
        cmocka_unit_test(a_stalled_stream_blocks_what_its_name_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
