/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/udp.h"

enum {
    UDP_HEADER_SIZE = 8,
    PORT_HTTPS = 443,
    PORT_GTP = 2152,
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_GENEVE = 6081,
    PORT_MPLS = 6635,
    PORT_VXLAN_LINUX = 8472,
    VXLAN_HAS_ID = 0x08,
    VXLAN_HAS_PROTOCOL = 0x04,
    TYPE_BRIDGED = 0x6558,
    GTP_VERSION_MASK = 0xf0, /* version, and GTP not GTP' */
    GTP_VERSION_1 = 0x30,
    GTP_HAS_EXTENSION = 0x04,
    GTP_HAS_OPTIONS = 0x07,
    GTP_USER_DATA = 255,
    GTP_EXTENSIONS_MAX = 16,
    QUIC_LONG = 0x80,
    QUIC_FIXED = 0x40,
};

/* RFC 7348 5; the protocol of draft-ietf-nvo3-vxlan-gpe. */
static struct ins_wrap vxlan(const struct ins_wrap *udp)
{
    struct sl_rd rd;
    sl_rd_init(&rd, udp->bytes);
    uint8_t flags = sl_rd_u8(&rd);
    (void)sl_rd_be16(&rd);
    uint8_t protocol = sl_rd_u8(&rd);
    uint32_t id = sl_rd_be24(&rd);
    (void)sl_rd_u8(&rd);
    if ((flags & VXLAN_HAS_ID) == 0) {
        return ins_wrap_end(INS_WRAP_OTHER_UDP);
    }
    bool is_ip = (flags & VXLAN_HAS_PROTOCOL) != 0 && (protocol == 1 || protocol == 2);
    struct ins_wrap inner = ins_wrap_rest(udp, is_ip ? INS_WRAP_IP : INS_WRAP_ETHERNET, &rd);
    inner.scope = ins_wrap_scope(inner.scope, id);
    return inner;
}

/* RFC 8926 3.4 */
static struct ins_wrap geneve(const struct ins_wrap *udp)
{
    struct sl_rd rd;
    sl_rd_init(&rd, udp->bytes);
    uint8_t first = sl_rd_u8(&rd);
    (void)sl_rd_u8(&rd);
    uint16_t type = sl_rd_be16(&rd);
    uint32_t id = sl_rd_be24(&rd);
    (void)sl_rd_u8(&rd);
    (void)sl_rd_take(&rd, (size_t)(first & 0x3f) * 4); /* options */
    if (first >> 6 != 0) {
        return ins_wrap_end(INS_WRAP_OTHER_UDP);
    }
    struct ins_wrap inner =
        ins_wrap_rest(udp, type == TYPE_BRIDGED ? INS_WRAP_ETHERNET : INS_WRAP_TYPED, &rd);
    inner.number = type;
    inner.scope = ins_wrap_scope(inner.scope, id);
    return inner;
}

/* 3GPP TS 29.281 5: a header, of which the last 4 bytes are optional, and a chain of extensions. */
static struct ins_wrap gtp(const struct ins_wrap *udp)
{
    struct sl_rd rd;
    sl_rd_init(&rd, udp->bytes);
    uint8_t flags = sl_rd_u8(&rd);
    uint8_t type = sl_rd_u8(&rd);
    (void)sl_rd_be16(&rd);
    uint32_t id = sl_rd_be32(&rd);
    if ((flags & GTP_VERSION_MASK) != GTP_VERSION_1 || type != GTP_USER_DATA) {
        return ins_wrap_end(INS_WRAP_OTHER_UDP);
    }
    uint8_t next = 0;
    if ((flags & GTP_HAS_OPTIONS) != 0) {
        (void)sl_rd_be24(&rd);
        next = sl_rd_u8(&rd);
    }
    next = (flags & GTP_HAS_EXTENSION) != 0 ? next : 0;
    for (int count = 0; count < GTP_EXTENSIONS_MAX && next != 0; count++) {
        size_t size = (size_t)sl_rd_u8(&rd) * 4;
        (void)sl_rd_take(&rd, size > 0 ? size - 2 : SIZE_MAX);
        next = sl_rd_u8(&rd);
    }
    struct ins_wrap inner = ins_wrap_rest(udp, INS_WRAP_IP, &rd);
    inner.scope = ins_wrap_scope(inner.scope, id);
    return inner;
}

/* RFC 8999 5.1: a long header shows its version; a short one nothing, so its port must. */
static bool is_quic(struct sl_span payload, bool is_https)
{
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    uint8_t first = sl_rd_u8(&rd);
    if ((first & QUIC_LONG) == 0) {
        return is_https && (first & QUIC_FIXED) != 0;
    }
    uint32_t version = sl_rd_be32(&rd);
    bool is_version = version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000 ||
                      (version == 0 && is_https);
    return sl_rd_ok(&rd) && is_version;
}

struct ins_wrap ins_udp_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint16_t from = sl_rd_be16(&rd);
    uint16_t to = sl_rd_be16(&rd);
    size_t len = sl_rd_be16(&rd);
    (void)sl_rd_be16(&rd); /* checksum */
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_MPLS, &rd);
    if (inner.kind != INS_WRAP_MPLS) {
        return inner;
    }
    if (len > UDP_HEADER_SIZE) { /* 0: still to be segmented by the card */
        ins_wrap_limit(&inner, len - UDP_HEADER_SIZE);
    }
    switch (to) {
    case PORT_VXLAN:
    case PORT_VXLAN_GPE:
    case PORT_VXLAN_LINUX:
        return vxlan(&inner);
    case PORT_GENEVE:
        return geneve(&inner);
    case PORT_GTP:
        return gtp(&inner);
    case PORT_MPLS:
        return inner;
    default:
        break;
    }
    bool is_https = from == PORT_HTTPS || to == PORT_HTTPS;
    return ins_wrap_end(is_quic(inner.bytes, is_https) ? INS_WRAP_QUIC : INS_WRAP_OTHER_UDP);
}
