/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SERVER_DRIVER_H
#define TEST_SERVER_DRIVER_H

/* A chat core without a front end, at a time that the test owns. */
#include <stdio.h>

#include "lib/base/clock.h"
#include "reference-server/chat/chat_room.h"
#include "reference-server/chat/send_message.h"
#include "reference-server/chat/subscriber.h"
#include "tests/support/cmocka_all.h"

enum {
    TEST_TEXT_MAX = 256,
    TEST_BUFFER = 5,
    TEST_FAST_HZ = 1000000000, /* an interval of 1 ns */
};

#define TEST_UNIX_MS INT64_C(1800000000000)

struct driver {
    struct srv_chat chat;
    uint64_t now_ns;
    unsigned wakes;
    char text[TEST_TEXT_MAX];
};

static inline struct srv_chat_config driver_config(void)
{
    return (struct srv_chat_config){
        .buffer = TEST_BUFFER, .default_rate_hz = 10, .ping_interval_ns = 10 * SL_SECOND};
}

static inline void driver_init_with(struct driver *driver, const struct srv_chat_config *config)
{
    *driver = (struct driver){.now_ns = 1000 * SL_SECOND};
    srv_chat_init(&driver->chat, config);
}

static inline void driver_init(struct driver *driver, const struct srv_misbehave *misbehave)
{
    struct srv_chat_config config = driver_config();
    if (misbehave != NULL) {
        config.misbehave = *misbehave;
    }
    driver_init_with(driver, &config);
}

static inline void driver_release(struct driver *driver)
{
    srv_chat_release(&driver->chat);
}

/* What a client's call brings: no request id of its own. */
static inline struct srv_unary driver_unary(const struct driver *driver)
{
    return (struct srv_unary){.now_ns = driver->now_ns, .unix_ms = TEST_UNIX_MS};
}

static inline void driver_drop(struct srv_answer answer)
{
    srv_frame_unref(answer.reply);
    srv_frame_unref(answer.details);
    srv_frame_unref(answer.request_id);
}

/* Sends the bytes in frame (taken). */
static inline struct srv_answer driver_send_frame(struct driver *driver, struct srv_frame *frame)
{
    const struct srv_unary unary = driver_unary(driver);
    struct srv_answer answer = srv_send_message(&driver->chat, &frame, &unary);
    srv_frame_unref(frame);
    return answer;
}

static inline struct srv_answer driver_send(struct driver *driver, const char *room,
                                            const char *text)
{
    const struct srv_message message = {.room_id = sl_span_str(room), .text = sl_span_str(text)};
    return driver_send_frame(driver, srv_message_encode(&message));
}

static inline void driver_publish(struct driver *driver, const char *room, const char *text)
{
    driver_drop(driver_send(driver, room, text));
}

/* Publishes "1" to "count" to the room. */
static inline void driver_publish_numbers(struct driver *driver, const char *room, int count)
{
    for (int i = 1; i <= count; i++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", i);
        driver_publish(driver, room, text);
    }
}

static inline struct srv_answer driver_try_subscribe(struct driver *driver, const char *room,
                                                     int32_t rate, struct srv_stream **ret_stream)
{
    struct srv_answer refusal = {.text = ""};
    struct sl_buf buf;
    sl_buf_init(&buf, TEST_TEXT_MAX);
    if (room[0] != '\0') {
        (void)sl_buf_add_u8(&buf, 0x0A);
        (void)sl_buf_add_varint(&buf, strlen(room));
        (void)sl_buf_add_str(&buf, room);
    }
    (void)sl_buf_add_u8(&buf, 0x10);
    (void)sl_buf_add_varint(&buf, (uint64_t)(int64_t)rate);
    *ret_stream = srv_subscribe(&driver->chat, sl_buf_span(&buf), 1, driver->now_ns, &refusal);
    sl_buf_release(&buf);
    return refusal;
}

static inline struct srv_stream *driver_subscribe(struct driver *driver, const char *room,
                                                  int32_t rate)
{
    struct srv_stream *stream = NULL;
    (void)driver_try_subscribe(driver, room, rate, &stream);
    assert_non_null(stream);
    return stream;
}

/* The text of the message that the stream gives now, or "wait" or "end". The transport holds it until
 * driver_sent. */
static inline const char *driver_pull(struct driver *driver, struct srv_stream *stream)
{
    struct srv_pulled pulled;
    struct srv_message message;
    switch (stream->ops->pull(stream, driver->now_ns, &pulled)) {
    case SRV_PULL_WAIT:
        return "wait";
    case SRV_PULL_END:
        return "end";
    case SRV_PULL_FRAME:
        break;
    }
    assert_true(srv_message_decode(srv_frame_span(pulled.frame), &message));
    assert_true(message.text.len < sizeof(driver->text));
    (void)snprintf(driver->text, sizeof(driver->text), "%.*s", SL_SPAN_ARG(message.text));
    srv_frame_unref(pulled.frame);
    return driver->text;
}

static inline void driver_sent(struct driver *driver, struct srv_stream *stream)
{
    stream->ops->sent(stream, driver->now_ns);
}

/* Everything that the stream gives, a microsecond apart, as "1 2 3". */
static inline const char *driver_drain(struct driver *driver, struct srv_stream *stream)
{
    static char all[TEST_TEXT_MAX * 4];
    all[0] = '\0';
    for (;;) {
        driver->now_ns += SL_US;
        const char *text = driver_pull(driver, stream);
        if (strcmp(text, "wait") == 0) {
            return all;
        }
        size_t len = strlen(all);
        (void)snprintf(all + len, sizeof(all) - len, "%s%s", len == 0 ? "" : " ", text);
        if (strcmp(text, "end") == 0) {
            return all;
        }
        driver_sent(driver, stream);
    }
}

/* How many messages the stream gives now. */
static inline unsigned driver_drain_count(struct driver *driver, struct srv_stream *stream)
{
    struct srv_pulled pulled;
    unsigned count = 0;
    driver->now_ns += SL_US;
    while (stream->ops->pull(stream, driver->now_ns, &pulled) == SRV_PULL_FRAME) {
        count++;
        srv_frame_unref(pulled.frame);
        driver->now_ns += SL_US;
        stream->ops->sent(stream, driver->now_ns);
    }
    return count;
}

/* Of the drop report. */
static inline uint64_t driver_dropped_of(struct srv_stream *stream)
{
    struct srv_trailer trailer;
    assert_true(stream->ops->trailer(stream, &trailer));
    return trailer.value;
}

/* Of all messages that are alive, each once. */
static inline size_t driver_message_bytes(struct driver *driver)
{
    return atomic_load(&driver->chat.stats.message_bytes);
}

#endif
