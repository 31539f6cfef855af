/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger. */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE

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
        cmocka_unit_test(a_flood_of_settings_is_read_in_linear_time),
    };
    return cmocka_run_group_tests_name("wire/observer_flow", tests, NULL, NULL);
}
