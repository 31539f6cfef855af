/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger and the stalls that it shows. */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static const struct sl_at now = {.time_ns = 1, .has_time = true};

/* An observer and a buffer to write frames for it. */
struct ledger {
    struct sl_observer *observer;
    struct sl_buf out;
};

static struct ledger ledger_open(void)
{
    struct sl_observer_config config = sl_observer_defaults();
    struct ledger ledger = {.observer = sl_observer_new(&config)};
    sl_buf_init(&ledger.out, 1024 * 1024);
    struct sl_span preface = sl_span(SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    sl_observer_feed(ledger.observer, REQUEST, preface, &now);
    return ledger;
}

static void ledger_close(struct ledger *ledger)
{
    sl_observer_free(ledger->observer);
    sl_buf_release(&ledger->out);
}

/* What was written goes by. */
static void pass(struct ledger *ledger, enum sl_dir dir)
{
    sl_observer_feed(ledger->observer, dir, sl_buf_span(&ledger->out), &now);
    sl_buf_clear(&ledger->out);
}

static void initial_window(struct ledger *ledger, enum sl_dir dir, uint32_t value)
{
    const struct sl_h2_setting_pair pair = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, value};
    assert_int_equal(sl_h2_write_settings(&ledger->out, &pair, 1), SL_OK);
    pass(ledger, dir);
}

static void ack(struct ledger *ledger, enum sl_dir dir)
{
    assert_int_equal(sl_h2_write_settings_ack(&ledger->out), SL_OK);
    pass(ledger, dir);
}

static void open_stream(struct ledger *ledger, uint32_t stream)
{
    assert_int_equal(sl_h2_write_frame(&ledger->out, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, stream,
                                       sl_span("\x83\x86", 2)),
                     SL_OK);
    pass(ledger, REQUEST);
}

static void send_data(struct ledger *ledger, enum sl_dir dir, uint32_t stream, size_t len)
{
    static const uint8_t zeros[16384];
    assert_int_equal(sl_h2_write_frame(&ledger->out, SL_H2_DATA, 0, stream, sl_span(zeros, len)),
                     SL_OK);
    pass(ledger, dir);
}

static void grant(struct ledger *ledger, enum sl_dir dir, uint32_t stream, uint32_t add)
{
    assert_int_equal(sl_h2_write_window_update(&ledger->out, stream, add), SL_OK);
    pass(ledger, dir);
}

static void every_byte_and_credit_is_counted_both_ways(void **state)
{
    (void)state;
    struct ledger ledger = ledger_open();
    open_stream(&ledger, 1);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 65535);
    send_data(&ledger, RESPONSE, 1, 10000);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 55535);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 0), 55535);
    assert_int_equal(sl_observer_window(ledger.observer, REQUEST, 1), 65535);
    grant(&ledger, REQUEST, 1, 500);
    grant(&ledger, REQUEST, 0, 70000);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 56035);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 0), 125535);
    send_data(&ledger, REQUEST, 1, 35);
    grant(&ledger, RESPONSE, 1, 10);
    assert_int_equal(sl_observer_window(ledger.observer, REQUEST, 1), 65510);
    assert_int_equal(sl_observer_window(ledger.observer, REQUEST, 0), 65500);
    /* DATA of a stream that nobody opened counts for the connection. */
    send_data(&ledger, RESPONSE, 9, 35);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 0), 125500);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 9), 65535);
    ledger_close(&ledger);
}

static void a_raised_initial_window_counts_at_once_a_lowered_one_with_its_ack(void **state)
{
    (void)state;
    struct ledger ledger = ledger_open();
    open_stream(&ledger, 1);
    send_data(&ledger, RESPONSE, 1, 5000);
    initial_window(&ledger, REQUEST, 100000);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 95000);
    initial_window(&ledger, REQUEST, 1000);
    ack(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 95000);
    ack(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), -4000);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 3), 1000);
    assert_int_equal(sl_observer_window(ledger.observer, REQUEST, 1), 65535);
    grant(&ledger, REQUEST, 1, 4001);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 1);
    /* An ack of nothing changes nothing. */
    ack(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 1);
    ledger_close(&ledger);
}

static void settings_without_the_value_keep_their_place_in_the_queue(void **state)
{
    (void)state;
    struct ledger ledger = ledger_open();
    open_stream(&ledger, 1);
    assert_int_equal(sl_h2_write_settings(&ledger.out, NULL, 0), SL_OK);
    pass(&ledger, REQUEST);
    initial_window(&ledger, REQUEST, 7);
    ack(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 65535);
    ack(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 7);
    ledger_close(&ledger);
}

static void padding_counts(void **state)
{
    (void)state;
    struct ledger ledger = ledger_open();
    open_stream(&ledger, 1);
    assert_int_equal(
        sl_h2_write_frame(&ledger.out, SL_H2_DATA, SL_H2_FLAG_PADDED, 1, sl_span("\4a\0\0\0\0", 6)),
        SL_OK);
    pass(&ledger, RESPONSE);
    assert_int_equal(sl_observer_window(ledger.observer, RESPONSE, 1), 65529);
    ledger_close(&ledger);
}

/* A server stream whose client gives a window of 10 and waits. */
static void a_stall_lasts_from_the_last_credit_to_the_next(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_request(&talk, 1, "ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    talk.time_ms = 100;
    test_talk_message(&talk, RESPONSE, 1, 0, "12345");
    talk.time_ms = 350;
    test_talk_window_update(&talk, REQUEST, 1, 10);
    talk.time_ms = 400;
    test_talk_message(&talk, RESPONSE, 1, 0, "12345");
    talk.time_ms = 430;
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 20);
    test_talk_settings_ack(&talk, RESPONSE);
    talk.time_ms = 500;
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(
        &talk, "end stream 1 trailers OK from trailers messages 1/2 stalled 280/0\n!finding\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

static void a_connection_without_credit_stalls_every_call_while_it_is_open(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    static const uint8_t zeros[16384];
    test_talk_headers(&talk, REQUEST, 1, 0, ":method: GET\n");
    test_talk_request(&talk, 3, "ask");
    for (size_t i = 0; i < 4; i++) {
        test_talk_data(&talk, RESPONSE, 1, 0, sl_span(zeros, i < 3 ? 16384 : 16383));
        test_talk_window_update(&talk, REQUEST, 1, 16384);
    }
    talk.time_ms = 40;
    test_talk_request(&talk, 5, "ask");
    talk.time_ms = 100;
    test_talk_headers(&talk, RESPONSE, 5, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    talk.time_ms = 150;
    test_talk_window_update(&talk, REQUEST, 0, 1);
    talk.time_ms = 200;
    test_talk_headers(&talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    test_talk_expect(&talk,
                     "end stream 5 trailers OK from trailers_only messages 1/0 stalled 0/60\n"
                     "end stream 3 trailers OK from trailers_only messages 1/0 stalled 0/150\n"
                     "!finding\n");
    test_talk_release(&talk);
}

static void a_stall_is_not_seen_where_credit_may_be_missing(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    test_talk_settings_ack(&talk, RESPONSE);
    test_talk_request(&talk, 1, "ask");
    test_talk_window_update(&talk, REQUEST, 1, 10);
    test_talk_lose_last(&talk, 2, true);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    talk.time_ms = 100;
    test_talk_message(&talk, RESPONSE, 1, 0, "1234567890");
    talk.time_ms = 500;
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk, "end stream 1 trailers OK from trailers messages 1/1\n!finding\n");
    test_talk_release(&talk);
}

static void a_flood_of_settings_is_read_in_linear_time(void **state)
{
    (void)state;
    struct ledger ledger = ledger_open();
    for (uint32_t i = 0; i < 20000; i++) {
        open_stream(&ledger, 1 + 2 * i);
    }
    for (uint32_t i = 0; i < 40000; i++) {
        const struct sl_h2_setting_pair pair = {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 70000 + i};
        (void)sl_h2_write_settings(&ledger.out, &pair, 1);
        if (ledger.out.len > 65536) {
            pass(&ledger, REQUEST);
        }
    }
    pass(&ledger, REQUEST);
    assert_true(sl_observer_window(ledger.observer, RESPONSE, 1) >= 70000);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_and_credit_is_counted_both_ways),
        cmocka_unit_test(a_raised_initial_window_counts_at_once_a_lowered_one_with_its_ack),
        cmocka_unit_test(settings_without_the_value_keep_their_place_in_the_queue),
        cmocka_unit_test(padding_counts),
        cmocka_unit_test(a_stall_lasts_from_the_last_credit_to_the_next),
        cmocka_unit_test(a_connection_without_credit_stalls_every_call_while_it_is_open),
        cmocka_unit_test(a_stall_is_not_seen_where_credit_may_be_missing),
        cmocka_unit_test(a_flood_of_settings_is_read_in_linear_time),
    };
    return cmocka_run_group_tests_name("wire/observer_flow", tests, NULL, NULL);
}
