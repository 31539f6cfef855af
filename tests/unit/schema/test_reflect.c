/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/reflect.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/schema/proto_rd.h"
#include "tests/support/cmocka_all.h"

struct fixture {
    struct sl_pool *pool;
    struct sl_reflect *reflect;
    struct sl_buf request, response;
    struct sl_error error;
};

static int begin(void **state)
{
    struct fixture *f = sl_calloc(1, sizeof(*f));
    f->pool = sl_pool_new();
    sl_pool_add_builtin(f->pool);
    f->reflect = sl_reflect_new(f->pool);
    sl_buf_init(&f->request, 1 << 16);
    sl_buf_init(&f->response, 64 << 20);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    sl_reflect_free(f->reflect);
    sl_pool_free(f->pool);
    sl_buf_release(&f->request);
    sl_buf_release(&f->response);
    sl_free(f);
    return 0;
}

static void put(struct sl_buf *out, uint32_t number, struct sl_span bytes)
{
    assert_int_equal(sl_buf_add_varint(out, (uint64_t)number << 3 | SL_WIRE_LEN), SL_OK);
    assert_int_equal(sl_buf_add_varint(out, bytes.len), SL_OK);
    assert_int_equal(sl_buf_add_span(out, bytes), SL_OK);
}

/* Puts a file with one import (NULL: none) and so many bytes of an unknown field into the files of an answer. */
static void put_file(struct sl_buf *files, const char *name, const char *import, size_t padding)
{
    struct sl_buf file;
    sl_buf_init(&file, 64 << 20);
    put(&file, 1, sl_span_str(name));
    if (import != NULL) {
        put(&file, 3, sl_span_str(import));
    }
    if (padding > 0) {
        uint8_t *zeros = sl_calloc(1, padding);
        put(&file, 1000, sl_span(zeros, padding));
        sl_free(zeros);
    }
    put(files, 1, sl_buf_span(&file));
    sl_buf_release(&file);
}

/* The answer with these files to the request that is out. */
static enum sl_status answer(struct fixture *f, const struct sl_buf *files)
{
    sl_buf_clear(&f->response);
    put(&f->response, 4, sl_buf_span(files));
    return sl_reflect_answer(f->reflect, sl_buf_span(&f->response), &f->error);
}

static enum sl_status answer_file(struct fixture *f, const char *name, const char *import,
                                  size_t padding)
{
    struct sl_buf files;
    sl_buf_init(&files, 64 << 20);
    put_file(&files, name, import, padding);
    enum sl_status status = answer(f, &files);
    sl_buf_release(&files);
    return status;
}

static void want(struct fixture *f, const char *symbol)
{
    assert_int_equal(sl_reflect_want_symbol(f->reflect, sl_span_str(symbol), &f->error), SL_OK);
}

/* The next request asks for this name in this member. */
static void expect_request(struct fixture *f, uint32_t member, const char *name)
{
    struct sl_buf wanted;
    sl_buf_init(&wanted, 4096);
    put(&wanted, member, sl_span_str(name));
    sl_buf_clear(&f->request);
    assert_true(sl_reflect_next(f->reflect, &f->request));
    assert_true(sl_span_equal(sl_buf_span(&f->request), sl_buf_span(&wanted)));
    assert_true(sl_reflect_is_waiting(f->reflect));
    assert_false(sl_reflect_next(f->reflect, &f->request)); /* one at a time */
    sl_buf_release(&wanted);
}

static void expect_end(struct fixture *f)
{
    assert_false(sl_reflect_next(f->reflect, &f->request));
    assert_false(sl_reflect_is_waiting(f->reflect));
}

static void asks_for_symbols_then_for_imports_that_did_not_come(void **state)
{
    struct fixture *f = *state;
    struct sl_buf files;
    sl_buf_init(&files, 4096);
    want(f, "a.S");
    want(f, "b.S");
    want(f, "a.S");
    expect_request(f, 4, "a.S");
    put_file(&files, "a.proto", "c.proto", 0);
    put_file(&files, "c.proto", "d.proto", 0);
    assert_int_equal(answer(f, &files), SL_OK);
    expect_request(f, 4, "b.S");
    assert_int_equal(answer_file(f, "b.proto", "a.proto", 0), SL_OK);
    expect_request(f, 3, "d.proto");
    assert_int_equal(answer_file(f, "d.proto", "a.proto", 0), SL_OK); /* a cycle */
    expect_end(f);
    assert_string_equal(sl_reflect_left_out(f->reflect), "");
    assert_true(sl_pool_has_file(f->pool, sl_span_str("d.proto")));
    sl_buf_release(&files);
}

static void what_the_pool_has_is_not_asked_for(void **state)
{
    struct fixture *f = *state;
    want(f, "a.S");
    expect_request(f, 4, "a.S");
    assert_int_equal(answer_file(f, "a.proto", "google/protobuf/timestamp.proto", 0), SL_OK);
    expect_end(f);
}

static void what_came_meanwhile_is_not_asked_for(void **state)
{
    struct fixture *f = *state;
    want(f, "a.S");
    want(f, "b.S");
    expect_request(f, 4, "a.S");
    assert_int_equal(answer_file(f, "a.proto", "c.proto", 0), SL_OK);
    expect_request(f, 4, "b.S");
    assert_int_equal(answer_file(f, "c.proto", NULL, 0), SL_OK);
    expect_end(f);
}

static void what_the_server_does_not_have_is_left_out(void **state)
{
    struct fixture *f = *state;
    want(f, "a.S");
    want(f, "b.S");
    want(f, "c.S");
    expect_request(f, 4, "a.S");
    const struct sl_span error = sl_span("\x3a\x08\x08\x05\x12\x04no\x1bx", 10);
    assert_int_equal(sl_reflect_answer(f->reflect, error, &f->error), SL_OK);
    expect_request(f, 4, "b.S");
    sl_reflect_not_found(f->reflect);
    expect_request(f, 4, "c.S");
    assert_int_equal(answer_file(f, "c.proto", NULL, 0), SL_OK);
    expect_end(f);
    assert_string_equal(sl_reflect_left_out(f->reflect),
                        "the server has no symbol a.S (error 5: no?x)");
}

static void services_are_listed_then_asked_for(void **state)
{
    struct fixture *f = *state;
    const struct sl_span list = sl_span("\x32\x0c\x0a\x04\x0a\x02xy\x0a\x04\x0a\x02zz", 14);
    sl_reflect_want_services(f->reflect);
    expect_request(f, 7, "*");
    assert_int_equal(sl_reflect_answer(f->reflect, list, &f->error), SL_OK);
    expect_request(f, 4, "xy");
    assert_int_equal(sl_reflect_answer(f->reflect, list, &f->error), SL_MALFORMED); /* not asked */
    sl_reflect_not_found(f->reflect);
    expect_request(f, 4, "zz");
    sl_reflect_not_found(f->reflect);
    expect_end(f);
    assert_int_equal(sl_reflect_left_out_count(f->reflect), 2);
    assert_string_equal(sl_reflect_left_out(f->reflect), "the server has no symbol xy (error 5)");
}

static void a_file_that_is_built_in_is_not_missed(void **state)
{
    struct fixture *f = *state;
    struct sl_pool *pool = sl_pool_new();
    sl_reflect_free(f->reflect);
    f->reflect = sl_reflect_new(pool);
    want(f, "a.S");
    expect_request(f, 4, "a.S");
    assert_int_equal(answer_file(f, "a.proto", "google/protobuf/any.proto", 0), SL_OK);
    expect_request(f, 3, "google/protobuf/any.proto");
    sl_reflect_not_found(f->reflect);
    expect_end(f);
    assert_int_equal(sl_reflect_left_out_count(f->reflect), 0);
    sl_pool_free(pool);
}

static void a_list_that_is_wrong_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes;
        size_t len;
        enum sl_status status;
    } cases[] = {
        {"\x32\x02\x0a\x05", 4, SL_MALFORMED},         /* cut short */
        {"\x32\x04\x0a\x02\x0a\x05", 6, SL_MALFORMED}, /* a service cut short */
        {"\x32\x04\x0a\x02\x0a\x00", 6, SL_LIMIT},     /* a service without a name */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sl_reflect_free(f->reflect);
        f->reflect = sl_reflect_new(f->pool);
        sl_reflect_want_services(f->reflect);
        expect_request(f, 7, "*");
        assert_int_equal(
            sl_reflect_answer(f->reflect, sl_span(cases[i].bytes, cases[i].len), &f->error),
            cases[i].status);
    }
}

static void a_request_can_be_asked_again(void **state)
{
    struct fixture *f = *state;
    want(f, "a.S");
    want(f, "b.S");
    expect_request(f, 4, "a.S");
    sl_reflect_ask_again(f->reflect);
    expect_request(f, 4, "a.S");
    assert_int_equal(answer_file(f, "a.proto", "c.proto", 0), SL_OK);
    expect_request(f, 4, "b.S");
    sl_reflect_ask_again(f->reflect);
    expect_request(f, 4, "b.S");
    sl_reflect_not_found(f->reflect);
    expect_request(f, 3, "c.proto");
    sl_reflect_ask_again(f->reflect); /* the only one left */
    expect_request(f, 3, "c.proto");
    assert_int_equal(answer_file(f, "c.proto", "d.proto", 0), SL_OK);
    expect_request(f, 3, "d.proto");
}

static void an_endless_chain_of_imports_ends(void **state)
{
    struct fixture *f = *state;
    enum sl_status status = SL_OK;
    unsigned asked = 0;
    want(f, "a.S");
    while (status == SL_OK && sl_reflect_next(f->reflect, &f->request)) {
        char name[32];
        char import[32];
        (void)snprintf(name, sizeof(name), "f%u.proto", asked++);
        (void)snprintf(import, sizeof(import), "f%u.proto", asked);
        status = answer_file(f, name, import, 0);
    }
    assert_int_equal(status, SL_LIMIT);
    assert_int_equal(asked, SL_REFLECT_DEPTH_MAX + 1);
}

static void more_files_than_allowed_end_it(void **state)
{
    struct fixture *f = *state;
    struct sl_buf files;
    sl_buf_init(&files, 1 << 20);
    want(f, "a.S");
    expect_request(f, 4, "a.S");
    for (unsigned i = 0; i <= SL_REFLECT_NAMES_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "f%u.proto", i);
        put_file(&files, name, NULL, 0);
    }
    assert_int_equal(answer(f, &files), SL_LIMIT);
    sl_buf_release(&files);
}

static void more_bytes_than_allowed_end_it(void **state)
{
    struct fixture *f = *state;
    want(f, "a.S");
    expect_request(f, 4, "a.S");
    assert_int_equal(answer_file(f, "a.proto", "b.proto", SL_REFLECT_BYTES_MAX / 2), SL_OK);
    expect_request(f, 3, "b.proto");
    assert_int_equal(answer_file(f, "b.proto", "c.proto", SL_REFLECT_BYTES_MAX / 2), SL_LIMIT);
}

static void wrong_answers_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        enum sl_status status;
    } cases[] = {
        {"nothing", "", 0, SL_MALFORMED},
        {"a list of services", "\x32\x00", 2, SL_MALFORMED},
        {"cut short", "\x22\x05\x0a", 3, SL_MALFORMED},
        {"files cut short", "\x22\x02\x0a\x05", 4, SL_MALFORMED},
        {"a file that is none", "\x22\x04\x0a\x02\xff\xff", 6, SL_MALFORMED},
        {"a file without a name", "\x22\x02\x0a\x00", 4, SL_LIMIT},
        {"a file that imports nothing by name", "\x22\x08\x0a\x06\x0a\x02xy\x1a\x00", 10, SL_LIMIT},
        {"a type that is none", "\x22\x09\x0a\x07\x0a\x01z\x22\x02\xff\xff", 11, SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char symbol[16];
        (void)snprintf(symbol, sizeof(symbol), "s%zu", i);
        want(f, symbol);
        sl_reflect_not_found(f->reflect); /* what the case before left */
        assert_true(sl_reflect_next(f->reflect, &f->request));
        enum sl_status status =
            sl_reflect_answer(f->reflect, sl_span(cases[i].bytes, cases[i].len), &f->error);
        if (status != cases[i].status) {
            fail_msg("%s: %d", cases[i].name, status);
        }
    }
    sl_reflect_not_found(f->reflect);
    assert_int_equal(sl_reflect_answer(f->reflect, sl_span("\x22\x00", 2), &f->error), SL_STATE);
}

/* Every truncation of a whole answer is refused or taken, and nothing else happens. */
static void truncated_answers_do_no_harm(void **state)
{
    struct fixture *f = *state;
    struct sl_buf whole;
    sl_buf_init(&whole, 1 << 20);
    put(&whole, 4, sl_pool_builtin_set());
    for (size_t len = 0; len < whole.len; len += len < 300 ? 1 : 97) {
        struct sl_pool *pool = sl_pool_new();
        struct sl_reflect *reflect = sl_reflect_new(pool);
        uint8_t *cut = sl_alloc(len + 1); /* exact, for the sanitizer */
        memcpy(cut, whole.data, len);
        assert_int_equal(sl_reflect_want_symbol(reflect, sl_span_str("a.S"), NULL), SL_OK);
        assert_true(sl_reflect_next(reflect, &f->request));
        assert_int_not_equal(sl_reflect_answer(reflect, sl_span(cut, len), NULL), SL_OK);
        sl_free(cut);
        sl_reflect_free(reflect);
        sl_pool_free(pool);
    }
    sl_buf_release(&whole);
}

static void names_that_are_too_long_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[SL_REFLECT_NAME_MAX + 1];
    memset(name, 'x', sizeof(name));
    assert_int_equal(sl_reflect_want_symbol(f->reflect, sl_span(name, sizeof(name)), &f->error),
                     SL_LIMIT);
    assert_int_equal(sl_reflect_want_symbol(f->reflect, sl_span(name, 0), &f->error), SL_LIMIT);
    assert_int_equal(sl_reflect_want_symbol(f->reflect, sl_span(name, sizeof(name) - 1), &f->error),
                     SL_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_for_symbols_then_for_imports_that_did_not_come),
        TEST(what_the_pool_has_is_not_asked_for),
        TEST(what_came_meanwhile_is_not_asked_for),
        TEST(what_the_server_does_not_have_is_left_out),
        TEST(services_are_listed_then_asked_for),
        TEST(a_file_that_is_built_in_is_not_missed),
        TEST(a_list_that_is_wrong_is_refused),
        TEST(a_request_can_be_asked_again),
        TEST(an_endless_chain_of_imports_ends),
        TEST(more_files_than_allowed_end_it),
        TEST(more_bytes_than_allowed_end_it),
        TEST(wrong_answers_are_refused),
        TEST(truncated_answers_do_no_harm),
        TEST(names_that_are_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
