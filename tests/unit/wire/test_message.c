/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"
#include "lib/wire/message.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/every_split.h"

struct reader {
    struct sl_splitter splitter;
    struct sl_buf *transcript;
};

static void write_message(struct sl_buf *out, const struct sl_message *message)
{
    (void)sl_buf_addf(out, "message %llu flag %u length %u received %llu '%.*s'%s%s\n",
                      (unsigned long long)message->index, message->flag, message->length,
                      (unsigned long long)message->received, SL_SPAN_ARG(message->payload),
                      message->is_complete ? "" : " incomplete", message->is_cut ? " cut" : "");
}

static void on_message(void *owner, const struct sl_message *message)
{
    struct reader *reader = owner;
    write_message(reader->transcript, message);
}

static void on_prefix(void *owner, uint8_t flag, uint32_t length)
{
    struct reader *reader = owner;
    (void)sl_buf_addf(reader->transcript, "prefix flag %u length %u\n", flag, length);
}

static void *begin(void *context, struct sl_buf *transcript)
{
    struct reader *reader = sl_alloc(sizeof *reader);
    reader->transcript = transcript;
    sl_splitter_init(&reader->splitter, *(const size_t *)context);
    reader->splitter.prefix_fn = on_prefix;
    return reader;
}

static void feed(void *decoder, struct sl_span piece)
{
    struct reader *reader = decoder;
    sl_splitter_feed(&reader->splitter, piece, on_message, reader);
}

static void end(void *decoder, struct sl_buf *transcript)
{
    struct reader *reader = decoder;
    struct sl_message message;
    if (sl_splitter_partial(&reader->splitter, &message)) {
        write_message(transcript, &message);
    }
    sl_splitter_release(&reader->splitter);
    sl_free(reader);
}

static void stream_of_messages(struct sl_buf *out)
{
    sl_buf_init(out, 256);
    assert_int_equal(sl_message_write(out, 0, sl_span_str("first")), SL_OK);
    assert_int_equal(sl_message_write(out, 0, sl_span_str("")), SL_OK);
    assert_int_equal(sl_message_write(out, 1, sl_span_str("the second is longer")), SL_OK);
    assert_int_equal(sl_buf_add(out, "\0\0\0\0\x20partial", 12), SL_OK);
}

static void every_split_gives_the_same_messages(void **state)
{
    (void)state;
    static const struct test_decoder decoder = {.begin = begin, .feed = feed, .end = end};
    struct sl_buf stream;
    stream_of_messages(&stream);
    size_t keep_all = 1024;
    size_t keep_some = 7;
    size_t keep_none = 0;
    test_every_split(&decoder, &keep_all, sl_buf_span(&stream));
    test_every_split(&decoder, &keep_some, sl_buf_span(&stream));
    test_every_split(&decoder, &keep_none, sl_buf_span(&stream));
    sl_buf_release(&stream);
}

static void messages_come_with_their_numbers(void **state)
{
    (void)state;
    struct sl_buf stream;
    struct sl_buf text;
    stream_of_messages(&stream);
    sl_buf_init(&text, 4096);
    size_t keep = 6;
    struct reader *reader = begin(&keep, &text);
    feed(reader, sl_buf_span(&stream));
    assert_int_equal(reader->splitter.count, 3);
    end(reader, &text);
    test_span_is(sl_buf_span(&text),
                 "prefix flag 0 length 5\n"
                 "message 1 flag 0 length 5 received 5 'first'\n"
                 "prefix flag 0 length 0\n"
                 "message 2 flag 0 length 0 received 0 ''\n"
                 "prefix flag 1 length 20\n"
                 "message 3 flag 1 length 20 received 20 'the se' cut\n"
                 "prefix flag 0 length 32\n"
                 "message 4 flag 0 length 32 received 7 'partia' incomplete cut\n");
    sl_buf_release(&stream);
    sl_buf_release(&text);
}

static void const_owner_message(void *owner, const struct sl_message *message)
{
    const uint8_t **seen = owner;
    *seen = message->payload.data;
}

static void a_whole_message_is_handed_out_in_place(void **state)
{
    (void)state;
    struct sl_buf stream;
    stream_of_messages(&stream);
    struct sl_splitter splitter;
    sl_splitter_init(&splitter, 1024);
    const uint8_t *seen = NULL;
    sl_splitter_feed(&splitter, sl_span(stream.data, 10), const_owner_message, &seen);
    assert_ptr_equal(seen, stream.data + SL_MESSAGE_PREFIX_SIZE);
    assert_true(sl_splitter_is_idle(&splitter));
    assert_null(splitter.payload.data);
    sl_splitter_release(&splitter);
    sl_buf_release(&stream);
}

static void a_hole_inside_a_payload_costs_that_message_alone(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, 4096);
    size_t keep = 64;
    struct reader *reader = begin(&keep, &text);
    reader->splitter.prefix_fn = NULL;
    feed(reader, sl_span("\0\0\0\0\x08"
                         "ab",
                         7));
    assert_true(sl_splitter_skip(&reader->splitter, 3, on_message, reader));
    feed(reader, sl_span("fgh"
                         "\0\0\0\0\1x",
                         9));
    feed(reader, sl_span("\0\0\0\0\4y", 6));
    assert_true(sl_splitter_skip(&reader->splitter, 3, on_message, reader));
    feed(reader, sl_span("\0\0\0\0\1z\0\0", 8));
    assert_false(sl_splitter_skip(&reader->splitter, 1, on_message, reader));
    feed(reader, sl_span("\0\0\0\0\1w", 6));
    assert_int_equal(reader->splitter.count, 3);
    end(reader, &text);
    test_span_is(sl_buf_span(&text), "message 1 flag 0 length 8 received 8 'ab' incomplete cut\n"
                                     "message 2 flag 0 length 1 received 1 'x'\n"
                                     "message 3 flag 0 length 4 received 4 'y' incomplete cut\n"
                                     "message 4 flag 0 length 1 received 1 'z'\n"
                                     "message 5 flag 0 length 1 received 1 'w'\n");
    sl_buf_release(&text);
}

static void a_message_too_big_for_the_buffer_is_not_begun(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 9);
    assert_int_equal(sl_message_write(&out, 0, sl_span_str("12345")), SL_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(sl_message_write(&out, 0, sl_span_str("1234")), SL_OK);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_messages),
        cmocka_unit_test(messages_come_with_their_numbers),
        cmocka_unit_test(a_whole_message_is_handed_out_in_place),
        cmocka_unit_test(a_hole_inside_a_payload_costs_that_message_alone),
        cmocka_unit_test(a_message_too_big_for_the_buffer_is_not_begun),
    };
    return cmocka_run_group_tests_name("wire/message", tests, NULL, NULL);
}
