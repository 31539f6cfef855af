/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/server/driver.h"

/* A chat stream sends these, one after the other; "a" and "b" are rooms with a subscriber each. */
struct broadcast_case {
    const char *name;
    struct srv_misbehave misbehave;
    const char *rooms[4]; /* of message 1, 2 ...; NULL: no more */
    const char *texts[4];
    const char *in_a, *in_b;
};

static const struct broadcast_case cases[] = {
    {"to its room", {0}, {"a", "b", "a"}, {"1", "2", "3"}, "1 3", "2"},
    {"without room", {0}, {"a", "", "b"}, {"1", "2", "3"}, "1 2", "3"},
    {"none at all", {0}, {"", "a", ""}, {"1", "2", "3"}, "2", ""},
    {"without text", {0}, {"a", "a", "b"}, {"", "2", ""}, "2", ""},
    {"the first one without text", {0}, {"a", ""}, {"", "2"}, "2", ""},
    {"broadcast-missing", {.broadcast_missing = true}, {"a", "b"}, {"1", "2"}, "", ""},
    {"broadcast-room-of-first-always",
     {.broadcast_room_of_first_always = true},
     {"a", "b"},
     {"1", "2"},
     "1 2",
     ""},
    {"broadcast-without-text", {.broadcast_without_text = true}, {"a", "a"}, {"1", ""}, "1 ", ""},
};

static void send(struct driver *driver, struct srv_stream *chat, const char *room, const char *text)
{
    const struct srv_message message = {.room_id = sl_span_str(room), .text = sl_span_str(text)};
    struct srv_frame *frame = srv_message_encode(&message);
    chat->ops->receive(chat, frame, driver->now_ns);
    srv_frame_unref(frame);
}

static void each_goes_where_it_belongs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        print_message("%s\n", cases[i].name);
        driver_init(&driver, &cases[i].misbehave);
        struct srv_stream *a = driver_subscribe(&driver, "a", TEST_FAST_HZ);
        struct srv_stream *b = driver_subscribe(&driver, "b", TEST_FAST_HZ);
        struct srv_stream *chat = srv_chat_room_open(&driver.chat, driver.now_ns);
        for (size_t j = 0; j < 4 && cases[i].rooms[j] != NULL; j++) {
            send(&driver, chat, cases[i].rooms[j], cases[i].texts[j]);
        }
        assert_string_equal(driver_drain(&driver, a), cases[i].in_a);
        assert_string_equal(driver_drain(&driver, b), cases[i].in_b);
        chat->ops->close(chat);
        a->ops->close(a);
        b->ops->close(b);
        driver_release(&driver);
    }
}

/* The room_id of the copy of a message that names none. */
static void room_of_copy(const struct srv_misbehave *misbehave, char room[TEST_TEXT_MAX])
{
    struct driver driver;
    struct srv_pulled pulled = {0};
    struct srv_message message;
    driver_init(&driver, misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "a", TEST_FAST_HZ);
    struct srv_stream *chat = srv_chat_room_open(&driver.chat, driver.now_ns);
    send(&driver, chat, "a", "");
    send(&driver, chat, "", "2");
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_FRAME);
    assert_true(srv_message_decode(srv_frame_span(pulled.frame), &message));
    (void)snprintf(room, TEST_TEXT_MAX, "%.*s", SL_SPAN_ARG(message.room_id));
    srv_frame_unref(pulled.frame);
    chat->ops->close(chat);
    stream->ops->close(stream);
    driver_release(&driver);
}

static void a_copy_carries_the_room(void **state)
{
    (void)state;
    char room[TEST_TEXT_MAX];
    room_of_copy(NULL, room);
    assert_string_equal(room, "a");
    room_of_copy(&(struct srv_misbehave){.broadcast_room_not_filled = true}, room);
    assert_string_equal(room, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_goes_where_it_belongs),
        cmocka_unit_test(a_copy_carries_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
