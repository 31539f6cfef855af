/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/lane.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    OUT_MAX = 1 << 20,
};

struct out {
    struct sl_buf bytes;
    size_t writes, longest;
    uint64_t now_ns;
    enum har_lane_next last;
};

/* Takes all that comes until until_ns, waiting as the lane says. */
static void drain(struct har_lane *lane, struct out *out, uint64_t until_ns)
{
    for (;;) {
        struct sl_span bytes = sl_span(NULL, 0);
        uint64_t wake_ns = 0;
        out->last = har_lane_peek(lane, out->now_ns, &bytes, &wake_ns);
        if (out->last == HAR_LANE_WRITE) {
            (void)sl_buf_add_span(&out->bytes, bytes);
            out->longest = bytes.len > out->longest ? bytes.len : out->longest;
            out->writes++;
            har_lane_take(lane, bytes.len);
        } else if (out->last == HAR_LANE_WAIT && wake_ns <= until_ns) {
            assert_true(wake_ns > out->now_ns);
            out->now_ns = wake_ns;
        } else {
            return;
        }
    }
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static void push(struct har_lane *lane, size_t begin, size_t count, uint64_t now_ns)
{
    uint8_t *bytes = sl_alloc(count);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = byte_at(begin + i);
    }
    har_lane_push(lane, sl_span(bytes, count), 0, now_ns);
    sl_free(bytes);
}

static void assert_bytes(const struct out *out, size_t count)
{
    assert_int_equal(out->bytes.len, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out->bytes.data[i], byte_at(i));
    }
}

static void bytes_leave_in_order_whatever_the_shape(void **state)
{
    static const struct har_shape shapes[] = {
        {0},
        {.slice = 1},
        {.latency_ns = 20 * SL_MS},
        {.jitter_ns = 50 * SL_MS},
        {.bandwidth = 100000},
        {.latency_ns = SL_MS, .jitter_ns = 10 * SL_MS, .bandwidth = 50000, .slice = 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct har_lane lane;
        struct out out = {.now_ns = SL_SECOND};
        size_t pushed = 0;
        sl_buf_init(&out.bytes, OUT_MAX);
        har_lane_init(&lane, 7, i);
        har_lane_shape(&lane, &shapes[i], out.now_ns);
        for (size_t size = 1; size < 3000; size = size * 2 + 1) {
            push(&lane, pushed, size, out.now_ns);
            pushed += size;
            drain(&lane, &out, out.now_ns + 3 * SL_MS);
        }
        har_lane_finish(&lane, HAR_LANE_FIN, out.now_ns);
        drain(&lane, &out, UINT64_MAX);
        assert_int_equal(out.last, HAR_LANE_ENDS);
        assert_bytes(&out, pushed);
        assert_true(shapes[i].slice == 0 || out.longest <= shapes[i].slice);
        assert_int_equal(lane.passed, pushed);
        sl_buf_release(&out.bytes);
        har_lane_release(&lane);
    }
}

static void latency_is_never_shorter_and_jitter_is_of_the_seed(void **state)
{
    const struct har_shape shape = {.latency_ns = 20 * SL_MS, .jitter_ns = 30 * SL_MS};
    uint64_t times[3];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct har_lane lane;
        struct out out = {.now_ns = SL_SECOND};
        sl_buf_init(&out.bytes, OUT_MAX);
        har_lane_init(&lane, i == 2 ? 8 : 7, 3);
        har_lane_shape(&lane, &shape, out.now_ns);
        push(&lane, 0, 10, out.now_ns);
        drain(&lane, &out, UINT64_MAX);
        times[i] = out.now_ns - SL_SECOND;
        assert_true(times[i] >= 20 * SL_MS && times[i] < 50 * SL_MS);
        sl_buf_release(&out.bytes);
        har_lane_release(&lane);
    }
    assert_int_equal(times[0], times[1]);
    assert_int_not_equal(times[0], times[2]);
}

static void bandwidth_is_kept_over_every_time(void **state)
{
    const struct har_shape shape = {.bandwidth = 8000};
    struct har_lane lane;
    struct out out = {.now_ns = SL_SECOND};
    (void)state;
    sl_buf_init(&out.bytes, OUT_MAX);
    har_lane_init(&lane, 1, 1);
    har_lane_shape(&lane, &shape, out.now_ns);
    push(&lane, 0, 20000, out.now_ns);
    for (uint64_t ms = 100; ms <= 2000; ms += 100) {
        drain(&lane, &out, SL_SECOND + ms * SL_MS);
        out.now_ns = SL_SECOND + ms * SL_MS;
        assert_in_range(out.bytes.len, 8 * ms - 200, 8 * ms);
    }
    out.now_ns += 100 * SL_SECOND; /* what was not used is not saved up */
    size_t before = out.bytes.len;
    drain(&lane, &out, out.now_ns);
    assert_in_range(out.bytes.len - before, 1, 160);
    sl_buf_release(&out.bytes);
    har_lane_release(&lane);
}

static void a_stalled_lane_pushes_back_and_loses_nothing(void **state)
{
    const struct har_shape stalled = {.is_stalled = true};
    const struct har_shape free_shape = {0};
    struct har_lane lane;
    struct out out = {.now_ns = SL_SECOND};
    size_t pushed = 0;
    (void)state;
    sl_buf_init(&out.bytes, OUT_MAX);
    har_lane_init(&lane, 1, 1);
    har_lane_shape(&lane, &stalled, out.now_ns);
    while (har_lane_room(&lane) > 0) {
        size_t room = har_lane_room(&lane);
        push(&lane, pushed, room < 1000 ? room : 1000, out.now_ns);
        pushed += room < 1000 ? room : 1000;
        drain(&lane, &out, UINT64_MAX);
        assert_true(lane.queued <= HAR_LANE_MAX + 4096);
    }
    assert_int_equal(out.bytes.len, 0);
    har_lane_finish(&lane, HAR_LANE_RST, out.now_ns);
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(out.last, HAR_LANE_IDLE);
    har_lane_shape(&lane, &free_shape, out.now_ns);
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(out.last, HAR_LANE_ENDS);
    assert_bytes(&out, pushed);
    sl_buf_release(&out.bytes);
    har_lane_release(&lane);
}

static void swallowed_bytes_leave_a_hole_that_no_orderly_end_hides(void **state)
{
    const struct har_shape swallowing = {.is_swallowing = true};
    const struct har_shape free_shape = {0};
    struct har_lane lane;
    struct out out = {.now_ns = SL_SECOND};
    (void)state;
    sl_buf_init(&out.bytes, OUT_MAX);
    har_lane_init(&lane, 1, 1);
    har_lane_shape(&lane, &swallowing, out.now_ns);
    push(&lane, 0, 5000, out.now_ns);
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(har_lane_room(&lane), HAR_LANE_MAX); /* the sender feels nothing */
    har_lane_shape(&lane, &free_shape, out.now_ns);
    push(&lane, 0, 5000, out.now_ns); /* without what came before it makes no sense */
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(out.bytes.len, 0);
    har_lane_shape(&lane, &swallowing, out.now_ns);
    har_lane_finish(&lane, HAR_LANE_FIN, out.now_ns);
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(out.last, HAR_LANE_IDLE);
    har_lane_shape(&lane, &free_shape, out.now_ns);
    drain(&lane, &out, UINT64_MAX);
    assert_int_equal(out.last, HAR_LANE_ENDS);
    assert_int_equal(lane.end, HAR_LANE_RST);
    sl_buf_release(&out.bytes);
    har_lane_release(&lane);
}

static void many_small_pieces_cost_bounded_memory(void **state)
{
    const struct har_shape shape = {.latency_ns = SL_SECOND};
    struct har_lane lane;
    uint64_t now_ns = SL_SECOND;
    (void)state;
    har_lane_init(&lane, 1, 1);
    har_lane_shape(&lane, &shape, now_ns);
    while (har_lane_room(&lane) > 0) {
        push(&lane, 0, 1, now_ns++);
    }
    assert_true(lane.queued <= HAR_LANE_DELAYED_MAX + 4096);
    har_lane_release(&lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_order_whatever_the_shape),
        cmocka_unit_test(latency_is_never_shorter_and_jitter_is_of_the_seed),
        cmocka_unit_test(bandwidth_is_kept_over_every_time),
        cmocka_unit_test(a_stalled_lane_pushes_back_and_loses_nothing),
        cmocka_unit_test(swallowed_bytes_leave_a_hole_that_no_orderly_end_hides),
        cmocka_unit_test(many_small_pieces_cost_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
