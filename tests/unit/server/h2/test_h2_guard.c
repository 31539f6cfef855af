/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/guard.h"

#include "lib/base/clock.h"
#include "lib/wire/h2_frame.h"
#include "tests/support/cmocka_all.h"

#define HEAD_TIME (10 * SL_SECOND)
#define START     (100 * SL_SECOND)

static struct srv_h2_guard guard;

static const char *feed(struct sl_span bytes, uint64_t now_ns)
{
    size_t good = 0;
    return srv_h2_guard_feed(&guard, bytes, now_ns, &good);
}

static const char *frame(uint8_t type, uint8_t flags, size_t len, uint64_t now_ns)
{
    static const uint8_t zeros[16384];
    struct sl_buf out;
    sl_buf_init(&out, 32768);
    assert_int_equal(sl_h2_write_frame(&out, type, flags, 1, sl_span(zeros, len)), SL_OK);
    const char *why = feed(sl_buf_span(&out), now_ns);
    sl_buf_release(&out);
    return why;
}

static int greeted(void **state)
{
    (void)state;
    srv_h2_guard_init(&guard, START, HEAD_TIME);
    assert_null(feed(sl_span_str(SL_H2_PREFACE), START));
    assert_null(frame(SL_H2_SETTINGS, 0, 6, START));
    return 0;
}

/* How many of these frames pass at one moment. */
static unsigned passes(uint8_t type, uint8_t flags, size_t len, uint64_t now_ns)
{
    unsigned count = 0;
    while (count < 100000 && frame(type, flags, len, now_ns) == NULL) {
        count++;
    }
    return count;
}

static void every_flood_has_its_end_and_calms_down_with_time(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t type, flags;
        size_t len;
        unsigned burst, rate;
        const char *text;
    } cases[] = {
        {"ping", SL_H2_PING, 0, 8, 500, 50, "too_many_pings"},
        {"settings", SL_H2_SETTINGS, 0, 0, 99, 10, "too_many_settings"}, /* one was the greeting */
        {"window update", SL_H2_WINDOW_UPDATE, 0, 4, 10000, 1000, "too_many_window_updates"},
        {"priority", SL_H2_PRIORITY, 0, 5, 1000, 100, "too_many_priorities"},
        {"priority update", 0x10, 0, 5, 1000, 100, "too_many_priorities"},
        {"empty data", SL_H2_DATA, 0, 0, 1000, 100, "too_many_empty_frames"},
        {"one byte", SL_H2_DATA, 0, 1, 10000, 2000, "too_many_tiny_frames"},
        {"acks", SL_H2_SETTINGS, SL_H2_FLAG_ACK, 0, 1000, 100, "too_many_frames"},
        {"unknown", 0x77, 0, 3, 1000, 100, "too_many_frames"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)greeted(NULL);
        print_message("%s\n", cases[i].name);
        assert_int_equal(passes(cases[i].type, cases[i].flags, cases[i].len, START),
                         cases[i].burst);
        (void)greeted(NULL);
        for (unsigned n = 0; n < cases[i].burst; n++) {
            assert_null(frame(cases[i].type, cases[i].flags, cases[i].len, START));
        }
        for (unsigned n = 0; n < cases[i].rate; n++) {
            assert_null(frame(cases[i].type, cases[i].flags, cases[i].len, START + SL_SECOND));
        }
        assert_string_equal(frame(cases[i].type, cases[i].flags, cases[i].len, START + SL_SECOND),
                            cases[i].text);
    }
}

static void what_carries_something_is_never_too_much(void **state)
{
    (void)state;
    assert_int_equal(passes(SL_H2_DATA, 0, 5, START), 100000);
    assert_int_equal(passes(SL_H2_DATA, SL_H2_FLAG_END_STREAM, 0, START), 100000);
    assert_int_equal(passes(SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, 100, START), 100000);
}

static void data_of_ours_pays_for_window_updates_and_pings(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        srv_h2_guard_sent_data(&guard);
        assert_null(frame(SL_H2_WINDOW_UPDATE, 0, 4, START));
        assert_null(frame(SL_H2_WINDOW_UPDATE, 0, 4, START));
        assert_null(frame(SL_H2_PING, 0, 8, START));
    }
    assert_int_equal(passes(SL_H2_PING, 0, 8, START), 499); /* and saves nothing up */
}

static void a_header_block_has_so_many_frames_and_bytes(void **state)
{
    (void)state;
    assert_null(frame(SL_H2_HEADERS, 0, 10, START));
    assert_int_equal(passes(SL_H2_CONTINUATION, 0, 0, START), SRV_H2_CONTINUATIONS_MAX);
    (void)greeted(NULL);
    assert_null(frame(SL_H2_HEADERS, 0, 16384, START));
    assert_int_equal(passes(SL_H2_CONTINUATION, 0, 16384, START), 3);
    (void)greeted(NULL);
    /* Blocks do not add up. */
    for (unsigned i = 0; i < 100; i++) {
        assert_null(frame(SL_H2_HEADERS, 0, 16384, START));
        assert_null(frame(SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, 16384, START));
    }
    /* Nor does a length that nobody may send come around. */
    const uint8_t huge[9] = {0xff, 0xff, 0xff, SL_H2_CONTINUATION, 0, 0, 0, 0, 1};
    assert_string_equal(feed(sl_span(huge, sizeof(huge)), START), "header_block_too_large");
}

static void a_beginning_and_a_block_have_so_much_time(void **state)
{
    (void)state;
    srv_h2_guard_init(&guard, START, HEAD_TIME);
    assert_true(srv_h2_guard_due(&guard) == START + HEAD_TIME);
    assert_null(feed(sl_span_str(SL_H2_PREFACE), START + 1));
    assert_true(srv_h2_guard_due(&guard) == START + HEAD_TIME);
    assert_null(frame(SL_H2_SETTINGS, 0, 6, START + 2));
    assert_true(srv_h2_guard_due(&guard) == UINT64_MAX);
    assert_null(frame(SL_H2_HEADERS, 0, 6, START + 3));
    assert_true(srv_h2_guard_due(&guard) == START + 3 + HEAD_TIME);
    assert_null(frame(SL_H2_CONTINUATION, 0, 6, START + 4)); /* wins no time */
    assert_true(srv_h2_guard_due(&guard) == START + 3 + HEAD_TIME);
    const uint8_t last[9] = {0, 0, 2, SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS, 0, 0, 0, 1};
    assert_null(feed(sl_span(last, sizeof(last)), START + 5));
    assert_null(feed(sl_span("x", 1), START + 5));
    assert_true(srv_h2_guard_due(&guard) == START + 3 + HEAD_TIME);
    assert_null(feed(sl_span("x", 1), START + 5));
    assert_true(srv_h2_guard_due(&guard) == UINT64_MAX);
}

static void bytes_before_the_frame_that_is_too_much_go_on_however_they_come(void **state)
{
    (void)state;
    struct sl_buf all;
    sl_buf_init(&all, 65536);
    assert_int_equal(sl_buf_add_span(&all, sl_span_str(SL_H2_PREFACE)), SL_OK);
    for (unsigned i = 0; i < 100; i++) {
        (void)sl_h2_write_settings(&all, NULL, 0);
        (void)sl_h2_write_window_update(&all, 0, 1);
    }
    size_t limit = all.len;
    (void)sl_h2_write_settings(&all, NULL, 0);
    for (size_t piece = 1; piece < 40; piece++) {
        srv_h2_guard_init(&guard, START, HEAD_TIME);
        const char *why = NULL;
        size_t passed = 0;
        for (size_t at = 0; at < all.len && why == NULL; at += piece) {
            size_t good = 0;
            size_t len = all.len - at < piece ? all.len - at : piece;
            why = srv_h2_guard_feed(&guard, sl_span(all.data + at, len), START, &good);
            passed += good;
        }
        assert_string_equal(why, "too_many_settings");
        /* Of a header that came in pieces the first ones were passed on. */
        assert_in_range(passed, limit, limit + 8);
    }
    sl_buf_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_flood_has_its_end_and_calms_down_with_time, greeted),
        cmocka_unit_test_setup(what_carries_something_is_never_too_much, greeted),
        cmocka_unit_test_setup(data_of_ours_pays_for_window_updates_and_pings, greeted),
        cmocka_unit_test_setup(a_header_block_has_so_many_frames_and_bytes, greeted),
        cmocka_unit_test_setup(a_beginning_and_a_block_have_so_much_time, greeted),
        cmocka_unit_test_setup(bytes_before_the_frame_that_is_too_much_go_on_however_they_come,
                               greeted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
