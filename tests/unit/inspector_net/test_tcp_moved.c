/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends that are used again without a captured SYN. */
#include <stdio.h>

#include "tests/unit/inspector_net/tcp_world.h"

enum {
    AWAY = 400 * 1024 * 1024,
};

/* The new connection, both sides AWAY from the first. */
static void new_client(struct world *world, uint32_t offset, uint32_t acknowledged,
                       const char *payload)
{
    world_segment(world, 0, "A", CLIENT_FIRST + AWAY + offset, SERVER_FIRST + AWAY + acknowledged,
                  payload);
}

static void new_server(struct world *world, uint32_t offset, uint32_t acknowledged,
                       const char *payload)
{
    world_segment(world, 1, "A", SERVER_FIRST + AWAY + offset, CLIENT_FIRST + AWAY + acknowledged,
                  payload);
}

static void begin_with_one_exchange(struct world *world)
{
    world_begin(world);
    world_handshake(world);
    world_client(world, 0, "abc");
    world_server(world, 0, 3, "xyz");
}

static void expect_totals(struct world *world, uint64_t connections, uint64_t reused,
                          uint64_t dropped)
{
    const struct ins_tcp_totals *totals = ins_tcp_totals(world->tcp);
    assert_int_equal(totals->connections, connections);
    assert_int_equal(totals->reused, reused);
    assert_int_equal(totals->dropped, dropped);
}

static void both_sides_elsewhere_are_a_new_connection(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    new_client(&world, 0, 0, "new");
    world_expect(&world, "0:abc 1:xyz ");
    new_server(&world, 0, 3, "answer");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz end 0:new 1:answer end ");
    expect_totals(&world, 2, 1, 0);
    world_end(&world);
}

static void one_side_that_was_captured_alone_needs_three(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    new_client(&world, 0, 0, "one");
    new_client(&world, 3, 0, "two");
    world_expect(&world, "0:abc 1:xyz ");
    new_client(&world, 6, 0, "three");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz end 0:one 0:two 0:three end ");
    expect_totals(&world, 2, 1, 0);
    world_end(&world);
}

static void acknowledgements_alone_begin_nothing(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    for (int i = 0; i < 8; i++) {
        new_client(&world, 0, 0, "");
        new_server(&world, 0, 0, "");
    }
    world_client(&world, 3, "def");
    world_expect(&world, "0:abc 1:xyz 0:def ");
    expect_totals(&world, 1, 0, 0);
    new_client(&world, 0, 0, "new"); /* they were its beginning after all */
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz 0:def end 0:new end ");
    expect_totals(&world, 2, 1, 0);
    world_end(&world);
}

static void a_single_segment_elsewhere_is_dropped_and_counted(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    new_client(&world, 0, 0, "forged");
    new_client(&world, AWAY, AWAY, "another");
    world_client(&world, 3, "def");
    world_server(&world, 3, 6, "uvw");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz 0:def 1:uvw end ");
    expect_totals(&world, 1, 0, 2);
    world_end(&world);
}

static void a_large_hole_of_one_side_stays_a_hole(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    world_segment(&world, 0, "A", CLIENT_FIRST + AWAY, SERVER_FIRST + 3, "far");
    world_segment(&world, 1, "A", SERVER_FIRST + 3, CLIENT_FIRST + AWAY + 3, "uvw");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz 0?419430397 0:far 1:uvw end ");
    expect_totals(&world, 1, 0, 0);
    world_end(&world);
}

static void what_is_beyond_any_window_is_counted(void **state)
{
    (void)state;
    struct world world;
    begin_with_one_exchange(&world);
    world_segment(&world, 0, "A", CLIENT_FIRST + 0x60000000, SERVER_FIRST + 3, "far");
    world_client(&world, 3, "def");
    world_expect(&world, "0:abc 1:xyz 0:def ");
    expect_totals(&world, 1, 0, 1);
    world_end(&world);
}

/* Behind its end a connection need not be far away. */
static void an_ended_connection_makes_room_for_one_nearby(void **state)
{
    (void)state;
    static const struct {
        const char *name, *flags, *ended;
    } cases[] = {
        {"both sides ended it", "FA", "0:abc 1:xyz 0. 1. end "},
        {"a reset", "RA", "0:abc 1:xyz 0! end "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        char text[64];
        begin_with_one_exchange(&world);
        world_segment(&world, 0, cases[i].flags, CLIENT_FIRST + 3, SERVER_FIRST + 3, "");
        world_segment(&world, 1, cases[i].flags, SERVER_FIRST + 3, CLIENT_FIRST + 4, "");
        world_client(&world, 0, "abc"); /* late copies */
        world_server(&world, 0, 3, "xyz");
        world_expect(&world, cases[i].ended);
        world_segment(&world, 0, "A", CLIENT_FIRST + 100000, SERVER_FIRST + 90000, "new");
        world_segment(&world, 1, "A", SERVER_FIRST + 90000, CLIENT_FIRST + 100003, "yes");
        ins_tcp_finish(world.tcp);
        (void)snprintf(text, sizeof(text), "%s0:new 1:yes end ", cases[i].ended);
        world_expect(&world, text);
        expect_totals(&world, 2, 1, 0);
        world_end(&world);
    }
}

static void what_waits_for_proof_counts_as_held(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = {.flow_bytes = 100, .total_bytes = 100, .connections = 8};
    world_begin_with(&world, limits);
    world_handshake(&world);
    world_segment(&world, 0, "FA", CLIENT_FIRST, SERVER_FIRST, "");
    world_segment(&world, 1, "FA", SERVER_FIRST, CLIENT_FIRST + 1, "");
    world_expect(&world, "0. 1. end ");
    new_client(&world, 0, 0, "more than may be held, with what it takes to hold it");
    expect_totals(&world, 1, 0, 1);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_elsewhere_are_a_new_connection),
        cmocka_unit_test(one_side_that_was_captured_alone_needs_three),
        cmocka_unit_test(acknowledgements_alone_begin_nothing),
        cmocka_unit_test(a_single_segment_elsewhere_is_dropped_and_counted),
        cmocka_unit_test(a_large_hole_of_one_side_stays_a_hole),
        cmocka_unit_test(what_is_beyond_any_window_is_counted),
        cmocka_unit_test(an_ended_connection_makes_room_for_one_nearby),
        cmocka_unit_test(what_waits_for_proof_counts_as_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
