/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hex.h"
#include "lib/wire/hpack.h"
#include "tests/support/cmocka_all.h"

/* The fields as "name: value\n" lines; lost ones as a last line of their count. */
static void describe(const struct sl_headers *headers, struct sl_buf *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        (void)sl_buf_addf(out, "%.*s: %.*s%s\n", SL_SPAN_ARG(headers->fields[i].name),
                          SL_SPAN_ARG(headers->fields[i].value),
                          headers->fields[i].is_never_indexed ? " (never indexed)" : "");
    }
    if (headers->lost_count > 0) {
        (void)sl_buf_addf(out, "lost %zu\n", headers->lost_count);
    }
}

static void expect_block(struct sl_hpack_decoder *decoder, const char *hex, const char *expected)
{
    struct sl_buf block;
    struct sl_buf text;
    sl_buf_init(&block, 1024);
    sl_buf_init(&text, 4096);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &block), SL_OK);
    struct sl_headers headers = {0};
    assert_int_equal(sl_hpack_decode(decoder, sl_buf_span(&block), &headers), SL_OK);
    describe(&headers, &text);
    test_span_is(sl_buf_span(&text), expected);
    sl_headers_release(&headers);
    sl_buf_release(&block);
    sl_buf_release(&text);
}

/* RFC 7541 C.4: three requests with Huffman coding on one connection. */
#define C4_FIRST  "828684418cf1e3c2e5f23a6ba0ab90f4ff"
#define C4_SECOND "828684be5886a8eb10649cbf"
#define C4_THIRD  "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"

static void the_examples_of_the_rfc_decode(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    expect_block(decoder, C4_FIRST,
                 ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n");
    expect_block(decoder, C4_SECOND,
                 ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
                 "cache-control: no-cache\n");
    expect_block(decoder, C4_THIRD,
                 ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
                 "custom-key: custom-value\n");
    sl_hpack_decoder_free(decoder);
}

static void a_late_start_gives_what_the_unseen_table_does_not_hide(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    sl_hpack_decoder_distrust(decoder);
    expect_block(decoder, C4_SECOND,
                 ":method: GET\n:scheme: http\n:path: /\ncache-control: no-cache\nlost 1\n");
    /* Index 63 was 62 before cache-control came in: still unknown. Index 62 is learned. */
    expect_block(decoder, C4_THIRD,
                 ":method: GET\n:scheme: https\n:path: /index.html\ncustom-key: custom-value\n"
                 "lost 1\n");
    expect_block(decoder, "bebfc0", "custom-key: custom-value\ncache-control: no-cache\nlost 1\n");
    sl_hpack_decoder_free(decoder);
}

static void an_entry_of_unknown_name_keeps_its_place(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    sl_hpack_decoder_distrust(decoder);
    /* Literal with incremental indexing, name of the unknown entry 65, value "v". */
    expect_block(decoder, "7f020176", "lost 1\n");
    expect_block(decoder, "400161016282", "a: b\n:method: GET\n");
    /* 62 is a: b, 63 the one without a name; without indexing its name is unknown as well. */
    expect_block(decoder, "bebf", "a: b\nlost 1\n");
    expect_block(decoder, "0f300178", "lost 1\n");
    sl_hpack_decoder_free(decoder);
}

static void an_emptied_table_is_known_again(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    sl_hpack_decoder_distrust(decoder);
    expect_block(decoder, "203fe11f4001610162", "a: b\n");
    expect_block(decoder, "be", "a: b\n");
    struct sl_headers headers = {0};
    assert_int_equal(sl_hpack_decode(decoder, sl_span("\xbf", 1), &headers), SL_MALFORMED);
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
}

/* The lost fields as "before slot name_slot [value]" lines; slots count from the first unseen one. */
static void expect_lost(struct sl_hpack_decoder *decoder, const char *hex, const char *expected)
{
    enum {
        UNSEEN = SL_HPACK_TABLE_MAX / 32, /* slots that a distrust leaves for what was unseen */
    };
    struct sl_buf block;
    struct sl_buf text;
    sl_buf_init(&block, 1024);
    sl_buf_init(&text, 4096);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &block), SL_OK);
    struct sl_headers headers = {0};
    assert_int_equal(sl_hpack_decode(decoder, sl_buf_span(&block), &headers), SL_OK);
    for (size_t i = 0; i < headers.lost_count; i++) {
        const struct sl_lost_field *lost = &headers.lost[i];
        (void)sl_buf_addf(&text, "%zu %lld %lld", lost->before,
                          lost->slot == 0 ? 0LL : (long long)lost->slot - UNSEEN,
                          lost->name_slot == 0 ? 0LL : (long long)lost->name_slot - UNSEEN);
        (void)sl_buf_addf(&text, lost->has_value ? " %.*s\n" : "\n", SL_SPAN_ARG(lost->value));
    }
    test_span_is(sl_buf_span(&text), expected);
    sl_headers_release(&headers);
    sl_buf_release(&block);
    sl_buf_release(&text);
}

static void an_unseen_entry_keeps_its_slot_while_its_index_moves(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    sl_hpack_decoder_distrust(decoder);
    expect_lost(decoder, "82be83bf", "1 0 0\n2 -1 -1\n");
    expect_lost(decoder, "4001610162bf82c0", "1 0 0\n2 -1 -1\n");
    /* A value under the name of slot -1, which becomes slot 2; then that by its index, and by name. */
    expect_lost(decoder, "7f010176be0f2f0177", "0 2 -1 v\n0 2 -1 v\n0 0 -1 w\n");
    /* No table has so many entries. */
    expect_lost(decoder, "ffffffff07", "0 0 0\n");
    sl_hpack_decoder_free(decoder);
}

static void a_table_whose_size_is_known_again_fills_up_to_trust(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    sl_hpack_decoder_distrust(decoder);
    expect_block(decoder, "3f2940016101624001630164bf", "a: b\nc: d\na: b\n");
    expect_block(decoder, "c0", "lost 1\n");
    expect_block(decoder, "4001650166bf", "e: f\nc: d\n");
    struct sl_headers headers = {0};
    assert_int_equal(sl_hpack_decode(decoder, sl_span("\xc0", 1), &headers), SL_MALFORMED);
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
}

static void a_lost_field_is_recovered_at_its_place_while_the_bytes_move(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_headers headers = {0};
    struct sl_buf text;
    sl_buf_init(&text, 4096);
    sl_hpack_decoder_distrust(decoder);
    /* a: b, the unseen entry 62, "v" under the name of 63, c: d. */
    static const uint8_t block[] = "\x00\x01\x61\x01\x62\xbe\x0f\x30\x01v\x00\x01\x63\x01\x64";
    assert_int_equal(sl_hpack_decode(decoder, sl_span(block, sizeof block - 1), &headers), SL_OK);
    assert_int_equal(headers.lost_count, 2);
    /* Once so that the bytes move, with the lost field's own value. */
    struct sl_buf name;
    sl_buf_init(&name, 4096);
    memset(sl_buf_reserve(&name, 3000), 'n', 3000);
    sl_buf_commit(&name, 3000);
    assert_int_equal(
        sl_headers_recover(&headers, 1, sl_buf_span(&name), headers.lost[1].value, SL_FIELD_SHAPE),
        SL_OK);
    test_span_is(headers.fields[1].value, "v");
    assert_int_equal(headers.fields[1].name.len, 3000);
    assert_int_equal(
        sl_headers_recover(&headers, 0, sl_span_str("x"), sl_span_str("y"), SL_FIELD_ORDER), SL_OK);
    headers.fields[2].name.len = 1;
    describe(&headers, &text);
    test_span_is(sl_buf_span(&text), "a: b\nx: y\nn: v\nc: d\n");
    sl_buf_release(&name);
    sl_buf_release(&text);
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
}

static void after_a_decoding_error_nothing_more_is_decoded(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_headers headers = {0};
    /* A good field, then index 0, which RFC 7541 6.1 forbids. */
    assert_int_equal(sl_hpack_decode(decoder, sl_span("\x82\x80", 2), &headers), SL_MALFORMED);
    assert_int_equal(headers.count, 1);
    assert_int_equal(sl_hpack_decode(decoder, sl_span("\x82", 1), &headers), SL_STATE);
    assert_int_equal(headers.count, 0);
    sl_hpack_decoder_distrust(decoder);
    assert_int_equal(sl_hpack_decode(decoder, sl_span("\x82", 1), &headers), SL_OK);
    assert_int_equal(headers.count, 1);
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
}

static void every_truncated_block_is_malformed_or_shorter(void **state)
{
    (void)state;
    struct sl_buf block;
    sl_buf_init(&block, 64);
    assert_int_equal(sl_hex_decode(sl_span_str(C4_FIRST), &block), SL_OK);
    for (size_t len = 0; len < block.len; len++) {
        for (int is_distrusted = 0; is_distrusted < 2; is_distrusted++) {
            struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
            if (is_distrusted != 0) {
                sl_hpack_decoder_distrust(decoder);
            }
            struct sl_headers headers = {0};
            enum sl_status status = sl_hpack_decode(decoder, sl_span(block.data, len), &headers);
            assert_int_equal(status, len <= 3 ? SL_OK : SL_MALFORMED);
            assert_int_equal(headers.count, len < 3 ? len : 3);
            sl_headers_release(&headers);
            sl_hpack_decoder_free(decoder);
        }
    }
    sl_buf_release(&block);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    struct sl_headers list = {0};
    for (size_t i = 0; i < 200; i++) {
        struct sl_buf name;
        sl_buf_init(&name, 32);
        assert_int_equal(sl_buf_addf(&name, "x-field-%zu", i % 150), SL_OK);
        assert_int_equal(sl_headers_add(&list, sl_buf_span(&name), sl_span("a\0\xff", 3)), SL_OK);
        sl_buf_release(&name);
    }
    list.fields[7].is_never_indexed = true;
    struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(4096);
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_buf block;
    sl_buf_init(&block, 64 * 1024);
    struct sl_headers back = {0};
    for (size_t times = 0; times < 3; times++) {
        sl_buf_clear(&block);
        assert_int_equal(sl_hpack_encode(encoder, list.fields, list.count, &block), SL_OK);
        assert_int_equal(sl_hpack_decode(decoder, sl_buf_span(&block), &back), SL_OK);
        assert_int_equal(back.count, list.count);
        for (size_t i = 0; i < list.count; i++) {
            assert_true(sl_span_equal(back.fields[i].name, list.fields[i].name));
            assert_true(sl_span_equal(back.fields[i].value, list.fields[i].value));
            assert_int_equal(back.fields[i].is_never_indexed, i == 7);
        }
    }
    assert_int_equal(sl_headers_count(&list, "x-field-1"), 2);
    assert_non_null(sl_headers_find(&list, "x-field-149"));
    assert_null(sl_headers_find(&list, "x-field"));
    sl_headers_release(&back);
    sl_headers_release(&list);
    sl_hpack_encoder_free(encoder);
    sl_hpack_decoder_free(decoder);
    sl_buf_release(&block);
}

static void a_list_past_the_limit_is_cut_and_the_table_stays_in_step(void **state)
{
    (void)state;
    struct sl_buf block;
    sl_buf_init(&block, 1024 * 1024);
    assert_int_equal(
        sl_hpack_write_literal(&block, SL_HPACK_INCREMENTAL, sl_span_str("a"), sl_span_str("b")),
        SL_OK);
    for (size_t i = 0; i < SL_HPACK_FIELDS_MAX; i++) {
        assert_int_equal(sl_hpack_write_indexed(&block, 2), SL_OK);
    }
    assert_int_equal(
        sl_hpack_write_literal(&block, SL_HPACK_INCREMENTAL, sl_span_str("c"), sl_span_str("d")),
        SL_OK);
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_headers headers = {0};
    assert_int_equal(sl_hpack_decode(decoder, sl_buf_span(&block), &headers), SL_OK);
    assert_true(headers.is_truncated);
    assert_int_equal(headers.count, SL_HPACK_FIELDS_MAX);
    expect_block(decoder, "bebf", "c: d\na: b\n");
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
    sl_buf_release(&block);
}

static void representations_are_written_as_asked(void **state)
{
    (void)state;
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_buf block;
    struct sl_buf hex;
    sl_buf_init(&block, 64);
    sl_buf_init(&hex, 128);
    struct sl_span name = sl_span_str("n");
    struct sl_span value = sl_span_str("v");
    assert_int_equal(sl_hpack_write_table_size(&block, 4096), SL_OK);
    assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_WITHOUT_INDEXING, name, value), SL_OK);
    assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_NEVER_INDEXED, name, value), SL_OK);
    assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_INCREMENTAL, name, value), SL_OK);
    assert_int_equal(sl_hpack_write_indexed(&block, 62), SL_OK);
    assert_int_equal(sl_hex_encode(sl_buf_span(&block), &hex), SL_OK);
    test_span_is(sl_buf_span(&hex), "3fe11f00016e017610016e017640016e0176be");
    expect_block(decoder, sl_buf_str(&hex), "n: v\nn: v (never indexed)\nn: v\nn: v\n");
    sl_buf_release(&block);
    sl_buf_release(&hex);
    sl_hpack_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_decode),
        cmocka_unit_test(a_late_start_gives_what_the_unseen_table_does_not_hide),
        cmocka_unit_test(an_entry_of_unknown_name_keeps_its_place),
        cmocka_unit_test(an_emptied_table_is_known_again),
        cmocka_unit_test(an_unseen_entry_keeps_its_slot_while_its_index_moves),
        cmocka_unit_test(a_table_whose_size_is_known_again_fills_up_to_trust),
        cmocka_unit_test(a_lost_field_is_recovered_at_its_place_while_the_bytes_move),
        cmocka_unit_test(after_a_decoding_error_nothing_more_is_decoded),
        cmocka_unit_test(every_truncated_block_is_malformed_or_shorter),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(a_list_past_the_limit_is_cut_and_the_table_stays_in_step),
        cmocka_unit_test(representations_are_written_as_asked),
    };
    return cmocka_run_group_tests_name("wire/hpack", tests, NULL, NULL);
}
