/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ip.h"
#include "inspector/net/link.h"
#include "inspector/net/tcp.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"

enum {
    PACKET_MAX = 70000,
};

static const struct test_tcp hello = {.port = {40000, 50051},
                                      .payload = {(const uint8_t *)"hi", 2}};

static void finds_ip_under_every_link_type(void **state)
{
    (void)state;
    static const uint32_t types[] = {INS_LINK_NULL, INS_LINK_ETHERNET, INS_LINK_RAW,
                                     INS_LINK_LOOP, INS_LINK_SLL,      INS_LINK_SLL2,
                                     INS_LINK_IPV4, INS_LINK_IPV6,     INS_LINK_RAW_BSD};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (int v6 = 0; v6 < 2; v6++) {
            struct test_tcp tcp = hello;
            struct sl_buf packet;
            struct sl_buf frame;
            tcp.is_v6 = v6 == 1;
            sl_buf_init(&packet, PACKET_MAX);
            sl_buf_init(&frame, PACKET_MAX);
            test_tcp_packet(&packet, &tcp);
            test_link_frame(&frame, types[i], sl_buf_span(&packet));
            assert_true(ins_link_is_known(types[i]));
            assert_true(
                sl_span_equal(ins_link_ip(types[i], sl_buf_span(&frame)), sl_buf_span(&packet)));
            for (size_t len = 0; len < frame.len; len++) {
                assert_true(ins_link_ip(types[i], sl_span(frame.data, len)).len < packet.len);
            }
            sl_buf_release(&packet);
            sl_buf_release(&frame);
        }
    }
    assert_false(ins_link_is_known(9999));
    assert_int_equal(ins_link_ip(9999, sl_span_str("anything")).len, 0);
}

static void looks_through_vlan_tags(void **state)
{
    (void)state;
    static const uint8_t frame[] = {0,    0,    0, 0, 0,    0,    0, 0, 0, 0, 0,    0,
                                    0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 6, 8, 0, 0x45, 9};
    struct sl_span ip = ins_link_ip(INS_LINK_ETHERNET, sl_span(frame, sizeof(frame)));
    assert_int_equal(ip.len, 2);
    assert_int_equal(ip.data[0], 0x45);
}

static void reads_loopback_families_of_either_byte_order(void **state)
{
    (void)state;
    static const uint8_t families[][5] = {{2, 0, 0, 0, 'x'},  {0, 0, 0, 2, 'x'},
                                          {24, 0, 0, 0, 'x'}, {0, 0, 0, 28, 'x'},
                                          {30, 0, 0, 0, 'x'}, {10, 0, 0, 0, 'x'}};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        assert_int_equal(ins_link_ip(INS_LINK_NULL, sl_span(families[i], 5)).len, 1);
    }
    static const uint8_t other[] = {7, 0, 0, 0, 'x'};
    assert_int_equal(ins_link_ip(INS_LINK_NULL, sl_span(other, 5)).len, 0);
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
    struct ins_datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v4(&packet, 8, 0x4000, sl_span_str("segment"));
    (void)sl_buf_add(&packet, "\0\0\0", 3);
    assert_true(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "segment");
    assert_int_equal(datagram.wire_len, 7);
    /* cut by a snaplen */
    assert_true(ins_ip_feed(ip, sl_span(packet.data, 31), packet.len, &datagram));
    test_span_is(datagram.payload, "seg");
    assert_int_equal(datagram.wire_len, 7);
    /* length 0: to be segmented by the card */
    packet.data[2] = 0;
    packet.data[3] = 0;
    assert_true(ins_ip_feed(ip, sl_span(packet.data, 35), 35, &datagram));
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
        struct ins_datagram datagram;
        bool is_whole = false;
        for (size_t j = 0; j < 5 && orders[i][j] < 3; j++) {
            assert_false(is_whole);
            assert_int_equal(ins_ip_lost(ip), j == 0 ? 0 : 1);
            v4(&packet, 0, places[orders[i][j]], sl_span_str(parts[orders[i][j]]));
            is_whole = ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram);
        }
        assert_true(is_whole);
        test_span_is(datagram.payload, "0123456789abcdefghi");
        assert_int_equal(ins_ip_lost(ip), 0);
        ins_ip_free(ip);
    }
    sl_buf_release(&packet);
}

static void gives_up_the_oldest_of_many_fragmented_datagrams(void **state)
{
    (void)state;
    struct ins_ip *ip = ins_ip_new();
    struct ins_datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    for (uint8_t id = 0; id < 200; id++) {
        v4(&packet, 0, 0x2000, sl_span_str("01234567"));
        packet.data[5] = id;
        assert_false(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    }
    assert_int_equal(ins_ip_lost(ip), 200);
    v4(&packet, 0, 0x0001, sl_span_str("89"));
    packet.data[5] = 199;
    assert_true(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
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
    struct ins_datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v6(&packet, 0, sl_span(payload, sizeof(payload)));
    assert_true(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "end");
    for (size_t len = 0; len < packet.len - 3; len++) {
        assert_false(ins_ip_feed(ip, sl_span(packet.data, len), packet.len, &datagram) &&
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
    struct ins_datagram datagram;
    struct sl_buf packet;
    sl_buf_init(&packet, PACKET_MAX);
    v6(&packet, 44, sl_span(last, sizeof(last)));
    assert_false(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    v6(&packet, 44, sl_span(first, sizeof(first)));
    assert_true(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
    test_span_is(datagram.payload, "01234567xy");
    v6(&packet, 44, sl_span(atomic, sizeof(atomic)));
    assert_true(ins_ip_feed(ip, sl_buf_span(&packet), packet.len, &datagram));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_ip_under_every_link_type),
        cmocka_unit_test(looks_through_vlan_tags),
        cmocka_unit_test(reads_loopback_families_of_either_byte_order),
        cmocka_unit_test(passes_over_ipv4_options_and_link_padding),
        cmocka_unit_test(puts_ipv4_fragments_together_in_any_order),
        cmocka_unit_test(gives_up_the_oldest_of_many_fragmented_datagrams),
        cmocka_unit_test(passes_over_ipv6_extension_headers),
        cmocka_unit_test(puts_ipv6_fragments_together),
        cmocka_unit_test(reads_the_tcp_header_and_its_options),
        cmocka_unit_test(writes_endpoints_as_people_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
