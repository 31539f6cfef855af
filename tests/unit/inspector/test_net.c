/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ip.h"
#include "inspector/net/tcp.h"
#include "inspector/stream/conflicts.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/inspector_net/tcp_world.h"

enum {
    PACKET_MAX = 70000,
};

/* An IP layer under test. */
struct datagram {
    struct sl_span payload;
    size_t wire_len;
};

static bool ip_feed(struct ins_ip *ip, struct sl_span packet, size_t wire_len,
                    struct datagram *ret_datagram)
{
    struct ins_hosts hosts;
    const struct ins_wrap outer = {.kind = INS_WRAP_IP, .bytes = packet, .wire_len = wire_len};
    struct ins_wrap inner = ins_ip_unwrap(ip, &outer, 0, &hosts);
    *ret_datagram = (struct datagram){inner.bytes, inner.wire_len};
    return inner.kind == INS_WRAP_TCP;
}

/* An IPv4 header with options_size bytes of options, before payload. place: flags and offset. */
static void v4(struct sl_buf *out, size_t options_size, uint16_t place, struct sl_span payload)
{
    sl_buf_clear(out);
    (void)sl_buf_add_u8(out, (uint8_t)(0x45 + options_size / 4));
    (void)sl_buf_add_u8(out, 0);
    (void)sl_buf_add_be16(out, (uint16_t)(20 + options_size + payload.len));
    (void)sl_buf_add_be16(out, 77);
    (void)sl_buf_add_be16(out, place);
    (void)sl_buf_add_be16(out, 64 << 8 | 6);
    (void)sl_buf_add_be16(out, 0);
    (void)sl_buf_add(out, "\x0a\0\0\1\x0a\0\0\2", 8);
    (void)sl_buf_add(out, "\1\1\1\1\1\1\1\1", options_size);
    (void)sl_buf_add_span(out, payload);
}

static void passes_over_ipv4_options_and_link_padding(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v4(&packet, 8, 0x4000, sl_span_str("segment"));
    (void)sl_buf_add(&packet, "\0\0\0", 3);
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "segment");
    assert_int_equal(datagram.wire_len, 7);
    /* cut by a snaplen */
    assert_true(ip_feed(ip, sl_span(packet.data, 31), packet.len, &datagram));
    test_span_is(datagram.payload, "seg");
    assert_int_equal(datagram.wire_len, 7);
    /* length 0: to be segmented by the card */
    packet.data[2] = 0;
    packet.data[3] = 0;
    assert_true(ip_feed(ip, sl_span(packet.data, 35), 35, &datagram));
    test_span_is(datagram.payload, "segment");
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void puts_ipv4_fragments_together_in_any_order(void **state)
{
    (void)state;
    static const uint16_t places[3] = {0x2000, 0x2001, 0x0002}; /* more, more at 8, last at 16 */
    static const char *const parts[3] = {"01234567", "89abcdef", "ghi"};
    static const size_t orders[][5] = {{0, 1, 2, 9}, {2, 1, 0, 9}, {1, 2, 0, 9}, {2, 2, 0, 0, 1}};
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ins_ip *ip = ins_ip_new();
        struct datagram datagram;
        bool is_whole = false;
        for (size_t j = 0; j < 5 && orders[i][j] < 3; j++) {
            assert_false(is_whole);
            assert_int_equal(ins_ip_lost(ip), j == 0 ? 0 : 1);
            v4(&packet, 0, places[orders[i][j]], sl_span_str(parts[orders[i][j]]));
            is_whole = ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram);
        }
        assert_true(is_whole);
        test_span_is(datagram.payload, "0123456789abcdefghi");
        assert_int_equal(ins_ip_lost(ip), 0);
        ins_ip_free(ip);
    }
    sl_buf_release(&packet);
}

static void pieces_that_come_again_begin_nothing(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    for (int round = 0; round < 2; round++) {
        const char *text = round == 0 ? "01234567" : "other---";
        int wholes = 0;
        for (int i = 0; i < 8; i++) {
            bool is_last = i / 2 % 2 == 1;
            v4(&packet, 0, is_last ? 0x0001 : 0x2000, sl_span_str(is_last ? "89" : text));
            wholes += ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram) ? 1 : 0;
        }
        assert_int_equal(wholes, 1); /* and the same id with other bytes is another datagram */
        assert_int_equal(ins_ip_lost(ip), 0);
        assert_int_equal(ins_ip_conflicting(ip), 0);
    }
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void the_first_of_overlapping_pieces_stays_and_others_are_told(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v4(&packet, 0, 0x2000, sl_span_str("01234567"));
    assert_false(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    v4(&packet, 0, 0x2000, sl_span_str("ABCDEFGH89abcdef"));
    assert_false(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    v4(&packet, 0, 0x0001, sl_span_str("89abcdefghi"));
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "0123456789abcdefghi");
    assert_int_equal(ins_ip_conflicting(ip), 1);
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void a_fragment_cut_by_a_snaplen_is_told_as_lost(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v4(&packet, 0, 0x2000, sl_span_str("0123456789abcdef"));
    assert_false(ip_feed(ip, sl_span(packet.data, 31), packet.len, &datagram));
    assert_int_equal(ins_ip_lost(ip), 1);
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void gives_up_the_oldest_of_many_fragmented_datagrams(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    for (uint8_t id = 0; id < 200; id++) {
        v4(&packet, 0, 0x2000, sl_span_str("01234567"));
        packet.data[5] = id;
        assert_false(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    }
    assert_int_equal(ins_ip_lost(ip), 200);
    v4(&packet, 0, 0x0001, sl_span_str("89"));
    packet.data[5] = 199;
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    assert_int_equal(ins_ip_lost(ip), 199);
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void v6(struct sl_buf *out, uint8_t next, struct sl_span payload)
{
    sl_buf_clear(out);
    (void)sl_buf_add_be32(out, 0x60000000);
    (void)sl_buf_add_be16(out, (uint16_t)payload.len);
    (void)sl_buf_add_u8(out, next);
    (void)sl_buf_add_u8(out, 64);
    for (int i = 0; i < 4; i++) {
        (void)sl_buf_add_be64(out, (uint64_t)i);
    }
    (void)sl_buf_add_span(out, payload);
}

static void passes_over_ipv6_extension_headers(void **state)
{
    (void)state;
    /* hop-by-hop (8 bytes), destination (16 bytes), authentication (12 bytes), then TCP */
    static const uint8_t payload[] = {60, 0, 0, 0, 0, 0, 0, 0, 51, 1, 0,   0,   0,
                                      0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0,   6,   1,
                                      0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 'e', 'n', 'd'};
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v6(&packet, 0, sl_span(payload, sizeof(payload)));
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "end");
    for (size_t len = 0; len < packet.len - 3; len++) {
        assert_false(ip_feed(ip, sl_span(packet.data, len), packet.len, &datagram) &&
                     datagram.payload.len > 0);
    }
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void puts_ipv6_fragments_together(void **state)
{
    (void)state;
    static const uint8_t last[] = {6, 0, 0, 8, 0, 0, 0, 9, 'x', 'y'};
    static const uint8_t first[] = {6, 0, 0, 1, 0, 0, 0, 9, '0', '1', '2', '3', '4', '5', '6', '7'};
    static const uint8_t atomic[] = {6, 0, 0, 0, 0, 0, 0, 9, 'o', 'n', 'e'};
    struct ins_ip *ip = ins_ip_new();
    struct datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v6(&packet, 44, sl_span(last, sizeof(last)));
    assert_false(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    v6(&packet, 44, sl_span(first, sizeof(first)));
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "01234567xy");
    v6(&packet, 44, sl_span(atomic, sizeof(atomic)));
    assert_true(ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "one");
    sl_buf_release(&packet);
    ins_ip_free(ip);
}

static void reads_the_tcp_header_and_its_options(void **state)
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

static void writes_endpoints_as_people_do(void **state)
{
    (void)state;
    char text[INS_ENDPOINT_TEXT_MAX];
    struct ins_endpoint v4_end = {{.version = 4, .bytes = {127, 0, 0, 1}}, 50051};
    struct ins_endpoint v6_end = {{.version = 6, .bytes = {[15] = 1}}, 50051};
    assert_string_equal(ins_endpoint_text(&v4_end, text), "127.0.0.1:50051");
    assert_string_equal(ins_endpoint_text(&v6_end, text), "[::1]:50051");
}

static void tells_a_retransmission_with_other_bytes_and_keeps_the_first(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc");
    world_client(&world, 0, "abX");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 1);
    world_client(&world, 6, "ghi");
    world_client(&world, 5, "fgX");
    world_client(&world, 3, "de");
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 2);
    world_expect(&world, "0:abc 0:de 0:f 0:ghi ");
    world_end(&world);
}

static void says_whose_bytes_came_again_with_other_ones(void **state)
{
    (void)state;
    struct world world;
    world_begin(&world);
    world_handshake(&world);
    world_client(&world, 0, "abc"); /* packet 4 */
    world_client(&world, 3, "def"); /* 5 */
    world_client(&world, 0, "abcdef");
    assert_int_equal(world.conflict, 0);
    world_client(&world, 0, "abcdeX"); /* the two in one */
    assert_int_equal(world.conflict, 5);
    world_client(&world, 0, "Xbcdefghi"); /* 8, with something new */
    assert_int_equal(world.conflict, 4);
    world_client(&world, 12, "mno"); /* 9: early */
    world_client(&world, 12, "mnX");
    assert_int_equal(world.conflict, 4); /* told when it is handed on */
    world_client(&world, 9, "jkl");
    assert_int_equal(world.conflict, 9);
    assert_int_equal(ins_tcp_totals(world.tcp)->conflicting, 3);
    world_expect(&world, "0:abc 0:def 0:ghi 0:jkl 0:mno ");
    world_end(&world);
}

static void tells_the_calls_in_whose_time_they_were(void **state)
{
    (void)state;
    struct ins_conflicts *conflicts = NULL;
    assert_false(ins_conflicts_hit(conflicts, 0, UINT64_MAX));
    ins_conflicts_add(&conflicts, 10);
    assert_true(ins_conflicts_hit(conflicts, 10, 10));
    assert_true(ins_conflicts_hit(conflicts, 1, UINT64_MAX));
    assert_false(ins_conflicts_hit(conflicts, 11, UINT64_MAX));
    assert_false(ins_conflicts_hit(conflicts, 1, 9));
    /* those that are not kept any more count as a range */
    ins_conflicts_add(&conflicts, 20);
    for (uint64_t i = 0; i < INS_CONFLICTS_KEPT; i++) {
        ins_conflicts_add(&conflicts, 1000 + i);
    }
    assert_true(ins_conflicts_hit(conflicts, 15, 15));
    assert_false(ins_conflicts_hit(conflicts, 21, 999));
    assert_true(ins_conflicts_hit(conflicts, 1000, 1000));
    ins_conflicts_free(conflicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_over_ipv4_options_and_link_padding),
        cmocka_unit_test(puts_ipv4_fragments_together_in_any_order),
        cmocka_unit_test(pieces_that_come_again_begin_nothing),
        cmocka_unit_test(the_first_of_overlapping_pieces_stays_and_others_are_told),
        cmocka_unit_test(a_fragment_cut_by_a_snaplen_is_told_as_lost),
        cmocka_unit_test(gives_up_the_oldest_of_many_fragmented_datagrams),
        cmocka_unit_test(passes_over_ipv6_extension_headers),
        cmocka_unit_test(puts_ipv6_fragments_together),
        cmocka_unit_test(reads_the_tcp_header_and_its_options),
        cmocka_unit_test(writes_endpoints_as_people_do),
        cmocka_unit_test(tells_a_retransmission_with_other_bytes_and_keeps_the_first),
        cmocka_unit_test(says_whose_bytes_came_again_with_other_ones),
        cmocka_unit_test(tells_the_calls_in_whose_time_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
