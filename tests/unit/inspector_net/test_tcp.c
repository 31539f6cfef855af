/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/inspector_net/tcp_world.h"

static void hands_on_segments_in_order_at_once(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_server(&world, 0, 3, "xyz");
    world_client(&world, 3, "def");
    world_expect(&world, "0:abc 1:xyz 0:def ");
    world_end(&world);
}

static void puts_swapped_segments_in_order(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 3, "def");
    world_expect(&world, "");
    world_client(&world, 0, "abc");
    world_expect(&world, "0:abc 0:def ");
    assert_int_equal(ins_tcp_totals(world.tcp)->reordered, 1);
    world_end(&world);
}

static void takes_each_byte_once_whatever_overlaps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct {
            uint32_t offset;
            const char *bytes;
        } segments[4];
    } cases[] = {
        {"sent twice", {{0, "abc"}, {0, "abc"}, {3, "defgh"}}},
        {"begins before the next byte", {{0, "abcd"}, {2, "cdefgh"}}},
        {"early piece inside a later one", {{4, "ef"}, {2, "cdefgh"}, {0, "ab"}}},
        {"early piece over two others", {{2, "c"}, {5, "f"}, {1, "bcdefgh"}, {0, "a"}}},
        {"end of an early piece overlaps", {{3, "defgh"}, {1, "bcde"}, {0, "a"}}},
        {"fills the middle", {{6, "gh"}, {0, "ab"}, {2, "cdef"}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        world_begin(&world);
        world_handshake(&world);
        for (size_t j = 0; j < 4 && cases[i].segments[j].bytes != NULL; j++) {
            world_client(&world, cases[i].segments[j].offset, cases[i].segments[j].bytes);
        }
        char bytes[32] = "";
        for (const char *at = sl_buf_str(&world.text); *at != '\0'; at++) {
            if (*at >= 'a' && *at <= 'z') {
                bytes[strlen(bytes)] = *at;
            }
        }
        if (strcmp(bytes, "abcdefgh") != 0) {
            fail_msg("%s: %s", cases[i].name, sl_buf_str(&world.text));
        }
        assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 0);
        world_end(&world);
    }
}

static void follows_sequence_numbers_around_their_end(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 0, "S", UINT32_MAX - 4, 0, "");
    world_segment(&world, 0, "A", UINT32_MAX - 1, 0, "cdef");
    world_segment(&world, 0, "A", UINT32_MAX - 3, 0, "ab");
    world_segment(&world, 0, "A", 2, 0, "gh");
    world_expect(&world, "0:ab 0:cdef 0:gh ");
    world_end(&world);
}

static void waits_for_a_hole_that_nobody_acknowledged(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 3, "def");
    for (uint32_t i = 0; i < 4 * INS_TCP_PATIENCE; i++) {
        world_server(&world, i, 0, "x");
    }
    assert_null(strstr(sl_buf_str(&world.text), "?"));
    world_client(&world, 0, "abc");
    assert_non_null(strstr(sl_buf_str(&world.text), "0:abc 0:def "));
    world_end(&world);
}

static void gives_up_a_hole_that_was_acknowledged_after_some_patience(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 3, "def");
    for (uint32_t i = 0; i <= INS_TCP_PATIENCE + 1; i++) {
        assert_string_equal(sl_buf_str(&world.text), "");
        world_server(&world, 0, 6, "");
    }
    world_expect(&world, "0?3 0:def ");
    world_end(&world);
}

static void never_hands_on_a_response_before_the_request_it_acknowledges(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_server(&world, 0, 3, "xyz");
    world_expect(&world, "");
    world_client(&world, 0, "abc");
    world_expect(&world, "0:abc 1:xyz ");
    world_end(&world);
}

/* What a lost response answered is not known: all requests that the bytes behind it acknowledge. */
static void tells_a_lost_response_after_the_requests_it_may_answer(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 3, "def");
    world_server(&world, 4, 6, "wxyz");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0?3 0:def 1?4 1:wxyz end ");
    world_end(&world);
}

/* The acknowledgement of a FIN behind a hole counts one more than there are bytes. */
static void counts_no_fin_among_what_is_missing(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_segment(&world, 0, "FA", CLIENT_FIRST + 5, SERVER_FIRST, "");
    world_server(&world, 0, 6, "");
    ins_tcp_finish(world.tcp);
    assert_non_null(strstr(sl_buf_str(&world.text), "0:abc 0?2 "));
    world_end(&world);
}

static void tells_holes_that_are_left_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t acknowledged;
        const char *text;
    } cases[] = {
        {"in the middle", 0, "0:abc 0?2 0:fgh end "},
        {"and bytes after it that were acknowledged", 10, "0:abc 0?2 0:fgh 0?2 end "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        world_begin(&world);
        world_handshake(&world);
        world_client(&world, 0, "abc");
        world_client(&world, 5, "fgh");
        world_server(&world, 0, cases[i].acknowledged, "");
        ins_tcp_finish(world.tcp);
        world_expect(&world, cases[i].text);
        world_end(&world);
    }
}

static void begins_in_the_middle_without_a_gap(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 1, "A", 70000, 900, "xyz");
    world_segment(&world, 0, "A", 1000, 70003, "abc");
    world_segment(&world, 1, "A", 70003, 1003, "uvw");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:xyz 1:abc 0:uvw end ");
    world_end(&world);
}

static void begins_in_the_middle_with_the_earliest_of_the_first_segments(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 0, "A", 1006, 500, "ghi");
    world_segment(&world, 0, "A", 1000, 500, "abc");
    world_segment(&world, 0, "A", 1003, 500, "def");
    world_expect(&world, "");
    for (uint32_t i = 3; i < INS_TCP_SETTLING; i++) {
        world_segment(&world, 1, "A", 500, 1009, "");
    }
    world_expect(&world, "0:abc 0:def 0:ghi ");
    world_segment(&world, 0, "A", 1009, 500, "jkl");
    world_expect(&world, "0:abc 0:def 0:ghi 0:jkl ");
    world_end(&world);
}

static void a_late_syn_settles_the_beginning(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 0, "A", CLIENT_FIRST + 3, SERVER_FIRST, "def");
    world_segment(&world, 0, "S", CLIENT_FIRST - 1, 0, "");
    world_expect(&world, "");
    world_client(&world, 0, "abc");
    world_expect(&world, "0:abc 0:def ");
    assert_int_equal(ins_tcp_totals(world.tcp)->connections, 1);
    world_end(&world);
}

/* Each hole has its own time: one that opens when another was filled begins anew. */
static void patience_is_with_one_hole_not_with_all(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    for (uint32_t i = 0; i < 3 * INS_TCP_PATIENCE; i++) {
        world_client(&world, 2 * i + 3, "c");
        world_server(&world, 0, 2 * i + 4, "");
        world_client(&world, 2 * i, "a");
        world_client(&world, 2 * i + 1, "b");
    }
    assert_null(strchr(sl_buf_str(&world.text), '?'));
    world_end(&world);
}

static void tells_a_direction_that_was_not_captured(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_segment(&world, 1, "A", 70000, 1000, "xyz");
    world_segment(&world, 1, "A", 70003, 1500, "uvw");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:xyz 0:uvw 1?500 end ");
    world_end(&world);
}

static void takes_the_captured_part_of_a_cut_segment_and_tells_the_rest(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    struct ins_segment cut = {
        .from = {.address = {.version = 4, .bytes = {10, 0, 0, 1}}, .port = 40000},
        .to = {.address = {.version = 4, .bytes = {10, 0, 0, 2}}, .port = 50051},
        .sequence = CLIENT_FIRST,
        .flags = INS_TCP_ACK,
        .acknowledged = SERVER_FIRST,
        .payload = sl_span_str("abc"),
        .len = 10};
    ins_tcp_feed(world.tcp, &cut);
    world_client(&world, 10, "klm");
    world_expect(&world, "0:abc 0?7 0:klm ");
    assert_int_equal(ins_tcp_totals(world.tcp)->cut_segments, 1);
    world_end(&world);
}

static void ignores_probes(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_server(&world, 0, 3, "");
    world_client(&world, 2, "");   /* keep-alive without a byte */
    world_client(&world, 2, "\1"); /* keep-alive with a byte that is none of the stream */
    world_client(&world, 3, "d");  /* window probe: the next byte, which is sent again later */
    world_client(&world, 3, "defg");
    world_expect(&world, "0:abc 0:d 0:efg ");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 0);
    world_end(&world);
}

static void ends_a_connection_when_both_sides_have(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_segment(&world, 0, "FA", CLIENT_FIRST, SERVER_FIRST, "abc");
    world_expect(&world, "0:abc 0. ");
    world_segment(&world, 1, "FA", SERVER_FIRST, CLIENT_FIRST + 4, "xyz");
    world_expect(&world, "0:abc 0. 1:xyz 1. end ");
    world_client(&world, 0, "abc"); /* late copies begin nothing */
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 0. 1:xyz 1. end ");
    world_end(&world);
}

static void ends_a_connection_at_a_reset_but_not_before_its_bytes(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_segment(&world, 0, "RA", CLIENT_FIRST + 3, SERVER_FIRST, "");
    world_expect(&world, "");
    world_client(&world, 0, "abc");
    world_expect(&world, "0:abc 0! end ");
    world_end(&world);
}

static void does_not_take_a_lost_fin_for_a_lost_byte(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_segment(&world, 1, "FA", SERVER_FIRST, CLIENT_FIRST + 4, "xyz");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc 1:xyz 1. end ");
    world_end(&world);
}

static void a_new_syn_begins_a_new_connection(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_segment(&world, 0, "S", CLIENT_FIRST - 1, 0, ""); /* sent again: nothing new */
    world_segment(&world, 0, "S", 900000, 0, "");
    world_segment(&world, 1, "SA", 77, 900001, "");
    world_segment(&world, 0, "A", 900001, 78, "new");
    ins_tcp_finish(world.tcp);
    world_expect(&world, "0:abc end 0:new end ");
    assert_int_equal(ins_tcp_totals(world.tcp)->connections, 2);
    world_end(&world);
}

static void holds_no_more_than_its_limits(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = {.flow_bytes = 1000000, .total_bytes = 1000, .connections = 8};
    world_begin_with(&world, limits);
    world_segment_of(&world, 1, 0, "S", 100, 0, "");
    world_segment_of(&world, 2, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "A", 111, 0, "old"); /* the oldest hole is that of port 1 */
    for (uint32_t i = 0; i < 20; i++) {
        world_segment_of(&world, 2, 0, "A", 201 + i * 10, 0, "y");
    }
    assert_memory_equal(sl_buf_str(&world.text), "0?10 0:old 0?100 0:y ", 21);
    assert_true(ins_tcp_totals(world.tcp)->given_up > 0);
    world_end(&world);
}

static void gives_up_the_quietest_connection_when_there_are_too_many(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    limits.connections = 2;
    world_begin_with(&world, limits);
    world_segment_of(&world, 1, 0, "S", 100, 0, "");
    world_segment_of(&world, 2, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "A", 101, 0, "one");
    world_segment_of(&world, 3, 0, "S", 100, 0, "");
    world_expect(&world, "0:one give-up end ");
    assert_int_equal(ins_tcp_totals(world.tcp)->evicted, 1);
    world_segment_of(&world, 1, 0, "A", 104, 0, "more");
    world_expect(&world, "0:one give-up end 0:more ");
    world_end(&world);
}

static void gives_up_ended_connections_before_open_ones(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    limits.connections = 2;
    world_begin_with(&world, limits);
    world_segment_of(&world, 1, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "A", 101, 0, "one");
    world_segment_of(&world, 2, 0, "S", 100, 0, "");
    world_segment_of(&world, 2, 0, "R", 101, 0, "");
    world_segment_of(&world, 3, 0, "S", 100, 0, "");
    world_segment_of(&world, 1, 0, "A", 104, 0, "more");
    world_expect(&world, "0:one 0! end 0:more ");
    assert_int_equal(ins_tcp_totals(world.tcp)->evicted, 0);
    world_end(&world);
}

static void forgets_what_it_is_told_to_ignore(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world.is_ignoring = true;
    world_handshake(&world);
    world_client(&world, 3, "def");
    world_client(&world, 0, "abc");
    world_client(&world, 6, "ghi");
    world_expect(&world, "0:abc ");
    world.is_ignoring = false;
    world_segment(&world, 0, "S", 900000, 0, "");
    world_segment(&world, 0, "A", 900001, 78, "new");
    world_expect(&world, "0:abc end 0:new ");
    world_end(&world);
}

/* Any order of the segments of both sides gives each side's bytes whole and in order. */
static void any_order_gives_the_same_bytes(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        struct world world;
        world_begin(&world);
        world_handshake(&world);
        uint32_t order[24];
        for (uint32_t i = 0; i < 24; i++) {
            order[i] = i;
        }
        for (uint32_t i = 0; i < 24; i++) {
            seed = seed * 1103515245U + 12345U;
            uint32_t other = seed / 65536 % 24;
            uint32_t kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        for (uint32_t i = 0; i < 24; i++) {
            char letter[2] = {(char)('a' + order[i] / 2), '\0'};
            if (order[i] % 2 == 0) {
                world_client(&world, order[i] / 2, letter);
            } else {
                world_server(&world, order[i] / 2, order[i] / 2 + 1, letter);
            }
        }
        ins_tcp_finish(world.tcp);
        char seen[2][16] = {"", ""};
        const char *text = sl_buf_str(&world.text);
        for (const char *at = text; at[0] != '\0' && at[0] != 'e'; at += 4) {
            assert_int_equal(at[1], ':');
            char *side = seen[at[0] - '0'];
            side[strlen(side)] = at[2];
            assert_true(strlen(seen[1]) <= strlen(seen[0]));
        }
        assert_string_equal(seen[0], "abcdefghijkl");
        assert_string_equal(seen[1], "abcdefghijkl");
        world_end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_on_segments_in_order_at_once),
        cmocka_unit_test(puts_swapped_segments_in_order),
        cmocka_unit_test(takes_each_byte_once_whatever_overlaps),
        cmocka_unit_test(follows_sequence_numbers_around_their_end),
        cmocka_unit_test(waits_for_a_hole_that_nobody_acknowledged),
        cmocka_unit_test(gives_up_a_hole_that_was_acknowledged_after_some_patience),
        cmocka_unit_test(never_hands_on_a_response_before_the_request_it_acknowledges),
        cmocka_unit_test(tells_a_lost_response_after_the_requests_it_may_answer),
        cmocka_unit_test(counts_no_fin_among_what_is_missing),
        cmocka_unit_test(tells_holes_that_are_left_at_the_end),
        cmocka_unit_test(begins_in_the_middle_without_a_gap),
        cmocka_unit_test(begins_in_the_middle_with_the_earliest_of_the_first_segments),
        cmocka_unit_test(a_late_syn_settles_the_beginning),
        cmocka_unit_test(patience_is_with_one_hole_not_with_all),
        cmocka_unit_test(tells_a_direction_that_was_not_captured),
        cmocka_unit_test(takes_the_captured_part_of_a_cut_segment_and_tells_the_rest),
        cmocka_unit_test(ignores_probes),
        cmocka_unit_test(ends_a_connection_when_both_sides_have),
        cmocka_unit_test(ends_a_connection_at_a_reset_but_not_before_its_bytes),
        cmocka_unit_test(does_not_take_a_lost_fin_for_a_lost_byte),
        cmocka_unit_test(a_new_syn_begins_a_new_connection),
        cmocka_unit_test(holds_no_more_than_its_limits),
        cmocka_unit_test(gives_up_the_quietest_connection_when_there_are_too_many),
        cmocka_unit_test(gives_up_ended_connections_before_open_ones),
        cmocka_unit_test(forgets_what_it_is_told_to_ignore),
        cmocka_unit_test(any_order_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
