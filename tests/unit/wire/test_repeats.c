/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/obs/repeats.h"

#include <stdio.h>

#include "lib/base/rng.h"
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"

/* What an observer was told of headers. */
struct told {
    struct sl_observer *observer;
    struct sl_buf text;
    unsigned shared; /* lists that share their memory */
};

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    struct told *told = owner;
    (void)at;
    told->shared += headers->memory != NULL && headers->memory->lists > 1;
    (void)sl_buf_addf(&told->text, "%u %d:", call->stream, (int)block);
    for (size_t i = 0; i < headers->count; i++) {
        (void)sl_buf_addf(&told->text, " %.*s=%.*s", SL_SPAN_ARG(headers->fields[i].name),
                          SL_SPAN_ARG(headers->fields[i].value));
    }
    const struct sl_header *path = sl_headers_find(headers, ":path");
    (void)sl_buf_addf(&told->text, " (%zu lost) %.*s\n", headers->lost_count,
                      SL_SPAN_ARG(path == NULL ? sl_span("", 0) : path->value));
}

static const struct sl_observer_handler handler = {.headers = on_headers};

static void begin(struct told *told, bool are_kept)
{
    *told = (struct told){0};
    struct sl_observer_config config = sl_observer_defaults();
    config.handler = &handler;
    config.owner = told;
    config.are_repeats_kept = are_kept;
    sl_buf_init(&told->text, 1024 * 1024);
    told->observer = sl_observer_new(&config);
}

static void end(struct told *told)
{
    sl_observer_finish(told->observer);
    sl_observer_free(told->observer);
    sl_buf_release(&told->text);
}

static void feed(struct told *both, const struct sl_buf *bytes)
{
    const struct sl_at at = {.time_ns = 1, .has_time = true};
    for (int i = 0; i < 2; i++) {
        sl_observer_feed(both[i].observer, SL_DIR_REQUEST, sl_buf_span(bytes), &at);
    }
}

static void feed_block(struct told *both, uint32_t stream, struct sl_span block)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, 4096);
    const struct sl_h2_frame_header header = {.length = (uint32_t)block.len,
                                              .type = SL_H2_HEADERS,
                                              .flags =
                                                  SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                                              .stream = stream};
    (void)sl_h2_write_header(&bytes, &header);
    (void)sl_buf_add_span(&bytes, block);
    feed(both, &bytes);
    sl_buf_release(&bytes);
}

/* A block that an encoder could have written, by representation; few values, so that blocks come again. */
static void random_block(struct sl_rng *rng, struct sl_buf *out)
{
    static const char *const values[] = {"/a", "/b", "grpc-timeout", "1S", "x"};
    if (sl_rng_below(rng, 40) == 0) {
        (void)sl_hpack_write_table_size(out, (uint32_t)sl_rng_below(rng, 3) * 64);
    }
    (void)sl_hpack_write_indexed(out, 3); /* :method: POST */
    (void)sl_hpack_write_literal(out, SL_HPACK_WITHOUT_INDEXING, sl_span_str(":path"),
                                 sl_span_str(values[sl_rng_below(rng, 2)]));
    if (sl_rng_below(rng, 3) == 0) {
        (void)sl_hpack_write_indexed(out, 62); /* the newest entry, where there is one */
    }
    if (sl_rng_below(rng, 12) == 0) {
        (void)sl_hpack_write_literal(out, SL_HPACK_INCREMENTAL, sl_span_str("n"),
                                     sl_span_str(values[sl_rng_below(rng, 5)]));
    }
}

static void lists_are_the_same_whether_blocks_are_kept_or_not(void **state)
{
    (void)state;
    struct told both[2];
    struct sl_rng rng;
    sl_rng_init(&rng, 1, 1);
    begin(&both[0], false);
    begin(&both[1], true);
    struct sl_buf bytes;
    sl_buf_init(&bytes, 4096);
    (void)sl_buf_add(&bytes, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    feed(both, &bytes);
    for (uint32_t stream = 1; stream < 4000; stream += 2) {
        sl_buf_clear(&bytes);
        random_block(&rng, &bytes);
        feed_block(both, stream, sl_buf_span(&bytes));
    }
    assert_true(sl_span_equal(sl_buf_span(&both[0].text), sl_buf_span(&both[1].text)));
    assert_int_equal(both[0].shared, 0);
    assert_true(both[1].shared > 500);
    sl_buf_release(&bytes);
    end(&both[0]);
    end(&both[1]);
}

static struct sl_span value_of(const struct sl_headers *headers, const char *name)
{
    const struct sl_header *field = sl_headers_find(headers, name);
    return field == NULL ? sl_span("(none)", 6) : field->value;
}

static void a_shared_list_outlives_the_others(void **state)
{
    (void)state;
    struct sl_headers one = {0};
    struct sl_headers two = {0};
    (void)sl_headers_add(&one, sl_span_str("a"), sl_span_str("1"));
    sl_headers_note(&one);
    sl_headers_share(&two, &one);
    sl_headers_clear(&one);
    (void)sl_headers_add(&one, sl_span_str("b"), sl_span_str("2"));
    assert_null(sl_headers_find(&one, "a"));
    test_span_is(value_of(&two, "a"), "1");
    sl_headers_release(&one);
    test_span_is(value_of(&two, "a"), "1");
    assert_null(sl_headers_find(&two, "b"));
    sl_headers_release(&two);
}

/* Names whose marks are the same are told apart. */
static void the_first_field_of_a_name_is_found_among_many(void **state)
{
    (void)state;
    struct sl_headers headers = {0};
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        char value[16];
        (void)snprintf(name, sizeof(name), "name-%u", i % 150);
        (void)snprintf(value, sizeof(value), "%u", i);
        (void)sl_headers_add(&headers, sl_span_str(name), sl_span_str(value));
        sl_headers_note(&headers);
        for (unsigned j = 0; j < 160; j++) {
            (void)snprintf(name, sizeof(name), "name-%u", j);
            const struct sl_header *field = sl_headers_find(&headers, name);
            (void)snprintf(value, sizeof(value), "%u", j);
            assert_int_equal(field != NULL, j < 150 && j <= i);
            assert_true(field == NULL || sl_span_is(field->value, value));
            assert_int_equal(sl_headers_count(&headers, name), j >= 150 || j > i ? 0
                                                               : j + 150 <= i    ? 2
                                                                                 : 1);
        }
    }
    sl_headers_release(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_the_same_whether_blocks_are_kept_or_not),
        cmocka_unit_test(a_shared_list_outlives_the_others),
        cmocka_unit_test(the_first_field_of_a_name_is_found_among_many),
    };
    return cmocka_run_group_tests_name("wire/repeats", tests, NULL, NULL);
}
