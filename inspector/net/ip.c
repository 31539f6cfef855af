/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ip.h"

#include "inspector/net/fragments.h"
#include "lib/base/alloc.h"
#include "lib/base/rd.h"

enum {
    IPV4_HEADER_MIN = 20,
    IPV6_HEADER_SIZE = 40,
    MORE_FRAGMENTS = 0x2000,
    OFFSET_MASK = 0x1fff,
    EXTENSIONS_MAX = 16, /* headers before the payload */
    HEADER_HOP_BY_HOP = 0,
    HEADER_ROUTING = 43,
    HEADER_FRAGMENT = 44,
    HEADER_AUTHENTICATION = 51,
    HEADER_DESTINATION = 60,
    HEADER_MOBILITY = 135,
};

struct ins_ip {
    struct ins_fragments *fragments;
};

struct ins_ip *ins_ip_new(void)
{
    struct ins_ip *ip = sl_alloc(sizeof(*ip));
    ip->fragments = ins_fragments_new();
    return ip;
}

void ins_ip_free(struct ins_ip *ip)
{
    if (ip != NULL) {
        ins_fragments_free(ip->fragments);
        sl_free(ip);
    }
}

uint64_t ins_ip_lost(const struct ins_ip *ip)
{
    return ins_fragments_lost(ip->fragments);
}

static void set_address(struct ins_address *address, uint8_t version, struct sl_span bytes)
{
    *address = (struct ins_address){.version = version};
    if (bytes.len > 0) {
        memcpy(address->bytes, bytes.data, bytes.len);
    }
}

/* A fragment goes to its datagram; true when that is whole now. */
static bool take_fragment(struct ins_ip *ip, struct ins_fragment *fragment,
                          struct ins_datagram *ret_datagram)
{
    fragment->from = ret_datagram->from;
    fragment->to = ret_datagram->to;
    if (!ins_fragments_add(ip->fragments, fragment, &ret_datagram->payload)) {
        return false;
    }
    ret_datagram->wire_len = ret_datagram->payload.len;
    return true;
}

static bool feed_v4(struct ins_ip *ip, struct sl_span packet, size_t wire_len,
                    struct ins_datagram *ret_datagram)
{
    struct sl_rd rd;
    sl_rd_init(&rd, packet);
    size_t header_size = (size_t)(sl_rd_u8(&rd) & 0x0f) * 4;
    (void)sl_rd_u8(&rd);
    size_t total = sl_rd_be16(&rd);
    uint16_t id = sl_rd_be16(&rd);
    uint16_t place = sl_rd_be16(&rd);
    (void)sl_rd_u8(&rd);
    uint8_t protocol = sl_rd_u8(&rd);
    (void)sl_rd_be16(&rd);
    set_address(&ret_datagram->from, 4, sl_rd_take(&rd, 4));
    set_address(&ret_datagram->to, 4, sl_rd_take(&rd, 4));
    /* A packet that the network card is to segment has length 0 in the captures of its sender. */
    total = total == 0 ? wire_len : total;
    if (!sl_rd_ok(&rd) || header_size < IPV4_HEADER_MIN || total < header_size ||
        packet.len < header_size || protocol != INS_IP_PROTOCOL_TCP) {
        return false;
    }
    ret_datagram->wire_len = total - header_size;
    ret_datagram->payload =
        sl_span_first(sl_span_from(packet, header_size), ret_datagram->wire_len);
    bool is_whole = (place & (MORE_FRAGMENTS | OFFSET_MASK)) == 0;
    if (is_whole) {
        return true;
    }
    struct ins_fragment fragment = {.id = id,
                                    .protocol = protocol,
                                    .offset = (size_t)(place & OFFSET_MASK) * 8,
                                    .is_last = (place & MORE_FRAGMENTS) == 0,
                                    .bytes = ret_datagram->payload};
    return ret_datagram->payload.len == ret_datagram->wire_len &&
           take_fragment(ip, &fragment, ret_datagram);
}

static bool is_extension(uint8_t header)
{
    return header == HEADER_HOP_BY_HOP || header == HEADER_ROUTING || header == HEADER_FRAGMENT ||
           header == HEADER_AUTHENTICATION || header == HEADER_DESTINATION ||
           header == HEADER_MOBILITY;
}

/* Reads extension headers up to the payload, or to a fragment header, which is then in ret_fragment.
 * *next becomes the payload's protocol. False when they are malformed. */
static bool skip_extensions(struct sl_rd *rd, uint8_t *next, struct ins_fragment *ret_fragment,
                            bool *ret_is_fragment)
{
    *ret_is_fragment = false;
    for (int count = 0; count < EXTENSIONS_MAX && is_extension(*next); count++) {
        uint8_t header = *next;
        *next = sl_rd_u8(rd);
        uint8_t len = sl_rd_u8(rd);
        if (header == HEADER_FRAGMENT) {
            uint16_t place = sl_rd_be16(rd);
            *ret_fragment = (struct ins_fragment){.id = sl_rd_be32(rd),
                                                  .protocol = *next,
                                                  .offset = (size_t)(place >> 3) * 8,
                                                  .is_last = (place & 1) == 0};
            /* RFC 6946: an atomic fragment is a whole datagram. */
            *ret_is_fragment = ret_fragment->offset != 0 || !ret_fragment->is_last;
            if (*ret_is_fragment) {
                return sl_rd_ok(rd);
            }
        } else if (header == HEADER_AUTHENTICATION) {
            (void)sl_rd_take(rd, ((size_t)len + 2) * 4 - 2); /* RFC 4302 2.2 */
        } else {
            (void)sl_rd_take(rd, ((size_t)len + 1) * 8 - 2);
        }
    }
    return sl_rd_ok(rd);
}

static bool feed_v6(struct ins_ip *ip, struct sl_span packet, size_t wire_len,
                    struct ins_datagram *ret_datagram)
{
    struct sl_rd rd;
    sl_rd_init(&rd, packet);
    (void)sl_rd_be32(&rd);
    size_t len = sl_rd_be16(&rd);
    uint8_t next = sl_rd_u8(&rd);
    (void)sl_rd_u8(&rd);
    set_address(&ret_datagram->from, 6, sl_rd_take(&rd, 16));
    set_address(&ret_datagram->to, 6, sl_rd_take(&rd, 16));
    if (!sl_rd_ok(&rd)) {
        return false;
    }
    /* Length 0: a jumbogram, or a packet that the network card is to segment. */
    if (len == 0 && wire_len > IPV6_HEADER_SIZE) {
        len = wire_len - IPV6_HEADER_SIZE;
    }
    struct ins_fragment fragment = {0};
    bool is_fragment = false;
    if (!skip_extensions(&rd, &next, &fragment, &is_fragment)) {
        return false;
    }
    size_t extensions = packet.len - IPV6_HEADER_SIZE - sl_rd_left(&rd);
    if (extensions > len) {
        return false;
    }
    ret_datagram->wire_len = len - extensions;
    ret_datagram->payload = sl_span_first(sl_rd_rest(&rd), ret_datagram->wire_len);
    if (!is_fragment) {
        return next == INS_IP_PROTOCOL_TCP;
    }
    fragment.bytes = ret_datagram->payload;
    if (ret_datagram->payload.len != ret_datagram->wire_len ||
        !take_fragment(ip, &fragment, ret_datagram)) {
        return false;
    }
    /* Extension headers may also stand inside the fragmented part. */
    sl_rd_init(&rd, ret_datagram->payload);
    if (!skip_extensions(&rd, &next, &fragment, &is_fragment) || is_fragment) {
        return false;
    }
    ret_datagram->payload = sl_rd_rest(&rd);
    ret_datagram->wire_len = ret_datagram->payload.len;
    return next == INS_IP_PROTOCOL_TCP;
}

bool ins_ip_feed(struct ins_ip *ip, struct sl_span packet, size_t wire_len,
                 struct ins_datagram *ret_datagram)
{
    if (packet.len == 0) {
        return false;
    }
    *ret_datagram = (struct ins_datagram){0};
    switch (packet.data[0] >> 4) {
    case 4:
        return feed_v4(ip, packet, wire_len, ret_datagram);
    case 6:
        return feed_v6(ip, packet, wire_len, ret_datagram);
    default:
        return false;
    }
}
