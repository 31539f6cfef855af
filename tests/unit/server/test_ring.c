/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/ring.h"

#include "tests/support/cmocka_all.h"

static struct srv_frame *number(uint8_t value)
{
    return srv_frame_copy(sl_span(&value, 1));
}

static int pop(struct srv_ring *ring)
{
    struct srv_frame *frame = srv_ring_pop(ring);
    int value = frame == NULL ? -1 : frame->data[0];
    srv_frame_unref(frame);
    return value;
}

static void it_is_a_queue_whatever_its_bound_and_however_often_it_wraps(void **state)
{
    (void)state;
    for (size_t max = 1; max <= 40; max++) {
        struct srv_ring ring;
        uint8_t in = 0;
        uint8_t out = 0;
        srv_ring_init(&ring, max);
        for (size_t round = 0; round < 200; round++) {
            for (size_t i = 0; i <= round % max && !srv_ring_is_full(&ring); i++) {
                srv_ring_push(&ring, number(in++));
            }
            for (size_t i = 0; i <= round % 7 && ring.count > 0; i++) {
                assert_int_equal(pop(&ring), out++);
            }
            assert_true(ring.count <= max && ring.capacity <= max);
        }
        while (ring.count > 0) {
            assert_int_equal(pop(&ring), out++);
        }
        assert_int_equal(in, out);
        srv_ring_release(&ring);
    }
}

static void it_is_full_at_its_bound_and_gives_memory_back_when_empty(void **state)
{
    (void)state;
    struct srv_ring ring;
    srv_ring_init(&ring, 100);
    for (uint8_t i = 0; i < 100; i++) {
        assert_false(srv_ring_is_full(&ring));
        srv_ring_push(&ring, number(i));
    }
    assert_true(srv_ring_is_full(&ring));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(pop(&ring), i);
    }
    assert_int_equal(pop(&ring), -1);
    assert_null(ring.slots);
}

static void a_frame_can_be_put_before_the_last(void **state)
{
    (void)state;
    struct srv_ring ring;
    srv_ring_init(&ring, 10);
    srv_ring_push(&ring, number(1));
    srv_ring_push_before_last(&ring, number(2));
    srv_ring_push_before_last(&ring, number(3));
    assert_int_equal(pop(&ring), 2);
    assert_int_equal(pop(&ring), 3);
    assert_int_equal(pop(&ring), 1);
    srv_ring_release(&ring);
}

static void a_released_ring_drops_what_waits(void **state)
{
    (void)state;
    struct srv_ring ring;
    struct srv_frame *frame = number(7);
    srv_ring_init(&ring, 3);
    srv_ring_push(&ring, srv_frame_ref(frame));
    assert_true(srv_frame_is_shared(frame));
    srv_ring_release(&ring);
    assert_false(srv_frame_is_shared(frame));
    srv_frame_unref(frame);
    struct srv_ring zeroed = {0};
    srv_ring_release(&zeroed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_a_queue_whatever_its_bound_and_however_often_it_wraps),
        cmocka_unit_test(it_is_full_at_its_bound_and_gives_memory_back_when_empty),
        cmocka_unit_test(a_frame_can_be_put_before_the_last),
        cmocka_unit_test(a_released_ring_drops_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
