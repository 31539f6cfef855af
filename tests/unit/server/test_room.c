/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/room.h"

#include "reference-server/misbehave.h"
#include "tests/support/cmocka_all.h"

struct listener {
    struct srv_member member;
    unsigned heard;
};

static void hear(struct srv_member *member, struct srv_frame *frame, uint64_t now_ns)
{
    (void)frame;
    (void)now_ns;
    ((struct listener *)member)->heard++;
}

static void publish(struct srv_rooms *rooms, struct sl_span id)
{
    struct srv_frame *frame = srv_frame_copy(sl_span_str("x"));
    srv_rooms_publish(rooms, id, frame, 0);
    srv_frame_unref(frame);
}

static atomic_size_t used;
static struct srv_memory memory = {.used = &used};

static const struct sl_span ids[] = {
    {(const uint8_t *)"room", 4},       {(const uint8_t *)"Room", 4},
    {(const uint8_t *)"room ", 5},      {(const uint8_t *)"roo", 3},
    {(const uint8_t *)"room\0", 5},     {(const uint8_t *)"r\xc3\xa9", 3},
    {(const uint8_t *)"re\xcc\x81", 4},
};

enum {
    ID_COUNT = sizeof(ids) / sizeof(ids[0]),
};

/* Publishes once to each room in turn and tells who heard what: heard[from][to]. */
static void listen_everywhere(const struct srv_misbehave *misbehave,
                              unsigned heard[ID_COUNT][ID_COUNT])
{
    struct srv_rooms rooms;
    struct listener listeners[ID_COUNT] = {0};
    srv_rooms_init(&rooms, misbehave, &memory);
    for (size_t i = 0; i < ID_COUNT; i++) {
        listeners[i].member.deliver = hear;
        srv_rooms_join(&rooms, &listeners[i].member, ids[i], 0);
    }
    for (size_t from = 0; from < ID_COUNT; from++) {
        for (size_t to = 0; to < ID_COUNT; to++) {
            listeners[to].heard = 0;
        }
        publish(&rooms, ids[from]);
        for (size_t to = 0; to < ID_COUNT; to++) {
            heard[from][to] = listeners[to].heard;
        }
    }
    for (size_t i = 0; i < ID_COUNT; i++) {
        srv_rooms_leave(&rooms, &listeners[i].member);
    }
    assert_null(rooms.table);
    srv_rooms_release(&rooms);
}

static void ids_are_compared_exactly(void **state)
{
    (void)state;
    const struct srv_misbehave none = {0};
    unsigned heard[ID_COUNT][ID_COUNT];
    listen_everywhere(&none, heard);
    for (size_t from = 0; from < ID_COUNT; from++) {
        for (size_t to = 0; to < ID_COUNT; to++) {
            assert_int_equal(heard[from][to], from == to ? 1 : 0);
        }
    }
}

static void the_wrong_ones_leak_to_rooms_that_are_alike(void **state)
{
    (void)state;
    const struct srv_misbehave prefix = {.room_prefix_leak = true};
    const struct srv_misbehave folded = {.room_case_folded = true};
    unsigned heard[ID_COUNT][ID_COUNT];
    listen_everywhere(&prefix, heard);
    assert_int_equal(heard[0][3], 1); /* "roo" hears what is for "room" */
    assert_int_equal(heard[3][0], 0);
    assert_int_equal(heard[0][1], 0);
    listen_everywhere(&folded, heard);
    assert_int_equal(heard[0][1], 1);
    assert_int_equal(heard[1][0], 1);
    assert_int_equal(heard[0][3], 0);
    assert_int_equal(heard[0][0], 1);
}

static void everyone_in_a_room_hears_once_until_leaving(void **state)
{
    (void)state;
    const struct srv_misbehave none = {0};
    struct srv_rooms rooms;
    struct listener listeners[3] = {0};
    srv_rooms_init(&rooms, &none, &memory);
    publish(&rooms, ids[0]);
    for (size_t i = 0; i < 3; i++) {
        listeners[i].member.deliver = hear;
        srv_rooms_join(&rooms, &listeners[i].member, ids[0], 0);
    }
    publish(&rooms, ids[0]);
    srv_rooms_leave(&rooms, &listeners[1].member);
    srv_rooms_leave(&rooms, &listeners[1].member);
    publish(&rooms, ids[0]);
    assert_int_equal(listeners[0].heard, 2);
    assert_int_equal(listeners[1].heard, 1);
    assert_int_equal(listeners[2].heard, 2);
    srv_rooms_leave(&rooms, &listeners[0].member);
    srv_rooms_leave(&rooms, &listeners[2].member);
    assert_null(rooms.table);
    srv_rooms_release(&rooms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_compared_exactly),
        cmocka_unit_test(the_wrong_ones_leak_to_rooms_that_are_alike),
        cmocka_unit_test(everyone_in_a_room_hears_once_until_leaving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
