/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the two sides of a TCP connection, where a capture lacks what would tell it. */
#include "tests/support/cmocka_all.h"
#include "tests/unit/inspector_net/tcp_world.h"

/* Of two packets of the server the client had one when it asked, and the other answers it: neither was captured. */
static void a_request_goes_between_the_lost_bytes_that_it_acknowledges_and_the_rest(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "a");
    world_segment(&world, 0, "A", CLIENT_FIRST + 1, SERVER_FIRST + 3, "ask");
    world_server(&world, 8, 4, "rest");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:a 1?3 0:ask 1?5 1:rest end ");
    world_end(&world);
}

/* What the server sent again acknowledges what the client sent after it had the first, which was not captured. */
static void what_was_sent_again_goes_before_what_acknowledges_it(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_segment(&world, 0, "A", CLIENT_FIRST, SERVER_FIRST + 3, "abc");
    world_server(&world, 0, 3, "xyz");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "1:xyz 0:abc end ");
    world_end(&world);
}

/* The handshake was not captured, and the first answer was lost; that it was sent since is known from a segment before it. */
static void what_was_sent_since_the_capture_began_is_missing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 0, "A", CLIENT_FIRST, SERVER_FIRST, "ask");
    world_segment(&world, 1, "A", SERVER_FIRST, CLIENT_FIRST + 3, "");
    world_segment(&world, 1, "A", SERVER_FIRST + 6, CLIENT_FIRST + 3, "end");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:ask 1?6 1:end end ");
    world_end(&world);
}

static void a_keep_alive_before_the_first_bytes_misses_none(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 1, "A", SERVER_FIRST - 1, CLIENT_FIRST, "");
    world_segment(&world, 0, "A", CLIENT_FIRST, SERVER_FIRST, "ask");
    world_segment(&world, 1, "A", SERVER_FIRST - 1, CLIENT_FIRST + 3, "");
    world_segment(&world, 1, "A", SERVER_FIRST, CLIENT_FIRST + 3, "end");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:ask 1:end end ");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_between_the_lost_bytes_that_it_acknowledges_and_the_rest),
        cmocka_unit_test(what_was_sent_again_goes_before_what_acknowledges_it),
        cmocka_unit_test(what_was_sent_since_the_capture_began_is_missing),
        cmocka_unit_test(a_keep_alive_before_the_first_bytes_misses_none),
    };
    return cmocka_run_group_tests_name("inspector/tcp_order", tests, NULL, NULL);
}
