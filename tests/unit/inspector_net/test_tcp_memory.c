/* SPDX-License-Identifier: Apache-2.0 */
/* Which TCP connections give way when memory is short. */
#include "inspector/net/tcp_flow.h"
#include "lib/base/alloc.h"
#include "tests/unit/inspector_net/tcp_world.h"

static void gives_up_the_quietest_connection_when_memory_is_short(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment_of(&world, 1, 0, "S", 100, 0, "");
    world_segment_of(&world, 2, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "A", 101, 0, "one");
    ins_tcp_make_room(world.tcp, sl_alloc_used() - 1);
    assert_int_equal(ins_tcp_totals(world.tcp)->evicted, 1);
    world_segment_of(&world, 1, 0, "A", 104, 0, "more");
    world_expect(&world, "0:one give-up end 0:more ");
    world_end(&world);
}

static void gives_up_the_heaviest_connection_before_quiet_ones(void **state)
{
    (void)state;
    struct world world;
    char text[3001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    limits.flow_bytes = limits.total_bytes;
    world_begin_with(&world, limits);
    world_segment_of(&world, 2, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "S", 100, 0, "");
    for (uint32_t i = 0; i < INS_FLOW_PIECES; i++) { /* behind a hole */
        world_segment_of(&world, 1, 0, "", 201 + i * 3000, 0, text);
    }
    ins_tcp_make_room(world.tcp, sl_alloc_used() - 1);
    assert_int_equal(ins_tcp_totals(world.tcp)->evicted, 1);
    sl_buf_clear(&world.text);
    world_segment_of(&world, 2, 0, "A", 101, 0, "alive");
    world_expect(&world, "0:alive ");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_up_the_quietest_connection_when_memory_is_short),
        cmocka_unit_test(gives_up_the_heaviest_connection_before_quiet_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
