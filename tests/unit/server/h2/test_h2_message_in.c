/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/message_in.h"

#include "lib/base/alloc.h"
#include "lib/wire/message.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/every_split.h"

enum {
    MAX = 64,
    BODY_MAX = 64 * 1024,
};

static void add(struct sl_buf *body, uint8_t flag, const char *payload)
{
    assert_int_equal(sl_message_write(body, flag, sl_span_str(payload)), SL_OK);
}

static void add_zipped(struct sl_buf *body, struct sl_span payload)
{
    struct sl_buf zipped;
    sl_buf_init(&zipped, BODY_MAX);
    assert_int_equal(sl_message_compress(sl_span_str("gzip"), payload, &zipped), SL_OK);
    assert_int_equal(sl_message_write(body, 1, sl_buf_span(&zipped)), SL_OK);
    sl_buf_release(&zipped);
}

/* Feeds all of body; writes a line for each message and for the end. */
static void run(struct srv_h2_message_in *in, struct sl_span body, struct sl_buf *out)
{
    struct srv_frame *frame = NULL;
    struct srv_h2_refusal refusal;
    enum srv_h2_fed fed = SRV_H2_FED_MESSAGE;
    while (fed == SRV_H2_FED_MESSAGE) {
        fed = srv_h2_message_in_feed(in, &body, &frame, &refusal);
        if (fed == SRV_H2_FED_MESSAGE) {
            (void)sl_buf_addf(out, "message %.*s\n", SL_SPAN_ARG(srv_frame_span(frame)));
            srv_frame_unref(frame);
        }
    }
    if (fed == SRV_H2_FED_REFUSED) {
        (void)sl_buf_addf(out, "refused %s\n", sl_grpc_status_name(refusal.status));
    }
}

struct decoder {
    struct srv_h2_message_in in;
    struct sl_buf *transcript;
};

static void *decoder_begin(void *context, struct sl_buf *transcript)
{
    struct decoder *decoder = sl_alloc(sizeof(*decoder));
    const bool *takes_one = context;
    srv_h2_message_in_init(&decoder->in, MAX, *takes_one, SRV_H2_GZIP);
    decoder->transcript = transcript;
    return decoder;
}

static void decoder_feed(void *owner, struct sl_span piece)
{
    struct decoder *decoder = owner;
    run(&decoder->in, piece, decoder->transcript);
}

static void decoder_end(void *owner, struct sl_buf *transcript)
{
    struct decoder *decoder = owner;
    if (!decoder->in.is_refused) {
        struct srv_h2_refusal end = srv_h2_message_in_end(&decoder->in);
        (void)sl_buf_addf(transcript, "end %s\n",
                          end.how == SRV_H2_SERVED ? "OK" : sl_grpc_status_name(end.status));
    }
    srv_h2_message_in_release(&decoder->in);
    sl_free(decoder);
}

static void check_splits(bool takes_one, const struct sl_buf *body)
{
    static const struct test_decoder decoder = {decoder_begin, decoder_feed, decoder_end};
    test_every_split(&decoder, &takes_one, sl_buf_span(body));
}

/* What becomes of body, fed whole and ended; checked for every split too. */
static void check(bool takes_one, struct sl_buf *body, const char *expected)
{
    struct sl_buf transcript;
    sl_buf_init(&transcript, BODY_MAX);
    struct decoder *decoder = decoder_begin(&takes_one, &transcript);
    decoder_feed(decoder, sl_buf_span(body));
    decoder_end(decoder, &transcript);
    assert_string_equal(sl_buf_str(&transcript), expected);
    sl_buf_release(&transcript);
    check_splits(takes_one, body);
    sl_buf_clear(body);
}

static void messages_are_the_same_however_they_are_cut(void **state)
{
    struct sl_buf *body = *state;
    add(body, 0, "one");
    add(body, 0, "");
    add_zipped(body, sl_span_str("three"));
    add(body, 0, "four");
    check(false, body, "message one\nmessage \nmessage three\nmessage four\nend OK\n");
}

static void a_method_that_takes_one_message_gets_one(void **state)
{
    struct sl_buf *body = *state;
    add(body, 0, "one");
    check(true, body, "message one\nend OK\n");
    check(true, body, "end UNIMPLEMENTED\n");
    check(false, body, "end OK\n");
    add(body, 0, "one");
    add(body, 0, "two");
    check(true, body, "message one\nrefused UNIMPLEMENTED\n");
}

static void an_unfinished_message_is_never_handed_out(void **state)
{
    struct sl_buf *body = *state;
    add(body, 0, "one");
    (void)sl_buf_add(body, "\0\0\0", 3);
    check(true, body, "message one\nend INTERNAL\n");
    add(body, 0, "unfinished");
    body->len--;
    check(true, body, "end INTERNAL\n");
}

static void flags_are_checked_with_the_prefix(void **state)
{
    struct sl_buf *body = *state;
    for (unsigned flag = 2; flag <= UINT8_MAX; flag++) {
        add(body, (uint8_t)flag, "x");
        check(true, body, "refused INTERNAL\n");
    }
    struct srv_h2_message_in in;
    srv_h2_message_in_init(&in, MAX, true, SRV_H2_IDENTITY);
    struct sl_buf transcript;
    sl_buf_init(&transcript, BODY_MAX);
    run(&in, sl_span("\1\0\0\0\1", 5), &transcript);
    assert_string_equal(sl_buf_str(&transcript), "refused INTERNAL\n");
    sl_buf_release(&transcript);
}

static void a_message_of_the_limit_passes_and_one_byte_more_does_not(void **state)
{
    struct sl_buf *body = *state;
    char payload[MAX + 2] = {0};
    memset(payload, 'x', MAX);
    add(body, 0, payload);
    check(true, body,
          "message xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nend OK\n");
    payload[MAX] = 'x';
    add(body, 0, payload);
    check(true, body, "refused RESOURCE_EXHAUSTED\n");
    (void)sl_buf_add(body, "\0\xff\xff\xff\xff", 5); /* the prefix alone tells */
    check(true, body, "refused RESOURCE_EXHAUSTED\n");
}

static void what_comes_after_a_refusal_is_dropped(void **state)
{
    (void)state;
    struct srv_h2_message_in in;
    srv_h2_message_in_init(&in, MAX, true, SRV_H2_IDENTITY);
    struct sl_buf transcript;
    sl_buf_init(&transcript, BODY_MAX);
    run(&in, sl_span("\2\0\0\0\0", 5), &transcript);
    run(&in, sl_span("\0\0\0\0\0\0\0\0\0\0", 10), &transcript);
    assert_string_equal(sl_buf_str(&transcript), "refused INTERNAL\n");
    sl_buf_release(&transcript);
}

static void a_bomb_is_inflated_to_the_limit_only(void **state)
{
    struct sl_buf *body = *state;
    static const uint8_t zeros[8 * 1024];
    add_zipped(body, sl_span(zeros, sizeof zeros));
    assert_true(body->len < MAX + 5);
    check(true, body, "refused RESOURCE_EXHAUSTED\n");
}

static void damaged_gzip_is_refused(void **state)
{
    struct sl_buf *body = *state;
    add(body, 1, "no gzip at all");
    check(true, body, "refused INTERNAL\n");
    add(body, 1, "");
    check(true, body, "refused INTERNAL\n");
    add_zipped(body, sl_span_str("damaged"));
    body->data[body->len - 5] ^= 1; /* of the checksum */
    check(true, body, "refused INTERNAL\n");
}

static void it_is_known_whether_a_message_came_compressed(void **state)
{
    struct sl_buf *body = *state;
    struct srv_h2_message_in in;
    struct sl_buf transcript;
    sl_buf_init(&transcript, BODY_MAX);
    srv_h2_message_in_init(&in, MAX, false, SRV_H2_GZIP);
    add_zipped(body, sl_span_str("a"));
    run(&in, sl_buf_span(body), &transcript);
    assert_true(in.is_zipped);
    sl_buf_clear(body);
    add(body, 0, "b");
    run(&in, sl_buf_span(body), &transcript);
    assert_false(in.is_zipped);
    srv_h2_message_in_release(&in);
    sl_buf_release(&transcript);
}

static void memory_follows_the_bytes_that_came(void **state)
{
    (void)state;
    const uint32_t length = 4 * 1024 * 1024;
    static const uint8_t zeros[1000];
    const uint8_t prefix[] = {0, 0, 0x40, 0, 0};
    struct srv_h2_message_in in;
    struct sl_span piece = sl_span(prefix, sizeof prefix);
    struct srv_frame *frame = NULL;
    struct srv_h2_refusal refusal;
    srv_h2_message_in_init(&in, length, true, SRV_H2_IDENTITY);
    assert_int_equal(srv_h2_message_in_feed(&in, &piece, &frame, &refusal), SRV_H2_FED_ALL);
    assert_true(in.frame == NULL || in.frame->len == 0);
    for (size_t came = sizeof zeros; came < 20 * sizeof zeros; came += sizeof zeros) {
        piece = sl_span(zeros, sizeof zeros);
        assert_int_equal(srv_h2_message_in_feed(&in, &piece, &frame, &refusal), SRV_H2_FED_ALL);
        assert_true(in.frame->len <= came * 2);
    }
    srv_h2_message_in_release(&in);
}

static int new_body(void **state)
{
    struct sl_buf *body = sl_alloc(sizeof(*body));
    sl_buf_init(body, BODY_MAX);
    *state = body;
    return 0;
}

static int free_body(void **state)
{
    struct sl_buf *body = *state;
    sl_buf_release(body);
    sl_free(body);
    return 0;
}

#define WITH_BODY(test) cmocka_unit_test_setup_teardown(test, new_body, free_body)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BODY(messages_are_the_same_however_they_are_cut),
        WITH_BODY(a_method_that_takes_one_message_gets_one),
        WITH_BODY(an_unfinished_message_is_never_handed_out),
        WITH_BODY(flags_are_checked_with_the_prefix),
        WITH_BODY(a_message_of_the_limit_passes_and_one_byte_more_does_not),
        WITH_BODY(what_comes_after_a_refusal_is_dropped),
        WITH_BODY(a_bomb_is_inflated_to_the_limit_only),
        WITH_BODY(damaged_gzip_is_refused),
        WITH_BODY(it_is_known_whether_a_message_came_compressed),
        WITH_BODY(memory_follows_the_bytes_that_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
