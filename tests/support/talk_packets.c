/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/talk_packets.h"

#include "tests/support/cmocka_all.h"

enum {
    FIN = 0x01,
    SYN = 0x02,
    RST = 0x04,
    ACK = 0x10,
    SERVER_FIRST = 5000,
    CLIENT_PORT = 40000,
    SERVER_PORT = 443, /* not a port that means gRPC to anyone */
};

struct packer {
    struct test_packets *packets;
    uint32_t link_type;
    bool is_v6;
    uint32_t next[2]; /* sequence numbers, by side */
};

static void add(struct packer *packer, int side, uint8_t flags, struct sl_span payload)
{
    struct test_packets *packets = packer->packets;
    const struct test_tcp tcp = {.is_v6 = packer->is_v6,
                                 .is_back = side == 1,
                                 .port = {CLIENT_PORT, SERVER_PORT},
                                 .sequence = packer->next[side],
                                 .acknowledged = (flags & ACK) != 0 ? packer->next[1 - side] : 0,
                                 .flags = flags,
                                 .payload = payload};
    struct sl_buf ip;
    struct sl_buf frame;
    sl_buf_init(&ip, TEST_PACKET_BYTES_MAX);
    sl_buf_init(&frame, TEST_PACKET_BYTES_MAX);
    test_tcp_packet(&ip, &tcp);
    test_link_frame(&frame, packer->link_type, sl_buf_span(&ip));
    assert_true(packets->count < TEST_PACKETS_MAX && frame.len > 0);
    memcpy(packets->items[packets->count].bytes, frame.data, frame.len);
    packets->items[packets->count].len = frame.len;
    packets->items[packets->count].has_data = payload.len > 0;
    packets->count++;
    packer->next[side] += (uint32_t)payload.len + ((flags & (SYN | FIN)) != 0 ? 1 : 0);
    sl_buf_release(&ip);
    sl_buf_release(&frame);
}

void test_pack(struct test_packets *packets, const struct test_talk *talk, uint32_t link_type,
               bool is_v6)
{
    struct packer packer = {packets, link_type, is_v6, {UINT32_MAX - 100, SERVER_FIRST}};
    bool is_closed[2] = {false, false};
    struct sl_span none = {0};
    size_t start = 0;
    packets->count = 0;
    add(&packer, 0, SYN, none);
    add(&packer, 1, SYN | ACK, none);
    for (size_t i = 0; i < talk->count; i++) {
        const struct test_segment *segment = &talk->segments[i];
        int side = segment->dir == SL_DIR_REQUEST ? 0 : 1;
        if (segment->is_close) {
            add(&packer, side, segment->is_reset ? RST | ACK : FIN | ACK, none);
            is_closed[side] = true;
            is_closed[1 - side] = is_closed[1 - side] || segment->is_reset;
        } else if (segment->is_gap) {
            packer.next[side] += (uint32_t)(segment->end - start);
        } else {
            add(&packer, side, ACK, sl_span(talk->bytes.data + start, segment->end - start));
        }
        start = segment->end;
    }
    for (int side = 0; side < 2; side++) {
        if (!is_closed[side]) {
            add(&packer, side, FIN | ACK, none);
        }
    }
}
