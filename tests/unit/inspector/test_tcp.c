/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp.h"

#include <stdlib.h>

#include "tests/support/cmocka_all.h"

enum {
    TRANSCRIPT_MAX = 256 * 1024,
    CLIENT_FIRST = 1001, /* sequence numbers of the first bytes, after the handshake */
    SERVER_FIRST = 5001,
};

/* What the connection handed on, as text: "0:abc" data of side 0, "0?3" a gap of three bytes, "0." FIN,
 * "0!" RST, "end". */
struct world {
    struct ins_tcp *tcp;
    struct sl_buf text;
    bool is_ignoring; /* ignores the connection at the first data */
    uint64_t clock;
};

static void on_data(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                    const struct sl_at *at)
{
    struct world *world = owner;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d:%.*s ", side, SL_SPAN_ARG(bytes));
    if (world->is_ignoring) {
        ins_tcp_ignore(conn);
    }
}

static void on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                   const struct sl_at *at)
{
    struct world *world = owner;
    (void)conn;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d?%llu ", side, (unsigned long long)count);
}

static void on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                     const struct sl_at *at)
{
    struct world *world = owner;
    (void)conn;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d%c ", side, is_reset ? '!' : '.');
}

static void on_end(void *owner, struct ins_tcp_conn *conn)
{
    struct world *world = owner;
    (void)conn;
    (void)sl_buf_add_str(&world->text, "end ");
}

static const struct ins_tcp_handler handler = {on_data, on_gap, on_close, on_end};

static void begin_with(struct world *world, struct ins_tcp_limits limits)
{
    *world = (struct world){0};
    sl_buf_init(&world->text, TRANSCRIPT_MAX);
    world->tcp = ins_tcp_new(&handler, world, &limits);
}

static void begin(struct world *world)
{
    begin_with(world, ins_tcp_limits_default());
}

static void end(struct world *world)
{
    ins_tcp_free(world->tcp);
    sl_buf_release(&world->text);
}

/* A segment of side 0 or 1; flags as letters S F R A; len 0: that of payload. */
static void segment_of(struct world *world, uint16_t port, int side, const char *flags,
                       uint32_t sequence, uint32_t acknowledged, const char *payload)
{
    struct ins_segment segment = {.sequence = sequence,
                                  .acknowledged = acknowledged,
                                  .payload = sl_span_str(payload),
                                  .len = (uint32_t)strlen(payload),
                                  .at = {.packet = ++world->clock}};
    struct ins_endpoint ends[2] = {
        {.address = {.version = 4, .bytes = {10, 0, 0, 1}}, .port = port},
        {.address = {.version = 4, .bytes = {10, 0, 0, 2}}, .port = 50051},
    };
    segment.from = ends[side];
    segment.to = ends[1 - side];
    segment.flags |= strchr(flags, 'S') != NULL ? INS_TCP_SYN : 0;
    segment.flags |= strchr(flags, 'F') != NULL ? INS_TCP_FIN : 0;
    segment.flags |= strchr(flags, 'R') != NULL ? INS_TCP_RST : 0;
    segment.flags |= strchr(flags, 'A') != NULL ? INS_TCP_ACK : 0;
    ins_tcp_feed(world->tcp, &segment);
}

static void segment(struct world *world, int side, const char *flags, uint32_t sequence,
                    uint32_t acknowledged, const char *payload)
{
    segment_of(world, 40000, side, flags, sequence, acknowledged, payload);
}

static void handshake(struct world *world)
{
    segment(world, 0, "S", CLIENT_FIRST - 1, 0, "");
    segment(world, 1, "SA", SERVER_FIRST - 1, CLIENT_FIRST, "");
    segment(world, 0, "A", CLIENT_FIRST, SERVER_FIRST, "");
}

static void client(struct world *world, uint32_t offset, const char *payload)
{
    segment(world, 0, "A", CLIENT_FIRST + offset, SERVER_FIRST, payload);
}

static void server(struct world *world, uint32_t offset, uint32_t acknowledged, const char *payload)
{
    segment(world, 1, "A", SERVER_FIRST + offset, CLIENT_FIRST + acknowledged, payload);
}

static void expect(struct world *world, const char *text)
{
    assert_string_equal(sl_buf_str(&world->text), text);
}

static void hands_on_segments_in_order_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 0, "abc");
    server(&world, 0, 3, "xyz");
    client(&world, 3, "def");
    expect(&world, "0:abc 1:xyz 0:def ");
    end(&world);
}

static void puts_swapped_segments_in_order(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 3, "def");
    expect(&world, "");
    client(&world, 0, "abc");
    expect(&world, "0:abc 0:def ");
    assert_int_equal(ins_tcp_totals(world.tcp)->reordered, 1);
    end(&world);
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
        begin(&world);
        handshake(&world);
        for (size_t j = 0; j < 4 && cases[i].segments[j].bytes != NULL; j++) {
            client(&world, cases[i].segments[j].offset, cases[i].segments[j].bytes);
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
        end(&world);
    }
}

static void tells_a_retransmission_with_other_bytes_and_keeps_the_first(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 0, "abc");
    client(&world, 0, "abX");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 1);
    client(&world, 6, "ghi");
    client(&world, 5, "fgX");
    client(&world, 3, "de");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 2);
    expect(&world, "0:abc 0:de 0:f 0:ghi ");
    end(&world);
}

static void follows_sequence_numbers_around_their_end(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    segment(&world, 0, "S", UINT32_MAX - 4, 0, "");
    segment(&world, 0, "A", UINT32_MAX - 1, 0, "cdef");
    segment(&world, 0, "A", UINT32_MAX - 3, 0, "ab");
    segment(&world, 0, "A", 2, 0, "gh");
    expect(&world, "0:ab 0:cdef 0:gh ");
    end(&world);
}

static void waits_for_a_hole_that_nobody_acknowledged(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 3, "def");
    for (uint32_t i = 0; i < 4 * INS_TCP_PATIENCE; i++) {
        server(&world, i, 0, "x");
    }
    assert_null(strstr(sl_buf_str(&world.text), "?"));
    client(&world, 0, "abc");
    assert_non_null(strstr(sl_buf_str(&world.text), "0:abc 0:def "));
    end(&world);
}

static void gives_up_a_hole_that_was_acknowledged_after_some_patience(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 3, "def");
    for (uint32_t i = 0; i <= INS_TCP_PATIENCE + 1; i++) {
        assert_string_equal(sl_buf_str(&world.text), "");
        server(&world, 0, 6, "");
    }
    expect(&world, "0?3 0:def ");
    end(&world);
}

static void never_hands_on_a_response_before_the_request_it_acknowledges(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    server(&world, 0, 3, "xyz");
    expect(&world, "");
    client(&world, 0, "abc");
    expect(&world, "0:abc 1:xyz ");
    end(&world);
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
        begin(&world);
        handshake(&world);
        client(&world, 0, "abc");
        client(&world, 5, "fgh");
        server(&world, 0, cases[i].acknowledged, "");
        ins_tcp_finish(world.tcp);
        expect(&world, cases[i].text);
        end(&world);
    }
}

static void begins_in_the_middle_without_a_gap(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    segment(&world, 1, "A", 70000, 900, "xyz");
    segment(&world, 0, "A", 1000, 70003, "abc");
    segment(&world, 1, "A", 70003, 1003, "uvw");
    ins_tcp_finish(world.tcp);
    expect(&world, "0:xyz 1:abc 0:uvw end ");
    end(&world);
}

static void tells_a_direction_that_was_not_captured(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    segment(&world, 1, "A", 70000, 1000, "xyz");
    segment(&world, 1, "A", 70003, 1500, "uvw");
    ins_tcp_finish(world.tcp);
    expect(&world, "0:xyz 0:uvw 1?500 end ");
    end(&world);
}

static void takes_the_captured_part_of_a_cut_segment_and_tells_the_rest(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    struct ins_segment cut = {
        .from = {.address = {.version = 4, .bytes = {10, 0, 0, 1}}, .port = 40000},
        .to = {.address = {.version = 4, .bytes = {10, 0, 0, 2}}, .port = 50051},
        .sequence = CLIENT_FIRST,
        .flags = INS_TCP_ACK,
        .acknowledged = SERVER_FIRST,
        .payload = sl_span_str("abc"),
        .len = 10};
    ins_tcp_feed(world.tcp, &cut);
    client(&world, 10, "klm");
    expect(&world, "0:abc 0?7 0:klm ");
    assert_int_equal(ins_tcp_totals(world.tcp)->cut_segments, 1);
    end(&world);
}

static void ignores_probes(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 0, "abc");
    server(&world, 0, 3, "");
    client(&world, 2, "");   /* keep-alive without a byte */
    client(&world, 2, "\1"); /* keep-alive with a byte that is none of the stream */
    client(&world, 3, "d");  /* window probe: the next byte, which is sent again later */
    client(&world, 3, "defg");
    expect(&world, "0:abc 0:d 0:efg ");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 0);
    end(&world);
}

static void ends_a_connection_when_both_sides_have(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    segment(&world, 0, "FA", CLIENT_FIRST, SERVER_FIRST, "abc");
    expect(&world, "0:abc 0. ");
    segment(&world, 1, "FA", SERVER_FIRST, CLIENT_FIRST + 4, "xyz");
    expect(&world, "0:abc 0. 1:xyz 1. end ");
    client(&world, 0, "abc"); /* late copies begin nothing */
    ins_tcp_finish(world.tcp);
    expect(&world, "0:abc 0. 1:xyz 1. end ");
    end(&world);
}

static void ends_a_connection_at_a_reset_but_not_before_its_bytes(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    segment(&world, 0, "RA", CLIENT_FIRST + 3, SERVER_FIRST, "");
    expect(&world, "");
    client(&world, 0, "abc");
    expect(&world, "0:abc 0! end ");
    end(&world);
}

static void does_not_take_a_lost_fin_for_a_lost_byte(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 0, "abc");
    segment(&world, 1, "FA", SERVER_FIRST, CLIENT_FIRST + 4, "xyz");
    ins_tcp_finish(world.tcp);
    expect(&world, "0:abc 1:xyz 1. end ");
    end(&world);
}

static void a_new_syn_begins_a_new_connection(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    handshake(&world);
    client(&world, 0, "abc");
    segment(&world, 0, "S", CLIENT_FIRST - 1, 0, ""); /* sent again: nothing new */
    segment(&world, 0, "S", 900000, 0, "");
    segment(&world, 1, "SA", 77, 900001, "");
    segment(&world, 0, "A", 900001, 78, "new");
    ins_tcp_finish(world.tcp);
    expect(&world, "0:abc end 0:new end ");
    assert_int_equal(ins_tcp_totals(world.tcp)->connections, 2);
    end(&world);
}

static void holds_no_more_than_its_limits(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = {.flow_bytes = 1000000, .total_bytes = 1000, .connections = 8};
    begin_with(&world, limits);
    segment_of(&world, 1, 0, "S", 100, 0, "");
    segment_of(&world, 2, 0, "S", 100, 0, "");
    segment_of(&world, 1, 0, "A", 111, 0, "old"); /* the oldest hole is that of port 1 */
    for (uint32_t i = 0; i < 20; i++) {
        segment_of(&world, 2, 0, "A", 201 + i * 10, 0, "y");
    }
    assert_memory_equal(sl_buf_str(&world.text), "0?10 0:old 0?100 0:y ", 21);
    assert_true(ins_tcp_totals(world.tcp)->given_up > 0);
    end(&world);
}

static void gives_up_the_quietest_connection_when_there_are_too_many(void **state)
{
    (void)state;
    struct world world;
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    limits.connections = 2;
    begin_with(&world, limits);
    segment_of(&world, 1, 0, "S", 100, 0, "");
    segment_of(&world, 2, 0, "S", 100, 0, "");
    segment_of(&world, 1, 0, "A", 101, 0, "one");
    segment_of(&world, 3, 0, "S", 100, 0, "");
    expect(&world, "0:one end ");
    assert_int_equal(ins_tcp_totals(world.tcp)->evicted, 1);
    segment_of(&world, 1, 0, "A", 104, 0, "more");
    expect(&world, "0:one end 0:more ");
    end(&world);
}

static void forgets_what_it_is_told_to_ignore(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world.is_ignoring = true;
    handshake(&world);
    client(&world, 3, "def");
    client(&world, 0, "abc");
    client(&world, 6, "ghi");
    expect(&world, "0:abc ");
    world.is_ignoring = false;
    segment(&world, 0, "S", 900000, 0, "");
    segment(&world, 0, "A", 900001, 78, "new");
    expect(&world, "0:abc end 0:new ");
    end(&world);
}

/* Any order of the segments of both sides gives each side's bytes whole and in order. */
static void any_order_gives_the_same_bytes(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        struct world world;
        begin(&world);
        handshake(&world);
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
                client(&world, order[i] / 2, letter);
            } else {
                server(&world, order[i] / 2, order[i] / 2 + 1, letter);
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
        end(&world);
    }
}

static void reads_the_header_and_its_options(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x9c, 0x40, 0xc3, 0x83, 0, 0, 0, 1, 0, 0, 0, 2,   0x60,
                                    0x18, 1,    0,    0,    0, 0, 0, 1, 1, 1, 1, 'h', 'i'};
    struct ins_segment segment = {0};
    assert_true(ins_segment_read(sl_span(bytes, sizeof(bytes)), sizeof(bytes), &segment));
    assert_int_equal(segment.from.port, 40000);
    assert_int_equal(segment.to.port, 50051);
    assert_int_equal(segment.sequence, 1);
    assert_int_equal(segment.acknowledged, 2);
    test_span_is(segment.payload, "hi");
    for (size_t len = 0; len < 20; len++) {
        assert_false(ins_segment_read(sl_span(bytes, len), sizeof(bytes), &segment));
    }
    assert_true(ins_segment_read(sl_span(bytes, 20), sizeof(bytes), &segment));
    assert_int_equal(segment.payload.len, 0);
    assert_int_equal(segment.len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_on_segments_in_order_at_once),
        cmocka_unit_test(puts_swapped_segments_in_order),
        cmocka_unit_test(takes_each_byte_once_whatever_overlaps),
        cmocka_unit_test(tells_a_retransmission_with_other_bytes_and_keeps_the_first),
        cmocka_unit_test(follows_sequence_numbers_around_their_end),
        cmocka_unit_test(waits_for_a_hole_that_nobody_acknowledged),
        cmocka_unit_test(gives_up_a_hole_that_was_acknowledged_after_some_patience),
        cmocka_unit_test(never_hands_on_a_response_before_the_request_it_acknowledges),
        cmocka_unit_test(tells_holes_that_are_left_at_the_end),
        cmocka_unit_test(begins_in_the_middle_without_a_gap),
        cmocka_unit_test(tells_a_direction_that_was_not_captured),
        cmocka_unit_test(takes_the_captured_part_of_a_cut_segment_and_tells_the_rest),
        cmocka_unit_test(ignores_probes),
        cmocka_unit_test(ends_a_connection_when_both_sides_have),
        cmocka_unit_test(ends_a_connection_at_a_reset_but_not_before_its_bytes),
        cmocka_unit_test(does_not_take_a_lost_fin_for_a_lost_byte),
        cmocka_unit_test(a_new_syn_begins_a_new_connection),
        cmocka_unit_test(holds_no_more_than_its_limits),
        cmocka_unit_test(gives_up_the_quietest_connection_when_there_are_too_many),
        cmocka_unit_test(forgets_what_it_is_told_to_ignore),
        cmocka_unit_test(any_order_gives_the_same_bytes),
        cmocka_unit_test(reads_the_header_and_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
