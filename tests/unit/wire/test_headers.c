/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists that are kept: what they take together is bounded. */
#include "lib/wire/hpack.h"
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"

enum {
    KEEP_MAX = 64 * 1024,
    CALLS = 100,
};

static void add(struct sl_headers *headers, const char *name, const char *value)
{
    assert_int_equal(sl_headers_add(headers, sl_span_str(name), sl_span_str(value)), SL_OK);
}

static const struct sl_header *found(const struct sl_headers *headers, const char *name)
{
    static const struct sl_header none;
    const struct sl_header *field = sl_headers_search(headers, sl_span_str(name));
    return field == NULL ? &none : field;
}

static void fill(struct sl_headers *headers, char long_value[4001])
{
    memset(long_value, 'v', 4000);
    long_value[4000] = '\0';
    add(headers, "authorization", long_value);
    add(headers, ":path", "/pkg.Svc/Method");
    add(headers, "x-short", "1");
    sl_headers_note(headers);
}

static void a_kept_list_counts_once_until_the_last_that_shares_it_goes(void **state)
{
    (void)state;
    char value[4001];
    size_t total = 0;
    struct sl_headers list = {0};
    struct sl_headers other = {0};
    fill(&list, value);
    assert_true(sl_headers_keep(&list, &total, KEEP_MAX));
    size_t counted = total;
    assert_int_equal(counted, sl_headers_size(&list));
    assert_true(counted > 4000);
    sl_headers_share(&other, &list);
    assert_true(sl_headers_keep(&other, &total, KEEP_MAX));
    assert_true(sl_headers_keep(&list, &total, KEEP_MAX));
    assert_int_equal(total, counted);
    sl_headers_release(&list);
    assert_int_equal(total, counted);
    sl_headers_clear(&other);
    assert_int_equal(total, 0);
    sl_headers_release(&other);
}

static void a_small_list_is_not_counted(void **state)
{
    (void)state;
    size_t total = 0;
    struct sl_headers list = {0};
    add(&list, ":path", "/pkg.Svc/Method");
    assert_true(sl_headers_keep(&list, &total, 0));
    assert_int_equal(total, 0);
    assert_non_null(sl_headers_find(&list, ":path"));
    sl_headers_release(&list);
}

static void a_list_for_which_there_is_no_room_keeps_its_short_fields(void **state)
{
    (void)state;
    char value[4001];
    size_t total = KEEP_MAX;
    struct sl_headers list = {0};
    fill(&list, value);
    for (int i = 0; i < 3000; i++) {
        add(&list, "x-many", "1");
    }
    add(&list, "grpc-status", "7");
    list.fields[1].slot = 9;
    assert_false(sl_headers_keep(&list, &total, KEEP_MAX));
    assert_int_equal(total, KEEP_MAX);
    assert_true(list.is_truncated);
    assert_null(sl_headers_find(&list, "authorization"));
    assert_int_equal(found(&list, ":path")->slot, 9);
    assert_true(sl_span_is(found(&list, "x-short")->value, "1"));
    assert_true(sl_span_is(found(&list, "grpc-status")->value, "7"));
    assert_true(sl_headers_count(&list, "x-many") < 20);
    assert_true(sl_headers_size(&list) < 8192);
    sl_headers_release(&list);
}

struct seen {
    size_t held_fields, most, cut, ended;
};

static void note_begin(void *owner, struct sl_call *call)
{
    struct seen *seen = owner;
    (void)call;
    seen->most = seen->held_fields > seen->most ? seen->held_fields : seen->most;
}

static void note_end(void *owner, struct sl_call *call)
{
    struct seen *seen = owner;
    seen->ended++;
    seen->cut += call->has_cut_headers ? 1 : 0;
}

/* One request with a long field, which goes to the table, and others that repeat it by a byte each. */
static void feed_bomb(struct sl_observer *observer)
{
    static const struct sl_at at = {0};
    char value[4001];
    struct sl_headers list = {0};
    fill(&list, value);
    struct sl_buf bytes = {.max = 1024 * 1024};
    assert_int_equal(sl_buf_add_span(&bytes, sl_span_str("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
                     SL_OK);
    for (uint32_t i = 0; i < CALLS; i++) {
        struct sl_buf block = {.max = 64 * 1024};
        if (i == 0) {
            assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_INCREMENTAL,
                                                    list.fields[0].name, list.fields[0].value),
                             SL_OK);
        }
        for (uint32_t field = 0; field < 8; field++) {
            assert_int_equal(sl_hpack_write_indexed(&block, 62), SL_OK);
        }
        uint32_t stream = 2 * i + 1;
        uint8_t header[9] = {0,
                             (uint8_t)(block.len >> 8),
                             (uint8_t)block.len,
                             SL_H2_HEADERS,
                             SL_H2_FLAG_END_HEADERS,
                             0,
                             0,
                             (uint8_t)(stream >> 8),
                             (uint8_t)stream};
        assert_int_equal(sl_buf_add_span(&bytes, sl_span(header, sizeof header)), SL_OK);
        assert_int_equal(sl_buf_add_span(&bytes, sl_buf_span(&block)), SL_OK);
        sl_buf_release(&block);
    }
    sl_observer_feed(observer, SL_DIR_REQUEST, sl_buf_span(&bytes), &at);
    sl_buf_release(&bytes);
    sl_headers_release(&list);
}

static void the_fields_of_open_calls_are_bounded_together(void **state)
{
    (void)state;
    static const struct sl_observer_handler handler = {.call_begin = note_begin,
                                                       .call_end = note_end};
    struct seen seen = {0};
    struct sl_observer_config config = sl_observer_defaults();
    config.handler = &handler;
    config.owner = &seen;
    config.keep_fields_max = KEEP_MAX;
    config.held_fields = &seen.held_fields;
    config.are_repeats_kept = false;
    struct sl_observer *observer = sl_observer_new(&config);
    feed_bomb(observer);
    assert_true(seen.most > KEEP_MAX / 2);
    assert_true(seen.most <= KEEP_MAX);
    sl_observer_finish(observer);
    sl_observer_free(observer);
    assert_int_equal(seen.ended, CALLS);
    assert_true(seen.cut > CALLS / 2 && seen.cut < CALLS);
    assert_int_equal(seen.held_fields, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_list_counts_once_until_the_last_that_shares_it_goes),
        cmocka_unit_test(a_small_list_is_not_counted),
        cmocka_unit_test(a_list_for_which_there_is_no_room_keeps_its_short_fields),
        cmocka_unit_test(the_fields_of_open_calls_are_bounded_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
