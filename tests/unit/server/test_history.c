/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/history.h"

#include "tests/unit/server/driver.h"

enum {
    KEPT = 4, /* messages a room keeps */
};

/* ---- the list itself ---- */

static struct srv_frame *message_of(int number, size_t size)
{
    char id[16];
    (void)snprintf(id, sizeof(id), "m%d", number);
    struct sl_buf text;
    sl_buf_init(&text, size + 16);
    (void)sl_buf_addf(&text, "%d", number);
    while (text.len < size) {
        (void)sl_buf_add_u8(&text, 'x');
    }
    const struct srv_message message = {
        .message_id = sl_span_str(id), .room_id = sl_span_str("r"), .text = sl_buf_span(&text)};
    struct srv_frame *frame = srv_message_encode(&message);
    sl_buf_release(&text);
    return frame;
}

static void add(struct srv_history *history, int number, size_t size)
{
    struct srv_frame *frame = message_of(number, size);
    srv_history_add(history, frame);
    srv_frame_unref(frame);
}

static void the_oldest_go_by_count_and_by_bytes(void **state)
{
    (void)state;
    struct srv_history history;
    size_t place = 0;
    srv_history_init(&history, KEPT);
    for (int i = 1; i <= KEPT + 2; i++) {
        add(&history, i, 1);
    }
    assert_int_equal(history.messages.count, KEPT);
    assert_false(srv_history_find(&history, sl_span_str("m2"), &place));
    assert_true(srv_history_find(&history, sl_span_str("m3"), &place));
    assert_int_equal(place, 0);
    add(&history, 7, SRV_HISTORY_ROOM_BYTES - 1024);
    assert_true(srv_history_find(&history, sl_span_str("m6"), &place));
    add(&history, 8, SRV_HISTORY_ROOM_BYTES / 2);
    assert_int_equal(history.messages.count, 1);
    assert_true(history.bytes <= SRV_HISTORY_ROOM_BYTES);
    add(&history, 9, SRV_HISTORY_ROOM_BYTES);
    assert_int_equal(history.messages.count, 0);
    assert_int_equal(history.bytes, 0);
    srv_history_release(&history);
}

/* ---- subscriptions that ask for it ---- */

static void set_up(struct driver *driver, const struct srv_misbehave *misbehave)
{
    driver_init(driver, misbehave);
    driver->chat.rooms.history = KEPT;
}

static void publish(struct driver *driver, int from, int to)
{
    for (int i = from; i <= to; i++) {
        driver_drop(driver_send_frame(driver, message_of(i, 1)));
    }
}

static struct srv_answer try_subscribe(struct driver *driver, int history, const char *after,
                                       struct srv_stream **ret_stream)
{
    struct srv_answer refusal = {.text = ""};
    struct sl_buf buf;
    sl_buf_init(&buf, TEST_TEXT_MAX);
    (void)sl_buf_add_str(&buf, "\x0a\x01r\x10");
    (void)sl_buf_add_varint(&buf, TEST_FAST_HZ);
    (void)sl_buf_add_u8(&buf, 0x18);
    (void)sl_buf_add_varint(&buf, (uint64_t)(int64_t)history);
    (void)sl_buf_add_u8(&buf, 0x22);
    (void)sl_buf_add_varint(&buf, strlen(after));
    (void)sl_buf_add_str(&buf, after);
    *ret_stream = srv_subscribe(&driver->chat, sl_buf_span(&buf), 1, driver->now_ns, &refusal);
    sl_buf_release(&buf);
    return refusal;
}

struct history_case {
    const char *name;
    struct srv_misbehave misbehave;
    int history;
    const char *after;
    const char *delivered; /* "m1" to "m6" came before, 7 and 8 at once after it */
};

/* The right server first. */
static const struct history_case cases[] = {
    {"nothing asked", {0}, 0, "", "7 8"},
    {"a negative number", {0}, -1, "", "7 8"},
    {"some", {0}, 2, "", "5 6 7 8"},
    {"more than is kept", {0}, 100, "", "3 4 5 6 7 8"},
    {"resume", {0}, 0, "m4", "5 6 7 8"},
    {"resume behind the last", {0}, 0, "m6", "7 8"},
    {"resume wins", {0}, 100, "m5", "6 7 8"},
    {"history-ignored", {.history_ignored = true}, 2, "", "7 8"},
    {"history-too-many", {.history_too_many = true}, 2, "", "4 5 6 7 8"},
    {"history-newest-first", {.history_newest_first = true}, 2, "", "6 5 7 8"},
    {"history-seam-hole", {.history_seam_hole = true}, 2, "", "5 6"},
    {"history-seam-duplicate", {.history_seam_duplicate = true}, 2, "", "7 8 7 8"},
    {"resume-silent-gap", {.resume_silent_gap = true}, 0, "m1", "7 8"},
    {"resume-repeats-last", {.resume_repeats_last = true}, 0, "m5", "5 6 7 8"},
    {"resume-skips-one", {.resume_skips_one = true}, 0, "m4", "6 7 8"},
    {"ready-before-registered", {.ready_before_registered = true}, 0, "", ""},
};

static void the_past_comes_first_and_then_what_is_live(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        struct srv_stream *stream = NULL;
        print_message("%s\n", cases[i].name);
        set_up(&driver, &cases[i].misbehave);
        publish(&driver, 1, 6);
        (void)try_subscribe(&driver, cases[i].history, cases[i].after, &stream);
        assert_non_null(stream);
        publish(&driver, 7, 8);
        driver.now_ns += SL_SECOND;
        assert_string_equal(driver_drain(&driver, stream), cases[i].delivered);
        stream->ops->close(stream);
        driver_release(&driver);
    }
}

static void what_is_gone_is_told(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *stream = NULL;
    set_up(&driver, NULL);
    assert_int_equal(try_subscribe(&driver, 0, "m1", &stream).status, SL_GRPC_OUT_OF_RANGE);
    publish(&driver, 1, 6);
    assert_int_equal(try_subscribe(&driver, 9, "m2", &stream).status, SL_GRPC_OUT_OF_RANGE);
    assert_null(stream);
    driver_release(&driver);
}

static void rooms_that_nobody_is_in_are_forgotten(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *stream = NULL;
    set_up(&driver, NULL);
    publish(&driver, 1, 2);
    driver.now_ns += SRV_ROOMS_KEEP_NS;
    (void)try_subscribe(&driver, 9, "", &stream);
    assert_string_equal(driver_drain(&driver, stream), "1 2");
    driver.now_ns += 2 * SRV_ROOMS_KEEP_NS;
    driver_publish(&driver, "other", "x");
    stream->ops->close(stream);
    driver.now_ns += SRV_ROOMS_KEEP_NS - SL_SECOND;
    (void)try_subscribe(&driver, 9, "", &stream);
    assert_string_equal(driver_drain(&driver, stream), "1 2");
    stream->ops->close(stream);
    driver.now_ns += SRV_ROOMS_KEEP_NS + SL_SECOND;
    driver_publish(&driver, "third", "x");
    (void)try_subscribe(&driver, 9, "", &stream);
    assert_string_equal(driver_drain(&driver, stream), "");
    stream->ops->close(stream);
    for (int i = 0; i < SRV_ROOMS_IDLE_MAX + 50; i++) {
        char room[16];
        (void)snprintf(room, sizeof(room), "r%d", i);
        driver_publish(&driver, room, "x");
    }
    assert_int_equal(driver.chat.rooms.idle_count, SRV_ROOMS_IDLE_MAX);
    driver_release(&driver);
}

static void all_histories_together_are_bounded(void **state)
{
    (void)state;
    struct driver driver;
    struct srv_stream *streams[8];
    struct sl_buf text;
    set_up(&driver, NULL);
    sl_buf_init(&text, SRV_HISTORY_ROOM_BYTES);
    while (text.len < SRV_HISTORY_ROOM_BYTES - 1024) {
        (void)sl_buf_add_u8(&text, 'x');
    }
    for (size_t i = 0; i < 8; i++) {
        char room[16];
        (void)snprintf(room, sizeof(room), "r%zu", i);
        streams[i] = driver_subscribe(&driver, room, 1);
        const struct srv_message message = {.room_id = sl_span_str(room),
                                            .text = sl_buf_span(&text)};
        driver_drop(driver_send_frame(&driver, srv_message_encode(&message)));
        assert_true(driver.chat.rooms.history_bytes <= SRV_ROOMS_HISTORY_BYTES);
    }
    assert_true(driver.chat.rooms.history_bytes > SRV_ROOMS_HISTORY_BYTES / 2);
    for (size_t i = 0; i < 8; i++) {
        streams[i]->ops->close(streams[i]);
    }
    sl_buf_release(&text);
    driver_release(&driver);
}

/* ---- the drop report ---- */

static uint64_t reported(const struct srv_misbehave *misbehave, bool *ret_is_told)
{
    struct driver driver;
    struct srv_trailer trailer = {0};
    driver_init(&driver, misbehave);
    struct srv_stream *other = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
    publish(&driver, 1, TEST_BUFFER + 3);
    *ret_is_told = stream->ops->trailer(stream, &trailer);
    assert_string_equal(trailer.name, "chat-dropped");
    stream->ops->close(stream);
    other->ops->close(other);
    driver_release(&driver);
    return trailer.value;
}

static void the_report_is_what_the_buffer_dropped(void **state)
{
    (void)state;
    bool is_told = false;
    assert_int_equal(reported(NULL, &is_told), 3);
    assert_true(is_told);
    assert_int_equal(reported(&(struct srv_misbehave){.drop_report_off_by_one = true}, &is_told),
                     2);
    assert_int_equal(reported(&(struct srv_misbehave){.drop_report_of_room = true}, &is_told), 6);
    (void)reported(&(struct srv_misbehave){.drop_report_missing = true}, &is_told);
    assert_false(is_told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go_by_count_and_by_bytes),
        cmocka_unit_test(the_past_comes_first_and_then_what_is_live),
        cmocka_unit_test(what_is_gone_is_told),
        cmocka_unit_test(rooms_that_nobody_is_in_are_forgotten),
        cmocka_unit_test(all_histories_together_are_bounded),
        cmocka_unit_test(the_report_is_what_the_buffer_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
