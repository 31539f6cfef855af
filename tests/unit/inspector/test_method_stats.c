/* SPDX-License-Identifier: Apache-2.0 */
/* The summary's methods: what is measured, and the percentiles of it. */
#include "inspector/view/method_stats.h"

#include "inspector/view/latency.h"
#include "tests/support/cmocka_all.h"

#define MS UINT64_C(1000000)

static struct sl_at at_ms(uint64_t ms)
{
    return (struct sl_at){.time_ns = 5000 * MS + ms * MS, .has_time = true};
}

static void percentiles_are_close_and_bounds_exact(void **state)
{
    (void)state;
    struct ins_latency latency = {0};
    for (uint64_t us = 1; us <= 100000; us++) {
        ins_latency_add(&latency, us * 1000);
    }
    assert_int_equal(latency.count, 100000);
    static const unsigned percents[] = {1, 10, 50, 90, 99};
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        uint64_t exact = percents[i] * UINT64_C(1000000);
        uint64_t found = ins_latency_percentile(&latency, percents[i]);
        assert_true(found >= exact && found <= exact + exact * 32 / 1000);
    }
    assert_int_equal(ins_latency_percentile(&latency, 100), 100 * MS);
    ins_latency_release(&latency);
    /* What lies outside all classes is kept by its bounds. */
    struct ins_latency odd = {0};
    ins_latency_add(&odd, 0);
    ins_latency_add(&odd, UINT64_MAX);
    assert_int_equal(ins_latency_percentile(&odd, 1), 1055);
    assert_int_equal(odd.min_ns, 0);
    assert_int_equal(odd.max_ns, UINT64_MAX);
    ins_latency_release(&odd);
}

/* A call from 0 to 100 ms: request whole at 10, response headers at 40, first message at 60. */
static struct sl_call a_call(void)
{
    struct sl_call call = {.start = at_ms(0), .end_at = at_ms(100), .end = SL_CALL_TRAILERS};
    call.has_status = true;
    call.request.has_headers = true;
    call.request.headers_at = at_ms(1);
    call.request.first_message_at = at_ms(10);
    call.request.message_count = 1;
    call.request.is_ended = true;
    call.request.end_at = at_ms(10);
    call.response.has_headers = true;
    call.response.headers_at = at_ms(40);
    call.response.first_message_at = at_ms(60);
    call.response.message_count = 1;
    return call;
}

static void expect(struct sl_call *call, const struct ins_connection *connection,
                   const char *expected)
{
    struct ins_method_table methods = {0};
    struct ins_call own = {.id = 1, .connection = connection, .call = call};
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, 65536);
    sl_json_out_init(&out, &text);
    ins_method_table_call(&methods, &own);
    ins_method_table_write(&methods, &out);
    const char *found = strstr(sl_buf_str(&text), expected);
    if (found == NULL) {
        fail_msg("%s is not in %s", expected, sl_buf_str(&text));
    }
    sl_buf_release(&text);
    ins_method_table_release(&methods);
}

static const struct ins_connection near = {.id = 1};
static const struct ins_connection far = {
    .id = 1, .has_round_trip = true, .round_trip_ns = 20 * MS};

#define ALL(ms) "{\"p50\":" ms ",\"p90\":" ms ",\"p99\":" ms ",\"max\":" ms "}"

static void every_part_of_the_time_is_measured(void **state)
{
    (void)state;
    struct sl_call call = a_call();
    call.stalled_stream_ns = 3 * MS;
    call.stalled_connection_ns = 4 * MS;
    expect(&call, &far,
           "\"latency_ms\":" ALL("100") ",\"headers_ms\":" ALL("40") ",\"first_message_ms\":" ALL(
               "60") ",\"server_ms\":" ALL("30") ",\"stalled_ms\":{\"stream\":3,\"connection\":4}");
    expect(&call, &near, "\"server_ms\":" ALL("null"));
}

static void the_server_is_timed_from_what_it_waited_for(void **state)
{
    (void)state;
    /* A client that goes on after the first answer: from its first message. */
    struct sl_call call = a_call();
    call.request.end_at = at_ms(90);
    call.request.first_message_at = at_ms(15);
    expect(&call, &far, "\"server_ms\":" ALL("25"));
    /* No message: to the status. */
    call = a_call();
    call.response.message_count = 0;
    expect(&call, &far, "\"first_message_ms\":" ALL("null") ",\"server_ms\":" ALL("70"));
    /* Answered before the way there and back: 0, never less. */
    call = a_call();
    call.response.first_message_at = at_ms(12);
    expect(&call, &far, "\"server_ms\":" ALL("0"));
    /* A call whose beginning was not seen has no times but what is left. */
    call = a_call();
    call.is_midway = true;
    expect(&call, &far, "\"headers_ms\":" ALL("null"));
    /* A stream that is still open has answered; without a message nothing has. */
    call = a_call();
    call.has_status = false;
    expect(&call, &far, "\"server_ms\":" ALL("30"));
    call.response.message_count = 0;
    expect(&call, &far, "\"server_ms\":" ALL("null"));
    /* A capture without times. */
    call = a_call();
    call.start.has_time = false;
    call.response.first_message_at.has_time = false;
    expect(&call, &far,
           "\"latency_ms\":" ALL("null") ",\"headers_ms\":" ALL(
               "null") ",\"first_message_ms\":" ALL("null") ",\"server_ms\":" ALL("null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_close_and_bounds_exact),
        cmocka_unit_test(every_part_of_the_time_is_measured),
        cmocka_unit_test(the_server_is_timed_from_what_it_waited_for),
    };
    return cmocka_run_group_tests_name("inspector/method_stats", tests, NULL, NULL);
}
