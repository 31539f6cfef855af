/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/server/driver.h"

enum {
    REQUEST_ID_FIELD = 34, /* bytes of a new id in a reply: tag, length, 32 digits */
};

struct send_case {
    const char *name;
    struct srv_misbehave misbehave;
    const char *room;
    const char *text;
    const char *reply; /* the bytes of the ActionResponse */
    const char *heard;
};

#define ACCEPTED "\x10\x01"
#define REJECTED \
    "\x1a\x14"   \
    "missing room or text"

static const struct send_case cases[] = {
    {"complete", {0}, "r", "t", ACCEPTED, "t"},
    {"white space is text", {0}, "r", " ", ACCEPTED, " "},
    {"no text", {0}, "r", "", REJECTED, "wait"},
    {"no room", {0}, "", "t", REJECTED, "wait"},
    {"neither", {0}, "", "", REJECTED, "wait"},
    {"reject-without-reason", {.reject_without_reason = true}, "r", "", "", "wait"},
    {"accepts-empty-text", {.accepts_empty_text = true}, "r", "", ACCEPTED, ""},
    {"accepts-empty-text needs a room", {.accepts_empty_text = true}, "", "", REJECTED, "wait"},
    {"broadcasts-rejected", {.broadcasts_rejected = true}, "r", "", REJECTED, ""},
};

static void each_is_answered_and_broadcast_as_the_contract_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct driver driver;
        print_message("%s\n", cases[i].name);
        driver_init(&driver, &cases[i].misbehave);
        struct srv_stream *stream = driver_subscribe(&driver, "r", TEST_FAST_HZ);
        struct srv_answer answer = driver_send(&driver, cases[i].room, cases[i].text);
        assert_int_equal(answer.status, SL_GRPC_OK);
        test_span_is(sl_span_from(srv_frame_span(answer.reply), REQUEST_ID_FIELD), cases[i].reply);
        driver_drop(answer);
        assert_string_equal(driver_pull(&driver, stream), cases[i].heard);
        stream->ops->close(stream);
        driver_release(&driver);
    }
}

static void what_is_no_message_is_an_internal_error(void **state)
{
    (void)state;
    struct driver driver;
    driver_init(&driver, NULL);
    struct srv_answer answer = driver_send_frame(&driver, srv_frame_copy(sl_span_str("\x22\x09")));
    assert_int_equal(answer.status, SL_GRPC_INTERNAL);
    assert_null(answer.reply);
    driver_release(&driver);
}

/* The message that a subscriber gets of one that was sent. */
static void send_and_hear(const struct srv_misbehave *misbehave, const struct srv_message *message,
                          struct srv_frame **ret_frame)
{
    struct driver driver;
    struct srv_pulled pulled;
    driver_init(&driver, misbehave);
    struct srv_stream *stream = driver_subscribe(&driver, "r", 1);
    driver_drop(driver_send_frame(&driver, srv_message_encode(message)));
    assert_int_equal(stream->ops->pull(stream, driver.now_ns, &pulled), SRV_PULL_FRAME);
    *ret_frame = pulled.frame;
    stream->ops->close(stream);
    driver_release(&driver);
}

static void the_wrong_ones_alter_what_their_name_says(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text));
    memcpy(text + 1023, "\xc3\xa9", 2); /* the cut would halve it */
    struct srv_message message = {.room_id = sl_span_str("r"),
                                  .text = sl_span(text, sizeof(text)),
                                  .created_at = (INT64_C(1) << 53) + 1};
    struct srv_message heard;
    struct srv_frame *frame = NULL;
    const struct srv_misbehave truncated = {.text_truncated = true};
    send_and_hear(&truncated, &message, &frame);
    assert_true(srv_message_decode(srv_frame_span(frame), &heard));
    assert_int_equal(heard.text.len, 1023);
    assert_true(heard.created_at == message.created_at);
    srv_frame_unref(frame);

    const struct srv_misbehave rounded = {.int64_through_double = true};
    send_and_hear(&rounded, &message, &frame);
    assert_true(srv_message_decode(srv_frame_span(frame), &heard));
    assert_int_equal(heard.text.len, sizeof(text));
    assert_true(heard.created_at == INT64_C(1) << 53);
    srv_frame_unref(frame);

    const struct srv_misbehave cut = {.nul_truncated = true};
    message.text = sl_span("a\0b", 3);
    send_and_hear(&cut, &message, &frame);
    assert_true(srv_message_decode(srv_frame_span(frame), &heard));
    test_span_is(heard.text, "a");
    srv_frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_answered_and_broadcast_as_the_contract_says),
        cmocka_unit_test(what_is_no_message_is_an_internal_error),
        cmocka_unit_test(the_wrong_ones_alter_what_their_name_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
