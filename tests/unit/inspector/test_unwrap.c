/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/unwrap.h"

#include "inspector/net/link.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"
#include "tests/support/wraps.h"

enum {
    FRAME_MAX = 70000,
};

/* What came out of the layer under test. */
struct world {
    struct ins_unwrap *unwrap;
    int segments;
    char payload[64]; /* of the last segment */
    uint32_t len;
    uint8_t version;
};

static void on_segment(void *owner, const struct ins_segment *segment)
{
    struct world *world = owner;
    size_t len = segment->payload.len < 63 ? segment->payload.len : 63;
    world->segments++;
    if (len > 0) {
        memcpy(world->payload, segment->payload.data, len);
    }
    world->payload[len] = '\0';
    world->len = segment->len;
    world->version = segment->from.address.version;
}

static void begin(struct world *world)
{
    *world = (struct world){0};
    world->unwrap = ins_unwrap_new(on_segment, world);
}

static void feed_cut(struct world *world, uint32_t link_type, struct sl_span frame, size_t cut)
{
    /* An exact copy, so that a read past it is caught. */
    uint8_t *copy = sl_alloc(frame.len - cut + 1);
    memcpy(copy, frame.data, frame.len - cut);
    const struct ins_packet packet = {.bytes = sl_span(copy, frame.len - cut),
                                      .original_len = (uint32_t)frame.len,
                                      .link_type = link_type,
                                      .number = 1};
    ins_unwrap_feed(world->unwrap, &packet);
    sl_free(copy);
}

static void feed(struct world *world, uint32_t link_type, struct sl_span frame)
{
    feed_cut(world, link_type, frame, 0);
}

static uint64_t end_count(struct world *world, enum ins_wrap_kind kind)
{
    return ins_unwrap_totals(world->unwrap)->ends[kind];
}

static uint64_t all_ends(struct world *world)
{
    uint64_t sum = ins_unwrap_totals(world->unwrap)->too_deep;
    for (int kind = 0; kind < INS_WRAP_KINDS; kind++) {
        sum += end_count(world, (enum ins_wrap_kind)kind);
    }
    return sum;
}

static void hello(struct sl_buf *packet, bool is_v6)
{
    struct test_tcp tcp = {
        .is_v6 = is_v6, .port = {40000, 50051}, .payload = {(const uint8_t *)"hello", 5}};
    test_tcp_packet(packet, &tcp);
}

/* A frame of one of the wraps around a segment that says hello. */
static void wrapped(struct sl_buf *frame, const char *recipe, bool is_v6)
{
    struct sl_buf packet;
    sl_buf_init(&packet, FRAME_MAX);
    hello(&packet, is_v6);
    test_wrap(frame, recipe, sl_buf_span(&packet));
    sl_buf_release(&packet);
}

static void finds_the_segment_under_every_link_type_and_tunnel(void **state)
{
    (void)state;
    for (size_t i = 0; test_wraps[i].recipe != NULL; i++) {
        for (int v6 = 0; v6 < 2; v6++) {
            struct world world;
            struct sl_buf frame;
            begin(&world);
            sl_buf_init(&frame, FRAME_MAX);
            wrapped(&frame, test_wraps[i].recipe, v6 == 1);
            feed(&world, test_wraps[i].link_type, sl_buf_span(&frame));
            if (world.segments != 1 || strcmp(world.payload, "hello") != 0 || world.len != 5 ||
                world.version != (v6 == 1 ? 6 : 4)) {
                fail_msg("%u %s: %d segments, '%s'", (unsigned)test_wraps[i].link_type,
                         test_wraps[i].recipe, world.segments, world.payload);
            }
            assert_true(ins_link_is_known(test_wraps[i].link_type));
            sl_buf_release(&frame);
            ins_unwrap_free(world.unwrap);
        }
    }
}

static void padding_behind_the_packet_is_no_payload(void **state)
{
    (void)state;
    for (size_t i = 0; test_wraps[i].recipe != NULL; i++) {
        struct world world;
        struct sl_buf frame;
        begin(&world);
        sl_buf_init(&frame, FRAME_MAX);
        wrapped(&frame, test_wraps[i].recipe, i % 2 == 1);
        (void)sl_buf_add(&frame, "\0\0\0\0\0\0\0\0\0", 9);
        feed(&world, test_wraps[i].link_type, sl_buf_span(&frame));
        if (world.segments < 1 || world.len != 5) {
            fail_msg("%s: %d segments, %u bytes", test_wraps[i].recipe, world.segments,
                     (unsigned)world.len);
        }
        sl_buf_release(&frame);
        ins_unwrap_free(world.unwrap);
    }
}

static void a_cut_packet_is_a_cut_segment_or_counted(void **state)
{
    (void)state;
    for (size_t i = 0; test_wraps[i].recipe != NULL; i++) {
        struct sl_buf frame;
        sl_buf_init(&frame, FRAME_MAX);
        wrapped(&frame, test_wraps[i].recipe, i % 2 == 1);
        for (size_t cut = 1; cut <= frame.len; cut++) {
            struct world world;
            begin(&world);
            feed_cut(&world, test_wraps[i].link_type, sl_buf_span(&frame), cut);
            if (world.segments != (cut <= 5 ? 1 : 0) || all_ends(&world) != 1 ||
                (cut <= 5 && (world.len != 5 || strlen(world.payload) != 5 - cut))) {
                fail_msg("%s cut by %zu: %d segments, %u bytes, '%s', %d ends",
                         test_wraps[i].recipe, cut, world.segments, (unsigned)world.len,
                         world.payload, (int)all_ends(&world));
            }
            ins_unwrap_free(world.unwrap);
        }
        sl_buf_release(&frame);
    }
}

static void any_changed_byte_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; test_wraps[i].recipe != NULL; i++) {
        struct sl_buf frame;
        struct world world;
        sl_buf_init(&frame, FRAME_MAX);
        wrapped(&frame, test_wraps[i].recipe, i % 2 == 1);
        begin(&world);
        for (size_t at = 0; at < frame.len; at++) {
            uint8_t was = frame.data[at];
            for (unsigned bit = 0; bit < 8; bit++) {
                frame.data[at] = (uint8_t)(was ^ 1U << bit);
                feed(&world, test_wraps[i].link_type, sl_buf_span(&frame));
            }
            frame.data[at] = was;
        }
        assert_true(all_ends(&world) >= frame.len * 8);
        sl_buf_release(&frame);
        ins_unwrap_free(world.unwrap);
    }
}

static void several_frames_of_an_aggregate_are_all_read(void **state)
{
    (void)state;
    struct world world;
    struct sl_buf first;
    struct sl_buf second;
    begin(&world);
    sl_buf_init(&first, FRAME_MAX);
    sl_buf_init(&second, FRAME_MAX);
    wrapped(&first, "amsdu snap", false);
    while ((first.len - 26) % 4 != 0) {
        (void)sl_buf_add_u8(&first, 0);
    }
    wrapped(&second, "amsdu snap", true);
    (void)sl_buf_add_span(&first, sl_span_from(sl_buf_span(&second), 26));
    feed(&world, INS_LINK_WIFI, sl_buf_span(&first));
    assert_int_equal(world.segments, 2);
    assert_int_equal(world.version, 6);
    sl_buf_release(&first);
    sl_buf_release(&second);
    ins_unwrap_free(world.unwrap);
}

static void what_holds_no_segment_is_counted_by_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t link_type;
        const char *bytes;
        size_t len;
        enum ins_wrap_kind kind;
    } cases[] = {
        {"ARP", INS_LINK_ETHERNET, "\0\0\0\0\0\0\0\0\0\0\0\0\x08\x06xxxx", 18, INS_WRAP_NOT_IP},
        {"an unknown link type", 9999, "anything", 8, INS_WRAP_UNKNOWN_LINK},
        {"a loopback family", INS_LINK_NULL, "\7\0\0\0x", 5, INS_WRAP_NOT_IP},
        {"a beacon", INS_LINK_WIFI, "\x80\0\0\0", 4, INS_WRAP_NOT_IP},
        {"a protected frame", INS_LINK_WIFI, "\x08\x41\0\0", 4, INS_WRAP_ENCRYPTED},
        {"a fragment of a frame", INS_LINK_WIFI,
         "\x08\x05\0\0"
         "aaaaaabbbbbbcccccc\0\0",
         24, INS_WRAP_NOT_IP},
        {"MACsec", INS_LINK_ETHERNET, "\0\0\0\0\0\0\0\0\0\0\0\0\x88\xe5xxxx", 18,
         INS_WRAP_ENCRYPTED},
        {"compressed PPP", INS_LINK_PPP, "\0\xfdxx", 4, INS_WRAP_ENCRYPTED},
        {"PPPoE discovery", INS_LINK_PPPOE, "\x11\x09\0\0\0\0", 6, INS_WRAP_NOT_IP},
        {"no IP at all", INS_LINK_RAW, "\x15\0\0\0", 4, INS_WRAP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        begin(&world);
        feed(&world, cases[i].link_type, sl_span(cases[i].bytes, cases[i].len));
        if (end_count(&world, cases[i].kind) != 1 || all_ends(&world) != 1) {
            fail_msg("%s", cases[i].name);
        }
        ins_unwrap_free(world.unwrap);
    }
}

/* An IPv4 packet of this protocol. */
static void v4(struct sl_buf *out, uint8_t protocol, uint16_t id, uint16_t place,
               struct sl_span payload)
{
    sl_buf_clear(out);
    (void)sl_buf_add_be16(out, 0x4500);
    (void)sl_buf_add_be16(out, (uint16_t)(20 + payload.len));
    (void)sl_buf_add_be16(out, id);
    (void)sl_buf_add_be16(out, place);
    (void)sl_buf_add_be16(out, (uint16_t)(64 << 8 | protocol));
    (void)sl_buf_add_be16(out, 0);
    (void)sl_buf_add(out, "\x0a\0\0\1\x0a\0\0\2", 8);
    (void)sl_buf_add_span(out, payload);
}

static void other_protocols_over_ip_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t protocol;
        const char *bytes;
        size_t len;
        enum ins_wrap_kind kind;
    } cases[] = {
        {"ICMP", 1, "xxxx", 4, INS_WRAP_OTHER_IP},
        {"ESP", 50, "xxxx", 4, INS_WRAP_ENCRYPTED},
        {"DNS", 17, "\x9c\x40\0\x35\0\x0c\0\0abcd", 12, INS_WRAP_OTHER_UDP},
        {"QUIC's first packet", 17, "\x9c\x40\x11\x51\0\x0e\0\0\xc3\0\0\0\1x", 14, INS_WRAP_QUIC},
        {"QUIC's later packets", 17, "\1\xbb\x9c\x40\0\x0c\0\0\x43xyz", 12, INS_WRAP_QUIC},
        {"no VXLAN on its port", 17, "\x9c\x40\x12\xb5\0\x10\0\0\0\0\0\0\0\0\0\0", 16,
         INS_WRAP_OTHER_UDP},
        {"GTP control", 17, "\x9c\x40\x08\x68\0\x10\0\0\x32\1\0\0\0\0\0\0", 16, INS_WRAP_OTHER_UDP},
        {"a cut UDP header", 17, "\x9c\x40\0", 3, INS_WRAP_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct sl_buf packet;
        begin(&world);
        sl_buf_init(&packet, FRAME_MAX);
        v4(&packet, cases[i].protocol, 1, 0, sl_span(cases[i].bytes, cases[i].len));
        feed(&world, INS_LINK_RAW, sl_buf_span(&packet));
        if (end_count(&world, cases[i].kind) != 1 || all_ends(&world) != 1) {
            fail_msg("%s", cases[i].name);
        }
        sl_buf_release(&packet);
        ins_unwrap_free(world.unwrap);
    }
}

static void deeper_nesting_than_the_limit_is_told(void **state)
{
    (void)state;
    char recipe[256] = "";
    for (int depth = 1; depth <= INS_UNWRAP_NESTING + 2; depth++) {
        struct world world;
        struct sl_buf frame;
        begin(&world);
        sl_buf_init(&frame, FRAME_MAX);
        wrapped(&frame, recipe, false);
        feed(&world, INS_LINK_RAW, sl_buf_span(&frame));
        assert_int_equal(world.segments, depth <= INS_UNWRAP_NESTING ? 1 : 0);
        assert_int_equal(ins_unwrap_totals(world.unwrap)->too_deep, 1 - world.segments);
        (void)strncat(recipe, "ipv4 ", sizeof(recipe) - strlen(recipe) - 1);
        sl_buf_release(&frame);
        ins_unwrap_free(world.unwrap);
    }
}

/* The IP payload of hello in two fragments, each wrapped. */
static void fragments(struct sl_buf frames[2], const char *recipe, uint16_t id)
{
    struct sl_buf packet;
    struct sl_buf piece;
    sl_buf_init(&packet, FRAME_MAX);
    sl_buf_init(&piece, FRAME_MAX);
    hello(&packet, false);
    struct sl_span segment = sl_span_from(sl_buf_span(&packet), 20);
    for (size_t i = 0; i < 2; i++) {
        sl_buf_init(&frames[i], FRAME_MAX);
        v4(&piece, 6, id, i == 0 ? 0x2000 : 0x0002,
           i == 0 ? sl_span_first(segment, 16) : sl_span_from(segment, 16));
        test_wrap(&frames[i], recipe, sl_buf_span(&piece));
    }
    sl_buf_release(&packet);
    sl_buf_release(&piece);
}

static void fragments_inside_every_wrap_are_put_together(void **state)
{
    (void)state;
    for (size_t i = 0; test_wraps[i].recipe != NULL; i++) {
        struct world world;
        struct sl_buf frames[2];
        begin(&world);
        fragments(frames, test_wraps[i].recipe, 7);
        feed(&world, test_wraps[i].link_type, sl_buf_span(&frames[1]));
        assert_int_equal(world.segments, 0);
        assert_int_equal(end_count(&world, INS_WRAP_PIECE), 1);
        feed(&world, test_wraps[i].link_type, sl_buf_span(&frames[0]));
        assert_int_equal(world.segments, 1);
        assert_string_equal(world.payload, "hello");
        assert_int_equal(ins_unwrap_totals(world.unwrap)->fragments_lost, 0);
        sl_buf_release(&frames[0]);
        sl_buf_release(&frames[1]);
        ins_unwrap_free(world.unwrap);
    }
}

static void networks_with_the_same_addresses_do_not_mix_their_fragments(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"eth vlan:5", "eth vlan:6"},
        {"eth ipv4 udp:4789 vxlan:5 eth", "eth ipv4 udp:4789 vxlan:6 eth"},
        {"eth mpls:16", "eth mpls:17"},
        {"eth ipv4", "eth ipv6"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct world world;
        struct sl_buf here[2];
        struct sl_buf there[2];
        begin(&world);
        fragments(here, pairs[i][0], 7);
        fragments(there, pairs[i][1], 7);
        feed(&world, INS_LINK_ETHERNET, sl_buf_span(&here[0]));
        feed(&world, INS_LINK_ETHERNET, sl_buf_span(&there[1]));
        assert_int_equal(world.segments, 0);
        feed(&world, INS_LINK_ETHERNET, sl_buf_span(&here[1]));
        assert_int_equal(world.segments, 1);
        feed(&world, INS_LINK_ETHERNET, sl_buf_span(&there[0]));
        assert_int_equal(world.segments, 2);
        for (size_t j = 0; j < 2; j++) {
            sl_buf_release(&here[j]);
            sl_buf_release(&there[j]);
        }
        ins_unwrap_free(world.unwrap);
    }
}

/* A datagram in pieces of which each is in pieces again, because the tunnel's packets were too large. */
static void fragments_of_a_tunnel_that_carries_fragments(void **state)
{
    (void)state;
    struct world world;
    struct sl_buf frames[2];
    struct sl_buf outer;
    begin(&world);
    fragments(frames, "", 7);
    sl_buf_init(&outer, FRAME_MAX);
    for (uint16_t i = 0; i < 2; i++) {
        struct sl_span inner = sl_buf_span(&frames[i]);
        v4(&outer, 4, (uint16_t)(70 + i), 0x2000, sl_span_first(inner, 24));
        feed(&world, INS_LINK_RAW, sl_buf_span(&outer));
        assert_int_equal(world.segments, 0);
        v4(&outer, 4, (uint16_t)(70 + i), 0x0003, sl_span_from(inner, 24));
        feed(&world, INS_LINK_RAW, sl_buf_span(&outer));
        sl_buf_release(&frames[i]);
    }
    assert_int_equal(world.segments, 1);
    assert_string_equal(world.payload, "hello");
    sl_buf_release(&outer);
    ins_unwrap_free(world.unwrap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_segment_under_every_link_type_and_tunnel),
        cmocka_unit_test(padding_behind_the_packet_is_no_payload),
        cmocka_unit_test(a_cut_packet_is_a_cut_segment_or_counted),
        cmocka_unit_test(any_changed_byte_is_survived),
        cmocka_unit_test(several_frames_of_an_aggregate_are_all_read),
        cmocka_unit_test(what_holds_no_segment_is_counted_by_its_kind),
        cmocka_unit_test(other_protocols_over_ip_are_told_apart),
        cmocka_unit_test(deeper_nesting_than_the_limit_is_told),
        cmocka_unit_test(fragments_inside_every_wrap_are_put_together),
        cmocka_unit_test(networks_with_the_same_addresses_do_not_mix_their_fragments),
        cmocka_unit_test(fragments_of_a_tunnel_that_carries_fragments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
