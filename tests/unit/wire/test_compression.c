/* SPDX-License-Identifier: Apache-2.0 */
#include <zstd.h>

#include "lib/wire/message.h"
#include "tests/support/cmocka_all.h"

enum {
    PLAIN_SIZE = 100000,
};

static const char *const encodings[] = {"identity", "gzip", "deflate", "zstd"};

static void fill_plain(struct sl_buf *plain)
{
    sl_buf_init(plain, PLAIN_SIZE);
    for (size_t i = 0; plain->len + 20 < PLAIN_SIZE; i++) {
        (void)sl_buf_addf(plain, "%zu,", i * i);
    }
}

static void compress(const char *encoding, struct sl_span plain, struct sl_buf *out)
{
    sl_buf_init(out, 4L * PLAIN_SIZE);
    if (strcmp(encoding, "zstd") != 0) {
        assert_int_equal(sl_message_compress(sl_span_str(encoding), plain, out), SL_OK);
        return;
    }
    size_t bound = ZSTD_compressBound(plain.len);
    size_t len = ZSTD_compress(sl_buf_reserve(out, bound), bound, plain.data, plain.len, 1);
    assert_false(ZSTD_isError(len));
    sl_buf_commit(out, len);
}

static void every_encoding_gives_back_what_went_in(void **state)
{
    (void)state;
    struct sl_buf plain;
    fill_plain(&plain);
    for (size_t i = 0; i < 4; i++) {
        for (size_t len = 0; len <= plain.len; len = len == 0 ? 1 : len * 10) {
            struct sl_buf packed;
            struct sl_buf back;
            struct sl_span piece = sl_span_first(sl_buf_span(&plain), len);
            compress(encodings[i], piece, &packed);
            sl_buf_init(&back, PLAIN_SIZE);
            assert_int_equal(
                sl_message_decompress(sl_span_str(encodings[i]), sl_buf_span(&packed), &back),
                SL_OK);
            assert_true(sl_span_equal(sl_buf_span(&back), piece));
            sl_buf_release(&back);
            sl_buf_release(&packed);
        }
    }
    sl_buf_release(&plain);
}

static void the_limit_is_exact(void **state)
{
    (void)state;
    struct sl_buf plain;
    fill_plain(&plain);
    for (size_t i = 0; i < 4; i++) {
        struct sl_buf packed;
        struct sl_buf back;
        compress(encodings[i], sl_buf_span(&plain), &packed);
        struct sl_span encoding = sl_span_str(encodings[i]);
        sl_buf_init(&back, plain.len);
        assert_int_equal(sl_message_decompress(encoding, sl_buf_span(&packed), &back), SL_OK);
        sl_buf_release(&back);
        sl_buf_init(&back, plain.len - 1);
        assert_int_equal(sl_message_decompress(encoding, sl_buf_span(&packed), &back), SL_LIMIT);
        assert_true(back.len <= plain.len - 1);
        sl_buf_release(&back);
        sl_buf_release(&packed);
    }
    sl_buf_release(&plain);
}

static void cut_and_damaged_input_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 1; i < 4; i++) {
        struct sl_buf packed;
        struct sl_buf back;
        struct sl_span encoding = sl_span_str(encodings[i]);
        compress(encodings[i], sl_span_str("hello, hello, hello"), &packed);
        sl_buf_init(&back, PLAIN_SIZE);
        for (size_t len = 0; len < packed.len; len++) {
            sl_buf_clear(&back);
            assert_int_equal(sl_message_decompress(encoding, sl_span(packed.data, len), &back),
                             SL_MALFORMED);
        }
        sl_buf_clear(&back);
        assert_int_equal(sl_buf_add_str(&packed, "trailing"), SL_OK);
        assert_int_equal(sl_message_decompress(encoding, sl_buf_span(&packed), &back),
                         SL_MALFORMED);
        sl_buf_clear(&back);
        assert_int_equal(sl_message_decompress(encoding, sl_span_str("no such stream"), &back),
                         SL_MALFORMED);
        sl_buf_release(&back);
        sl_buf_release(&packed);
    }
}

static void other_encodings_are_unsupported(void **state)
{
    (void)state;
    struct sl_buf back;
    sl_buf_init(&back, 16);
    assert_int_equal(sl_message_decompress(sl_span_str("br"), sl_span_str("x"), &back),
                     SL_UNSUPPORTED);
    assert_int_equal(sl_message_decompress(sl_span_str(""), sl_span_str("x"), &back),
                     SL_UNSUPPORTED);
    assert_int_equal(sl_message_compress(sl_span_str("zstd"), sl_span_str("x"), &back),
                     SL_UNSUPPORTED);
    sl_buf_release(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_gives_back_what_went_in),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(cut_and_damaged_input_is_malformed),
        cmocka_unit_test(other_encodings_are_unsupported),
    };
    return cmocka_run_group_tests_name("wire/compression", tests, NULL, NULL);
}
