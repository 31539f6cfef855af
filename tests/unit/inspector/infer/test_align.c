/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/align.h"
#include "inspector/infer/values.h"
#include "lib/base/hex.h"
#include "tests/support/cmocka_all.h"

/* A client's direction with a gap behind some inserted entries. */
struct gap {
    struct sl_hpack_decoder *decoder;
    struct ins_align align;
    struct sl_headers headers; /* of the last block */
};

static void decode(struct gap *gap, struct sl_span block)
{
    assert_int_equal(sl_hpack_decode(gap->decoder, block, &gap->headers), SL_OK);
    ins_align_block(&gap->align, gap->decoder, SL_DIR_REQUEST, true, &gap->headers);
}

/* Index 67 to 62: the newest is last. */
static void open_gap(struct gap *gap)
{
    const struct sl_header entries[] = {
        {.name = sl_span_str(":path"), .value = sl_span_str("/a.B/C")},
        {.name = sl_span_str("te"), .value = sl_span_str("trailers")},
        {.name = sl_span_str("content-type"), .value = sl_span_str("application/grpc")},
        {.name = sl_span_str("user-agent"), .value = sl_span_str("grpc-x/1")},
        {.name = sl_span_str("grpc-timeout"), .value = sl_span_str("1S")},
        {.name = sl_span_str("x-id"), .value = sl_span_str("7")},
    };
    *gap = (struct gap){.decoder = sl_hpack_decoder_new(4096)};
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct sl_buf bytes;
        sl_buf_init(&bytes, 1024);
        assert_int_equal(
            sl_hpack_write_literal(&bytes, SL_HPACK_INCREMENTAL, entries[i].name, entries[i].value),
            SL_OK);
        assert_int_equal(sl_hpack_decode(gap->decoder, sl_buf_span(&bytes), NULL), SL_OK);
        sl_buf_release(&bytes);
    }
    sl_hpack_decoder_distrust(gap->decoder);
}

static void close_gap(struct gap *gap)
{
    sl_headers_release(&gap->headers);
    sl_hpack_decoder_free(gap->decoder);
}

/* Answers how many fields stay unknown. */
static size_t block(struct gap *gap, const char *hex)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, 1024);
    assert_int_equal(sl_hex_decode(sl_span_str(hex), &bytes), SL_OK);
    decode(gap, sl_buf_span(&bytes));
    sl_buf_release(&bytes);
    return gap->headers.lost_count;
}

static void expect(const struct gap *gap, const char *name, const char *value)
{
    const struct sl_header *field = sl_headers_find(&gap->headers, name);
    if (value == NULL) {
        assert_null(field);
    } else {
        assert_non_null(field);
        assert_true(sl_span_is(field->value, value));
        assert_int_equal(field->from, SL_FIELD_ORDER);
    }
}

/* POST, http, and all of the entries. */
#define ALL "8386c3c2c1c0bfbe"

static void fields_of_free_names_need_four_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *block;
        size_t unknown;
        const char *path, *id;
    } cases[] = {
        {"8386c3c2c1c0bfbe", 0, "/a.B/C", "7"},
        {"8386c3c2c1c0be", 0, "/a.B/C", "7"},
        {"8386c3c2c1be", 1, "/a.B/C", NULL},
        {"8386c3c1be", 3, NULL, NULL},
        /* A literal under the name of x-id. */
        {"8386c3c2c1c0bf0f2f0138", 0, "/a.B/C", "8"},
        {"8386c3c2c10f2f0138", 1, "/a.B/C", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].block);
        struct gap gap;
        open_gap(&gap);
        assert_int_equal(block(&gap, cases[i].block), cases[i].unknown);
        expect(&gap, ":path", cases[i].path);
        expect(&gap, "x-id", cases[i].id);
        close_gap(&gap);
    }
}

static void the_same_two_names_again_and_again_find_nothing(void **state)
{
    (void)state;
    struct gap gap;
    open_gap(&gap);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(block(&gap, "8386c3c1"), 2);
    }
    close_gap(&gap);
}

static void a_contradiction_makes_all_unknown_until_the_next_gap(void **state)
{
    (void)state;
    static const char *const contradictions[] = {
        "8386c3c2c1c00f30023238",   /* grpc-timeout: 28 */
        "8386c3c2c1bfbf",           /* grpc-timeout twice */
        "8386c2c3c1",               /* te before :path */
        "83860f3402613bc2c1",       /* :path: a; */
        "8386c30f330178c1c0bf",     /* te: x */
        "8386c2c1c0bfbe",           /* no :path, and nothing that may be it */
        "8386c3c2c10f2f03312030c3", /* :path again, behind x-id */
    };
    for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
        print_message("%s\n", contradictions[i]);
        struct gap gap;
        open_gap(&gap);
        assert_int_equal(block(&gap, ALL), 0);
        assert_true(block(&gap, contradictions[i]) > 0);
        expect(&gap, ":path", NULL);
        assert_int_equal(block(&gap, ALL), 6);
        expect(&gap, "x-id", NULL);
        sl_hpack_decoder_distrust(gap.decoder);
        assert_int_equal(block(&gap, ALL), 0);
        close_gap(&gap);
    }
}

static void a_block_that_is_wrong_by_itself_says_nothing(void **state)
{
    (void)state;
    struct gap gap;
    open_gap(&gap);
    assert_int_equal(block(&gap, ALL), 0);
    assert_int_equal(block(&gap, "838686c3c2c1"), 3); /* :scheme twice */
    assert_int_equal(block(&gap, ALL), 0);
    close_gap(&gap);
}

static void values_have_the_grammar_of_their_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool fits;
    } cases[] = {
        {":method", "POST", true},
        {":method", "PO ST", false},
        {":method", "", false},
        {":scheme", "https", true},
        {":scheme", "trailers", false},
        {":path", "/a.B/C", true},
        {":path", "*", true},
        {":path", "a", false},
        {":status", "200", true},
        {":status", "20", false},
        {":status", "2000", false},
        {":status", "2x0", false},
        {"te", "trailers", true},
        {"te", "gzip", false},
        {"content-type", "application/grpc+proto", true},
        {"content-type", "text/html", true},
        {"content-type", "gzip", false},
        {"content-type", "", false},
        {"grpc-timeout", "12345678n", true},
        {"grpc-timeout", "123456789n", false},
        {"grpc-timeout", "28", false},
        {"grpc-timeout", "S", false},
        {"grpc-timeout", "1s", false},
        {"grpc-status", "0", true},
        {"grpc-status", "4294967295", true},
        {"grpc-status", "12345678901", false},
        {"grpc-status", "-1", false},
        {"grpc-status", "", false},
        {"grpc-encoding", "gzip", true},
        {"grpc-encoding", "gzip, identity", false},
        {"grpc-accept-encoding", "gzip, identity", true},
        {"grpc-accept-encoding", "grpc-x/1", false},
        {"x-id", "anything, or nothing", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s: %s\n", cases[i].name, cases[i].value);
        assert_int_equal(ins_value_fits(sl_span_str(cases[i].name), sl_span_str(cases[i].value)),
                         cases[i].fits);
    }
    assert_false(ins_value_fits(sl_span_str(":method"), sl_span("P\0T", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_free_names_need_four_other_names),
        cmocka_unit_test(the_same_two_names_again_and_again_find_nothing),
        cmocka_unit_test(a_contradiction_makes_all_unknown_until_the_next_gap),
        cmocka_unit_test(a_block_that_is_wrong_by_itself_says_nothing),
        cmocka_unit_test(values_have_the_grammar_of_their_name),
    };
    return cmocka_run_group_tests_name("inspector/align", tests, NULL, NULL);
}
