/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/packet.h"

#include <assert.h>
#include <netinet/in.h>

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    TCP_OPTIONS = 8, /* of a SYN: MSS and window scale */
    IPV4_CHECKSUM_AT = 10,
    TCP_CHECKSUM_AT = 16,
    HOP_LIMIT = 64,
    WINDOW = 65535,
    WINDOW_SCALE = 14, /* RFC 7323 2.3: the largest; the harness always has room */
    MSS = 1460,
};

void har_packet_end_init(struct har_packet_end *end, const struct sockaddr *address)
{
    *end = (struct har_packet_end){.family = address->sa_family};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        memcpy(end->address, &in.sin_addr, sizeof in.sin_addr);
        end->port = ntohs(in.sin_port);
    } else {
        struct sockaddr_in6 in6;
        assert(address->sa_family == AF_INET6);
        memcpy(&in6, address, sizeof in6);
        memcpy(end->address, &in6.sin6_addr, sizeof in6.sin6_addr);
        end->port = ntohs(in6.sin6_port);
    }
}

static size_t address_size(const struct har_packet_end *end)
{
    return end->family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

/* RFC 1071: adds big-endian 16-bit words; an odd last byte counts as the high one. */
static uint64_t sum_words(uint64_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += (uint64_t)bytes[i] << 8 | bytes[i + 1];
    }
    return len % 2 == 0 ? sum : sum + ((uint64_t)bytes[len - 1] << 8);
}

static void put_checksum(uint8_t *place, uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    uint16_t checksum = (uint16_t)~sum;
    place[0] = (uint8_t)(checksum >> 8);
    place[1] = (uint8_t)checksum;
}

static void write_ipv4(struct sl_buf *out, const struct har_packet_segment *segment,
                       size_t tcp_size)
{
    size_t start = out->len;
    (void)sl_buf_add_u8(out, 0x45); /* version 4, five words */
    (void)sl_buf_add_u8(out, 0);
    (void)sl_buf_add_be16(out, (uint16_t)(IPV4_HEADER + tcp_size));
    (void)sl_buf_add_be16(out, 0);      /* RFC 6864: an atomic datagram needs no id */
    (void)sl_buf_add_be16(out, 0x4000); /* do not fragment */
    (void)sl_buf_add_u8(out, HOP_LIMIT);
    (void)sl_buf_add_u8(out, IPPROTO_TCP);
    (void)sl_buf_add_be16(out, 0);
    (void)sl_buf_add(out, segment->from->address, sizeof(struct in_addr));
    (void)sl_buf_add(out, segment->to->address, sizeof(struct in_addr));
    put_checksum(out->data + start + IPV4_CHECKSUM_AT,
                 sum_words(0, out->data + start, IPV4_HEADER));
}

static void write_ipv6(struct sl_buf *out, const struct har_packet_segment *segment,
                       size_t tcp_size)
{
    (void)sl_buf_add_be32(out, 0x60000000); /* version 6 */
    (void)sl_buf_add_be16(out, (uint16_t)tcp_size);
    (void)sl_buf_add_u8(out, IPPROTO_TCP);
    (void)sl_buf_add_u8(out, HOP_LIMIT);
    (void)sl_buf_add(out, segment->from->address, sizeof(struct in6_addr));
    (void)sl_buf_add(out, segment->to->address, sizeof(struct in6_addr));
}

/* MSS and window scale, RFC 9293 3.7.1 and RFC 7323 2.2. */
static void write_syn_options(struct sl_buf *out)
{
    (void)sl_buf_add_u8(out, 2);
    (void)sl_buf_add_u8(out, 4);
    (void)sl_buf_add_be16(out, MSS);
    (void)sl_buf_add_u8(out, 1); /* no operation, to fill the word */
    (void)sl_buf_add_u8(out, 3);
    (void)sl_buf_add_u8(out, 3);
    (void)sl_buf_add_u8(out, WINDOW_SCALE);
}

void har_packet_write(struct sl_buf *out, const struct har_packet_segment *segment)
{
    bool is_syn = (segment->flags & HAR_PACKET_SYN) != 0;
    bool is_ack = (segment->flags & HAR_PACKET_ACK) != 0;
    size_t header = TCP_HEADER + (is_syn ? TCP_OPTIONS : 0);
    size_t tcp_size = header + segment->payload.len;
    if (segment->from->family == AF_INET) {
        write_ipv4(out, segment, tcp_size);
    } else {
        write_ipv6(out, segment, tcp_size);
    }
    size_t start = out->len;
    (void)sl_buf_add_be16(out, segment->from->port);
    (void)sl_buf_add_be16(out, segment->to->port);
    (void)sl_buf_add_be32(out, segment->sequence);
    (void)sl_buf_add_be32(out, is_ack ? segment->acknowledged : 0);
    (void)sl_buf_add_u8(out, (uint8_t)(header / 4 << 4));
    (void)sl_buf_add_u8(out, segment->flags);
    (void)sl_buf_add_be16(out, WINDOW);
    (void)sl_buf_add_be32(out, 0); /* checksum, urgent pointer */
    if (is_syn) {
        write_syn_options(out);
    }
    (void)sl_buf_add_span(out, segment->payload);
    assert(!out->is_full);

    /* The pseudo-header (RFC 9293 3.1, RFC 8200 8.1) in any order: addition does not mind. */
    uint64_t sum = IPPROTO_TCP + tcp_size;
    sum = sum_words(sum, segment->from->address, address_size(segment->from));
    sum = sum_words(sum, segment->to->address, address_size(segment->to));
    sum = sum_words(sum, out->data + start, tcp_size);
    put_checksum(out->data + start + TCP_CHECKSUM_AT, sum);
}
