/* SPDX-License-Identifier: Apache-2.0 */
/* Our decoder beside nghttp2's inflater, over many blocks. */
#include "lib/base/hex.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/hpack_twins.h"

enum {
    CONNECTIONS = 60,
    BLOCKS = 60,
    DAMAGED = 20000,
};

/* xorshift: the same blocks in every run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static uint32_t below(uint32_t *state, uint32_t limit)
{
    return next_random(state) % limit;
}

static void expect_same(struct hpack_twins *twins, struct sl_span block, bool *ret_is_good)
{
    const char *what = NULL;
    if (!hpack_twins_decode(twins, block, ret_is_good, &what)) {
        struct sl_buf hex;
        sl_buf_init(&hex, 1024 * 1024);
        (void)sl_hex_encode(block, &hex);
        print_error("%s differs: %s\n", what, sl_buf_str(&hex));
        sl_buf_release(&hex);
        fail();
    }
}

static void expect_hex(struct hpack_twins *twins, const char *hex, bool is_good)
{
    struct sl_buf block;
    bool is_decoded = false;
    sl_buf_init(&block, 1024);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &block), SL_OK);
    expect_same(twins, sl_buf_span(&block), &is_decoded);
    assert_int_equal(is_decoded, is_good);
    sl_buf_release(&block);
}

/* Fields as callers have them: few names, some values that come again, some long or binary. */
static void make_fields(uint32_t *state, struct sl_headers *list)
{
    static const char *const names[] = {":path",      ":status",      "content-type", "te",
                                        "user-agent", "grpc-timeout", "x-trace",      "x-bin"};
    sl_headers_clear(list);
    size_t count = below(state, 12);
    for (size_t i = 0; i < count; i++) {
        uint8_t value[600];
        bool is_long = below(state, 20) == 0;
        size_t len = below(state, is_long ? 600 : 24);
        bool is_text = below(state, 4) != 0;
        uint32_t kind = below(state, 6); /* few kinds, so that values come again */
        for (size_t j = 0; j < len; j++) {
            value[j] = is_text ? (uint8_t)('a' + (kind + j) % 26) : (uint8_t)next_random(state);
        }
        const char *name = names[below(state, sizeof names / sizeof names[0])];
        assert_int_equal(sl_headers_add(list, sl_span_str(name), sl_span(value, len)), SL_OK);
        list->fields[list->count - 1].is_never_indexed = below(state, 10) == 0;
    }
}

static void expect_list(const struct sl_headers *got, const struct sl_headers *sent)
{
    assert_int_equal(got->count, sent->count);
    for (size_t i = 0; i < got->count; i++) {
        assert_true(sl_span_equal(got->fields[i].name, sent->fields[i].name));
        assert_true(sl_span_equal(got->fields[i].value, sent->fields[i].value));
    }
}

static void what_nghttp2_encodes_both_decode_as_it_was(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {4096, 4096, 8192, 256, 64, 0};
    uint32_t seed = 7;
    struct sl_headers list = {0};
    struct sl_buf block;
    sl_buf_init(&block, 64 * 1024);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(8192);
        struct hpack_twins *twins = hpack_twins_new(4096);
        for (size_t j = 0; j < BLOCKS; j++) {
            if (below(&seed, 10) == 0) {
                uint32_t size = sizes[below(&seed, sizeof sizes / sizeof sizes[0])];
                hpack_twins_set_table_size(twins, size);
                sl_hpack_encoder_set_table_size(encoder, size);
            }
            make_fields(&seed, &list);
            sl_buf_clear(&block);
            assert_int_equal(sl_hpack_encode(encoder, list.fields, list.count, &block), SL_OK);
            bool is_good = false;
            expect_same(twins, sl_buf_span(&block), &is_good);
            assert_true(is_good);
            expect_list(hpack_twins_headers(twins), &list);
        }
        hpack_twins_free(twins);
        sl_hpack_encoder_free(encoder);
    }
    sl_headers_release(&list);
    sl_buf_release(&block);
}

static void every_byte_and_every_static_entry_decodes(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        /* Among digits, whose codes are short, so that the encoder chooses Huffman's code. */
        uint8_t value[260];
        memset(value, '0', sizeof value);
        memset(value + 40, (int)byte, 1 + byte % 20);
        struct sl_header field = {.name = sl_span_str("x"), .value = sl_span(value, sizeof value)};
        struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(4096);
        struct hpack_twins *twins = hpack_twins_new(4096);
        struct sl_buf block;
        bool is_good = false;
        sl_buf_init(&block, 1024);
        assert_int_equal(sl_hpack_encode(encoder, &field, 1, &block), SL_OK);
        expect_same(twins, sl_buf_span(&block), &is_good);
        assert_true(is_good);
        assert_true(
            sl_span_equal(hpack_twins_headers(twins)->fields[0].value, sl_span(value, 260)));
        sl_buf_clear(&block);
        assert_int_equal(sl_hpack_write_indexed(&block, byte), SL_OK);
        expect_same(twins, sl_buf_span(&block), &is_good);
        assert_int_equal(is_good, byte >= 1 && byte <= 62);
        sl_buf_release(&block);
        hpack_twins_free(twins);
        sl_hpack_encoder_free(encoder);
    }
}

/* Every string of up to two bytes as Huffman's code, and many longer ones. */
static void huffman_strings_of_any_bytes_are_judged_alike(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (unsigned i = 0; i < 65536 + DAMAGED; i++) {
        uint8_t block[40] = {0x00, 0x81, 0x1f, 0x80}; /* the name "a" */
        size_t len = i < 65536 ? 2 : 1 + below(&seed, 30);
        block[3] = (uint8_t)(0x80 | len);
        for (size_t j = 0; j < len; j++) {
            uint8_t any = below(&seed, 3) == 0 ? 0xff : (uint8_t)next_random(&seed);
            block[4 + j] = i < 65536 ? (uint8_t)(i >> (8 * j)) : any;
        }
        struct hpack_twins *twins = hpack_twins_new(4096);
        bool is_good = false;
        expect_same(twins, sl_span(block, 4 + len), &is_good);
        hpack_twins_free(twins);
    }
}

static void damaged_blocks_are_judged_alike(void **state)
{
    (void)state;
    uint32_t seed = 11;
    struct sl_headers list = {0};
    struct sl_buf block;
    sl_buf_init(&block, 64 * 1024);
    size_t malformed = 0;
    for (size_t i = 0; i < DAMAGED / 10; i++) {
        struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(512);
        struct hpack_twins *twins = hpack_twins_new(4096);
        bool is_good = true;
        for (size_t j = 0; j < 20 && is_good; j++) {
            make_fields(&seed, &list);
            sl_buf_clear(&block);
            assert_int_equal(sl_hpack_encode(encoder, list.fields, list.count, &block), SL_OK);
            if (j > 2 && block.len > 0) {
                block.data[below(&seed, (uint32_t)block.len)] = (uint8_t)next_random(&seed);
                sl_buf_truncate(&block, block.len - (below(&seed, 4) == 0 ? 1 : 0));
            }
            expect_same(twins, sl_buf_span(&block), &is_good);
        }
        malformed += is_good ? 0 : 1;
        hpack_twins_free(twins);
        sl_hpack_encoder_free(encoder);
    }
    assert_in_range(malformed, DAMAGED / 100, DAMAGED / 10);
    sl_headers_release(&list);
    sl_buf_release(&block);
}

static void a_size_update_is_judged_alike(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *hex;
        uint32_t sizes[2]; /* announced before; UINT32_MAX: none */
        bool is_good;
    } cases[] = {
        {"within the limit", "3fe11f82", {UINT32_MAX, UINT32_MAX}, true},
        {"past the limit", "3fe21f82", {UINT32_MAX, UINT32_MAX}, false},
        {"to 0 and back", "203fe11f82", {UINT32_MAX, UINT32_MAX}, true},
        {"behind a field", "8220", {UINT32_MAX, UINT32_MAX}, false},
        {"missing after a smaller limit", "82", {100, UINT32_MAX}, false},
        {"an empty block after a smaller limit", "", {100, UINT32_MAX}, false},
        {"at the smaller limit", "3f4582", {100, UINT32_MAX}, true},
        {"above the smaller limit", "3f4682", {100, UINT32_MAX}, false},
        {"to the smallest of two, then to the last", "3f453fe11f82", {100, 4096}, true},
        {"to the last of two only", "3fe11f82", {100, 4096}, false},
        {"none after a larger limit", "82", {8192, UINT32_MAX}, true},
        {"up to the larger limit", "3fe13f82", {8192, UINT32_MAX}, true},
        {"cut short", "3f", {UINT32_MAX, UINT32_MAX}, false},
        {"an integer of too many bytes", "3f80808080800082", {UINT32_MAX, UINT32_MAX}, false},
        {"an integer past 32 bits", "3fffffffff1f82", {UINT32_MAX, UINT32_MAX}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hpack_twins *twins = hpack_twins_new(4096);
        print_message("%s\n", cases[i].name);
        expect_hex(twins, "400161016282be", true);
        for (size_t j = 0; j < 2; j++) {
            if (cases[i].sizes[j] != UINT32_MAX) {
                hpack_twins_set_table_size(twins, cases[i].sizes[j]);
            }
        }
        expect_hex(twins, cases[i].hex, cases[i].is_good);
        hpack_twins_free(twins);
    }
}

#define V13 "56565656565656565656565656"
#define V39 V13 V13 V13

static void eviction_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *hex;
        bool is_good;
    } cases[] = {
        {"both entries are there", "bebf", true},
        {"there is no third", "c0", false},
        {"the oldest goes, whose name the new one has", "7f000167bebf", true},
        {"an entry of the whole table", "40016127" V39 "bebf", false},
        {"a larger one empties it", "40016128" V39 "5682", true},
        {"a larger one is not there", "40016128" V39 "56be", false},
        {"without indexing nothing goes", "0001670168100169016abebf", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hpack_twins *twins = hpack_twins_new(4096);
        print_message("%s\n", cases[i].name);
        expect_hex(twins, "3f29", true); /* 72 bytes: two entries of 34 */
        expect_hex(twins, "40016101624001630164", true);
        expect_hex(twins, cases[i].hex, cases[i].is_good);
        hpack_twins_free(twins);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nghttp2_encodes_both_decode_as_it_was),
        cmocka_unit_test(every_byte_and_every_static_entry_decodes),
        cmocka_unit_test(huffman_strings_of_any_bytes_are_judged_alike),
        cmocka_unit_test(damaged_blocks_are_judged_alike),
        cmocka_unit_test(a_size_update_is_judged_alike),
        cmocka_unit_test(eviction_is_the_same),
    };
    return cmocka_run_group_tests_name("wire/hpack_twins", tests, NULL, NULL);
}
