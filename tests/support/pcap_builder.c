/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pcap_builder.h"

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_SLL2 = 276,
};

static bool is_big_endian(const struct test_capture *capture)
{
    return capture->format == TEST_PCAP_US_BE || capture->format == TEST_PCAP_NS_BE ||
           capture->format == TEST_PCAPNG_BE;
}

static bool is_pcapng(const struct test_capture *capture)
{
    return capture->format == TEST_PCAPNG_LE || capture->format == TEST_PCAPNG_BE;
}

void test_capture_u16(const struct test_capture *capture, struct sl_buf *out, uint16_t value)
{
    (void)(is_big_endian(capture) ? sl_buf_add_be16(out, value) : sl_buf_add_le16(out, value));
}

void test_capture_u32(const struct test_capture *capture, struct sl_buf *out, uint32_t value)
{
    (void)(is_big_endian(capture) ? sl_buf_add_be32(out, value) : sl_buf_add_le32(out, value));
}

static void own_u32(struct test_capture *capture, uint32_t value)
{
    test_capture_u32(capture, &capture->bytes, value);
}

static void own_u16(struct test_capture *capture, uint16_t value)
{
    test_capture_u16(capture, &capture->bytes, value);
}

void test_capture_init(struct test_capture *capture, enum test_capture_format format,
                       uint32_t link_type)
{
    capture->format = format;
    sl_buf_init(&capture->bytes, TEST_CAPTURE_MAX);
    if (is_pcapng(capture)) {
        test_capture_section(capture);
        test_capture_interface(capture, (uint16_t)link_type, 9);
        return;
    }
    bool is_ns = format == TEST_PCAP_NS_LE || format == TEST_PCAP_NS_BE;
    own_u32(capture, is_ns ? 0xa1b23c4d : 0xa1b2c3d4);
    own_u16(capture, 2);
    own_u16(capture, 4);
    own_u32(capture, 0);
    own_u32(capture, 0);
    own_u32(capture, 262144);
    own_u32(capture, link_type);
}

void test_capture_release(struct test_capture *capture)
{
    sl_buf_release(&capture->bytes);
}

void test_capture_packet(struct test_capture *capture, uint64_t time_ns, struct sl_span frame,
                         uint32_t wire_len)
{
    if (is_pcapng(capture)) {
        test_capture_packet_of(capture, 0, time_ns, frame);
        return;
    }
    bool is_ns = capture->format == TEST_PCAP_NS_LE || capture->format == TEST_PCAP_NS_BE;
    own_u32(capture, (uint32_t)(time_ns / 1000000000));
    own_u32(capture, (uint32_t)(time_ns % 1000000000 / (is_ns ? 1 : 1000)));
    own_u32(capture, (uint32_t)frame.len);
    own_u32(capture, wire_len == 0 ? (uint32_t)frame.len : wire_len);
    (void)sl_buf_add_span(&capture->bytes, frame);
}

void test_capture_block(struct test_capture *capture, uint32_t type, struct sl_span body)
{
    size_t padding = (4 - body.len % 4) % 4;
    uint32_t size = (uint32_t)(body.len + padding + 12);
    own_u32(capture, type);
    own_u32(capture, size);
    (void)sl_buf_add_span(&capture->bytes, body);
    (void)sl_buf_add(&capture->bytes, "\0\0\0", padding);
    own_u32(capture, size);
}

void test_capture_section(struct test_capture *capture)
{
    struct sl_buf body;
    sl_buf_init(&body, 64);
    test_capture_u32(capture, &body, 0x1a2b3c4d);
    test_capture_u16(capture, &body, 1);
    test_capture_u16(capture, &body, 0);
    test_capture_u32(capture, &body, 0xffffffff);
    test_capture_u32(capture, &body, 0xffffffff);
    test_capture_block(capture, 0x0a0d0d0a, sl_buf_span(&body));
    sl_buf_release(&body);
}

void test_capture_interface(struct test_capture *capture, uint16_t link_type, int resolution)
{
    struct sl_buf body;
    sl_buf_init(&body, 64);
    test_capture_u16(capture, &body, link_type);
    test_capture_u16(capture, &body, 0);
    test_capture_u32(capture, &body, 0);
    if (resolution >= 0) {
        test_capture_u16(capture, &body, 9);
        test_capture_u16(capture, &body, 1);
        (void)sl_buf_add_u8(&body, (uint8_t)resolution);
        (void)sl_buf_add(&body, "\0\0\0", 3);
        test_capture_u32(capture, &body, 0);
    }
    test_capture_block(capture, 1, sl_buf_span(&body));
    sl_buf_release(&body);
}

void test_capture_packet_of(struct test_capture *capture, uint32_t interface, uint64_t ticks,
                            struct sl_span frame)
{
    struct sl_buf body;
    sl_buf_init(&body, TEST_CAPTURE_MAX);
    test_capture_u32(capture, &body, interface);
    test_capture_u32(capture, &body, (uint32_t)(ticks >> 32));
    test_capture_u32(capture, &body, (uint32_t)ticks);
    test_capture_u32(capture, &body, (uint32_t)frame.len);
    test_capture_u32(capture, &body, (uint32_t)frame.len);
    (void)sl_buf_add_span(&body, frame);
    test_capture_block(capture, 6, sl_buf_span(&body));
    sl_buf_release(&body);
}

static void tcp_bytes(struct sl_buf *out, const struct test_tcp *tcp)
{
    (void)sl_buf_add_be16(out, tcp->port[tcp->is_back ? 1 : 0]);
    (void)sl_buf_add_be16(out, tcp->port[tcp->is_back ? 0 : 1]);
    (void)sl_buf_add_be32(out, tcp->sequence);
    (void)sl_buf_add_be32(out, tcp->acknowledged);
    (void)sl_buf_add_u8(out, 5 << 4);
    (void)sl_buf_add_u8(out, tcp->flags);
    (void)sl_buf_add_be16(out, 65535);
    (void)sl_buf_add_be32(out, 0);
    (void)sl_buf_add_span(out, tcp->payload);
}

void test_tcp_packet(struct sl_buf *out, const struct test_tcp *tcp)
{
    static const uint8_t v4[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    static const uint8_t v6[2][16] = {{0xfd, [15] = 1}, {0xfd, [15] = 2}};
    size_t from = tcp->is_back ? 1 : 0;
    uint16_t size = (uint16_t)(20 + tcp->payload.len);
    if (tcp->is_v6) {
        (void)sl_buf_add_be32(out, 0x60000000);
        (void)sl_buf_add_be16(out, size);
        (void)sl_buf_add_be16(out, 6 << 8 | 64);
        (void)sl_buf_add(out, v6[from], 16);
        (void)sl_buf_add(out, v6[1 - from], 16);
    } else {
        (void)sl_buf_add_be16(out, 0x4500);
        (void)sl_buf_add_be16(out, (uint16_t)(size + 20));
        (void)sl_buf_add_be32(out, 0x00004000);
        (void)sl_buf_add_be16(out, 64 << 8 | 6);
        (void)sl_buf_add_be16(out, 0);
        (void)sl_buf_add(out, v4[from], 4);
        (void)sl_buf_add(out, v4[1 - from], 4);
    }
    tcp_bytes(out, tcp);
}

void test_link_frame(struct sl_buf *out, uint32_t link_type, struct sl_span packet)
{
    bool is_v6 = packet.len > 0 && packet.data[0] >> 4 == 6;
    uint16_t type = is_v6 ? 0x86dd : 0x0800;
    static const uint8_t zeros[18] = {0};
    switch (link_type) {
    case LINK_ETHERNET:
        (void)sl_buf_add(out, zeros, 12);
        (void)sl_buf_add_be16(out, type);
        break;
    case LINK_SLL:
        (void)sl_buf_add(out, zeros, 14);
        (void)sl_buf_add_be16(out, type);
        break;
    case LINK_SLL2:
        (void)sl_buf_add_be16(out, type);
        (void)sl_buf_add(out, zeros, 18);
        break;
    case LINK_NULL:
        (void)sl_buf_add_le32(out, is_v6 ? 30 : 2);
        break;
    case LINK_LOOP:
        (void)sl_buf_add_be32(out, is_v6 ? 24 : 2);
        break;
    default:
        break;
    }
    (void)sl_buf_add_span(out, packet);
}
