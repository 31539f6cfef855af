/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/every_split.h"

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

enum {
    TAIL =
        24, /* more than a header and the field behind it: what a decoder may hold back at an end */
};

/* A run's transcript, and how long it was before the decoder heard of the end. */
struct transcript {
    struct sl_buf text;
    size_t before_end;
};

static void feed_copy(const struct test_decoder *decoder, void *self, struct sl_span piece)
{
    if (piece.len == 0) {
        return;
    }
    uint8_t *copy = sl_alloc(piece.len);
    memcpy(copy, piece.data, piece.len);
    decoder->feed(self, sl_span(copy, piece.len));
    sl_free(copy);
}

/*
 * Feeds input in pieces: the first of first bytes, the others of step bytes. ret_lengths, when not NULL, gets how long
 * the transcript is after each piece.
 */
static void run(const struct test_decoder *decoder, void *context, struct sl_span input,
                const size_t steps[2], struct transcript *ret_transcript, size_t *ret_lengths)
{
    sl_buf_init(&ret_transcript->text, TEST_TRANSCRIPT_MAX);
    void *self = decoder->begin(context, &ret_transcript->text);
    struct sl_span rest = input;
    for (size_t i = 0; rest.len > 0; i++) {
        size_t step = i == 0 && steps[0] > 0 ? steps[0] : steps[1];
        feed_copy(decoder, self, sl_span_first(rest, step));
        rest = sl_span_from(rest, step);
        if (ret_lengths != NULL) {
            ret_lengths[i] = ret_transcript->text.len;
        }
    }
    ret_transcript->before_end = ret_transcript->text.len;
    decoder->end(self, &ret_transcript->text);
}

static void expect_equal(struct transcript *expected, struct transcript *seen, const char *how,
                         size_t at)
{
    if (!sl_span_equal(sl_buf_span(&expected->text), sl_buf_span(&seen->text))) {
        print_error("%s at %zu differs\n--- whole:\n%s\n--- cut:\n%s\n", how, at,
                    sl_buf_str(&expected->text), sl_buf_str(&seen->text));
        fail();
    }
}

static void check_cuts(const struct test_decoder *decoder, void *context, struct sl_span input,
                       struct transcript *whole)
{
    for (size_t cut = 1; cut < input.len; cut++) {
        struct transcript seen;
        run(decoder, context, input, (const size_t[2]){cut, input.len}, &seen, NULL);
        expect_equal(whole, &seen, "cut", cut);
        sl_buf_release(&seen.text);
    }
}

/* ret_lengths: of the transcript before the end, behind each byte. */
static void check_bytes(const struct test_decoder *decoder, void *context, struct sl_span input,
                        struct transcript *whole, size_t *ret_lengths)
{
    struct transcript seen;
    run(decoder, context, input, (const size_t[2]){1, 1}, &seen, ret_lengths);
    expect_equal(whole, &seen, "step", 1);
    sl_buf_release(&seen.text);
}

/* lengths: what byte by byte has been told behind each, which is told of that many at once, too. */
static void check_truncated(const struct test_decoder *decoder, void *context, struct sl_span input,
                            struct transcript *whole, const size_t *lengths)
{
    for (size_t len = 0; len < input.len; len++) {
        struct sl_span part = sl_span_first(input, len);
        struct transcript at_once;
        struct transcript by_byte;
        run(decoder, context, part, (const size_t[2]){len, 1}, &at_once, NULL);
        size_t tail = len < TAIL ? len : TAIL;
        run(decoder, context, part, (const size_t[2]){len - tail, 1}, &by_byte, NULL);
        expect_equal(&at_once, &by_byte, "truncation", len);
        bool is_prefix = at_once.before_end <= whole->text.len &&
                         (at_once.before_end == 0 ||
                          memcmp(whole->text.data, at_once.text.data, at_once.before_end) == 0);
        if (!is_prefix || (len > 0 && at_once.before_end != lengths[len - 1])) {
            print_error("truncation at %zu is no prefix\n--- whole:\n%s\n--- truncated:\n%s\n", len,
                        sl_buf_str(&whole->text), sl_buf_str(&at_once.text));
            fail();
        }
        sl_buf_release(&at_once.text);
        sl_buf_release(&by_byte.text);
    }
}

void test_every_split(const struct test_decoder *decoder, void *context, struct sl_span input)
{
    struct transcript whole;
    size_t *lengths = sl_alloc((input.len + 1) * sizeof lengths[0]);
    run(decoder, context, input, (const size_t[2]){input.len, input.len}, &whole, NULL);
    check_cuts(decoder, context, input, &whole);
    check_bytes(decoder, context, input, &whole, lengths);
    check_truncated(decoder, context, input, &whole, lengths);
    sl_buf_release(&whole.text);
    sl_free(lengths);
}
