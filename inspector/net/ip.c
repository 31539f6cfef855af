/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ip.h"

#include "inspector/net/fragments.h"
#include "lib/base/alloc.h"

enum {
    IPV4_HEADER_MIN = 20,
    IPV6_HEADER_SIZE = 40,
    MORE_FRAGMENTS = 0x2000,
    OFFSET_MASK = 0x1fff,
    EXTENSIONS_MAX = 16, /* headers before the payload */
    ETHERIP_HEADER_SIZE = 2,
    PROTOCOL_IPV4 = 4,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_IPV6 = 41,
    PROTOCOL_GRE = 47,
    PROTOCOL_ESP = 50,
    PROTOCOL_ETHERNET = 97,
    PROTOCOL_MPLS = 137,
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

uint64_t ins_ip_conflicting(const struct ins_ip *ip)
{
    return ins_fragments_conflicting(ip->fragments);
}

/* One packet on its way through. */
struct reading {
    struct ins_ip *ip;
    const struct ins_wrap *outer;
    uint64_t time_ns;
    struct ins_hosts *hosts;
};

/* What stands inside, by the protocol number of the IP header. */
static enum ins_wrap_kind kind_of(uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_TCP:
        return INS_WRAP_TCP;
    case PROTOCOL_UDP:
        return INS_WRAP_UDP;
    case PROTOCOL_IPV4:
    case PROTOCOL_IPV6:
        return INS_WRAP_IP;
    case PROTOCOL_GRE:
        return INS_WRAP_GRE;
    case PROTOCOL_MPLS:
        return INS_WRAP_MPLS;
    case PROTOCOL_ETHERNET:
        return INS_WRAP_ETHERNET;
    case PROTOCOL_ESP:
        return INS_WRAP_ENCRYPTED;
    default:
        return INS_WRAP_OTHER_IP;
    }
}

/* The payload of a whole datagram. */
static struct ins_wrap payload_of(const struct reading *reading, uint8_t protocol,
                                  struct sl_span bytes, size_t wire_len)
{
    struct ins_wrap inner = {.kind = kind_of(protocol),
                             .scope = reading->outer->scope,
                             .bytes = bytes,
                             .wire_len = wire_len};
    if (protocol == PROTOCOL_ETHERNET && bytes.len >= ETHERIP_HEADER_SIZE) { /* RFC 3378 3 */
        inner.bytes = sl_span_from(bytes, ETHERIP_HEADER_SIZE);
        inner.wire_len -= ETHERIP_HEADER_SIZE;
    }
    if (inner.kind != INS_WRAP_TCP) {
        uint32_t hosts = 0;
        for (size_t i = 0; i < sizeof(reading->hosts->from.bytes); i++) {
            hosts = hosts * 31 + reading->hosts->from.bytes[i] + reading->hosts->to.bytes[i];
        }
        inner.scope = ins_wrap_scope(inner.scope, hosts);
    }
    return inner;
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

/* A piece goes to its datagram, and out comes PIECE or the whole. wire_len: of the piece. */
static struct ins_wrap take_fragment(const struct reading *reading, struct ins_fragment *fragment,
                                     size_t wire_len)
{
    fragment->from = reading->hosts->from;
    fragment->to = reading->hosts->to;
    fragment->scope = reading->outer->scope;
    fragment->time_ns = reading->time_ns;
    if (fragment->bytes.len < wire_len) {
        /* Cut by a snaplen: the datagram begins, is never whole and so told as lost. */
        fragment->bytes.len -= fragment->bytes.len % 8;
        fragment->is_last = false;
    }
    struct sl_span whole = {0};
    if (!ins_fragments_add(reading->ip->fragments, fragment, &whole)) {
        return ins_wrap_end(INS_WRAP_PIECE);
    }
    /* IPv6: extension headers may also stand inside the fragmented part. */
    struct sl_rd rd;
    struct ins_fragment again = {0};
    bool is_fragment = false;
    uint8_t next = fragment->protocol;
    sl_rd_init(&rd, whole);
    if (!skip_extensions(&rd, &next, &again, &is_fragment) || is_fragment) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    struct sl_span rest = sl_rd_rest(&rd);
    return payload_of(reading, next, rest, rest.len);
}

static struct ins_wrap unwrap_v4(const struct reading *reading)
{
    const struct ins_wrap *outer = reading->outer;
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    size_t header_size = (size_t)(sl_rd_u8(&rd) & 0x0f) * 4;
    (void)sl_rd_u8(&rd);
    size_t total = sl_rd_be16(&rd);
    uint16_t id = sl_rd_be16(&rd);
    uint16_t place = sl_rd_be16(&rd);
    (void)sl_rd_u8(&rd);
    uint8_t protocol = sl_rd_u8(&rd);
    (void)sl_rd_be16(&rd);
    set_address(&reading->hosts->from, 4, sl_rd_take(&rd, 4));
    set_address(&reading->hosts->to, 4, sl_rd_take(&rd, 4));
    /* A packet that the network card is to segment has length 0 in the captures of its sender. */
    total = total == 0 ? outer->wire_len : total;
    if (!sl_rd_ok(&rd) || header_size < IPV4_HEADER_MIN || total < header_size ||
        outer->bytes.len < header_size) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    size_t wire_len = total - header_size;
    struct sl_span payload = sl_span_first(sl_span_from(outer->bytes, header_size), wire_len);
    if ((place & (MORE_FRAGMENTS | OFFSET_MASK)) != 0) {
        struct ins_fragment fragment = {.id = id,
                                        .protocol = protocol,
                                        .offset = (size_t)(place & OFFSET_MASK) * 8,
                                        .is_last = (place & MORE_FRAGMENTS) == 0,
                                        .bytes = payload};
        return take_fragment(reading, &fragment, wire_len);
    }
    return payload_of(reading, protocol, payload, wire_len);
}

static struct ins_wrap unwrap_v6(const struct reading *reading)
{
    const struct ins_wrap *outer = reading->outer;
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    (void)sl_rd_be32(&rd);
    size_t len = sl_rd_be16(&rd);
    uint8_t next = sl_rd_u8(&rd);
    (void)sl_rd_u8(&rd);
    set_address(&reading->hosts->from, 6, sl_rd_take(&rd, 16));
    set_address(&reading->hosts->to, 6, sl_rd_take(&rd, 16));
    /* Length 0: a jumbogram, or a packet that the network card is to segment. */
    if (len == 0 && outer->wire_len > IPV6_HEADER_SIZE) {
        len = outer->wire_len - IPV6_HEADER_SIZE;
    }
    struct ins_fragment fragment = {0};
    bool is_fragment = false;
    if (!sl_rd_ok(&rd) || !skip_extensions(&rd, &next, &fragment, &is_fragment)) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    size_t extensions = outer->bytes.len - IPV6_HEADER_SIZE - sl_rd_left(&rd);
    if (extensions > len) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    struct sl_span payload = sl_span_first(sl_rd_rest(&rd), len - extensions);
    if (is_fragment) {
        fragment.bytes = payload;
        return take_fragment(reading, &fragment, len - extensions);
    }
    return payload_of(reading, next, payload, len - extensions);
}

struct ins_wrap ins_ip_unwrap(struct ins_ip *ip, const struct ins_wrap *outer, uint64_t time_ns,
                              struct ins_hosts *ret_hosts)
{
    const struct reading reading = {ip, outer, time_ns, ret_hosts};
    switch (outer->bytes.len == 0 ? 0 : outer->bytes.data[0] >> 4) {
    case 4:
        return unwrap_v4(&reading);
    case 6:
        return unwrap_v6(&reading);
    default:
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
}
