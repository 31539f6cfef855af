/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/snappy.h"

#include "lib/wire/message.h"
#include "tests/support/cmocka_all.h"

#define STREAM "\xff\x06\x00\x00sNaPpY"

/* The text below as one block: a literal of 6 bytes, a copy of 17 from 6 back, a literal. */
static const uint8_t raw_block[] = {0x18, 0x14, 'h', 'e', 'l', 'l', 'o', ' ', 0x42, 6, 0, 0, '\n'};
static const char text[] = "hello hello hello hello\n";

enum {
    OUT_MAX = 100,
};

static void expect(const void *bytes, size_t len, enum sl_status wanted, const char *plain)
{
    struct sl_buf out;
    sl_buf_init(&out, OUT_MAX);
    struct sl_span payload = sl_span(bytes, len);
    assert_int_equal(sl_message_decompress(sl_span_str("snappy"), payload, &out), wanted);
    assert_int_equal(out.len, strlen(plain));
    assert_memory_equal(out.data == NULL ? (const uint8_t *)"" : out.data, plain, out.len);
    sl_buf_release(&out);
}
#define EXPECT(bytes, wanted, plain) expect(bytes, sizeof(bytes) - 1, wanted, plain)

static void a_raw_block_is_decoded(void **state)
{
    (void)state;
    expect(raw_block, sizeof raw_block, SL_OK, text);
    EXPECT("\x00", SL_OK, "");
    EXPECT("", SL_MALFORMED, "");
    for (size_t len = 0; len < sizeof raw_block; len++) {
        expect(raw_block, len, SL_MALFORMED, "");
    }
}

static void a_block_past_the_limit_is_not_inflated(void **state)
{
    (void)state;
    /* 4 GiB less 1 by its own account */
    EXPECT("\xff\xff\xff\xff\x0f\x00x", SL_LIMIT, "");
    EXPECT("\x65\x00x", SL_LIMIT, "");
}

/* An uncompressed chunk, whose checksum is another program's, and one to be skipped. */
#define ABC                            \
    "\x01\x07\x00\x00\x6e\x57\xf1\x21" \
    "abc"
#define PADDING "\xfe\x03\x00\x00xyz"

static void chunks_are_put_together(void **state)
{
    (void)state;
    EXPECT(STREAM, SL_OK, "");
    EXPECT(STREAM ABC, SL_OK, "abc");
    EXPECT(STREAM ABC PADDING ABC, SL_OK, "abcabc");
    EXPECT(STREAM ABC STREAM ABC, SL_OK, "abcabc"); /* streams may be joined */
}

static void what_came_before_the_damage_is_kept(void **state)
{
    (void)state;
    EXPECT(STREAM ABC "\x01\x07\x00", SL_MALFORMED, "abc");
    EXPECT(STREAM ABC "\x01\x07\x00\x00\x6e\x57\xf1\x21"
                      "ab",
           SL_MALFORMED, "abc");
    EXPECT(STREAM ABC "\x01\x07\x00\x00\x6e\x57\xf1\x20"
                      "abc",
           SL_MALFORMED, "abc");
    EXPECT(STREAM ABC "\x01\x03\x00\x00"
                      "abc",
           SL_MALFORMED, "abc");
}

static void a_chunk_that_must_not_be_skipped_ends_it(void **state)
{
    (void)state;
    EXPECT(STREAM ABC "\x02\x00\x00\x00" ABC, SL_MALFORMED, "abc");
    EXPECT(STREAM ABC "\xff\x06\x00\x00sNaPpy", SL_MALFORMED, "abc");
}

static void a_compressed_chunk_is_decoded_and_checked(void **state)
{
    (void)state;
    uint8_t framed[10 + 8 + sizeof raw_block] = STREAM "\x00\x11\x00\x00";
    memcpy(framed + 18, raw_block, sizeof raw_block);
    struct sl_buf out;
    sl_buf_init(&out, OUT_MAX);
    /* all checksums but one are wrong */
    unsigned right = 0;
    const uint8_t checksum[4] = {0xfb, 0xe4, 0xec, 0xa5};
    for (unsigned bit = 0; bit <= 32; bit++) {
        memcpy(framed + 14, checksum, 4);
        if (bit < 32) {
            framed[14 + bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        sl_buf_clear(&out);
        if (sl_snappy_decompress(sl_span(framed, sizeof framed), &out) == SL_OK) {
            right++;
            assert_int_equal(bit, 32);
            assert_int_equal(out.len, sizeof text - 1);
            assert_memory_equal(out.data, text, out.len);
        } else {
            assert_int_equal(out.len, 0);
        }
    }
    assert_int_equal(right, 1);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raw_block_is_decoded),
        cmocka_unit_test(a_block_past_the_limit_is_not_inflated),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(what_came_before_the_damage_is_kept),
        cmocka_unit_test(a_chunk_that_must_not_be_skipped_ends_it),
        cmocka_unit_test(a_compressed_chunk_is_decoded_and_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
