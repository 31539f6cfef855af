/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ethernet.h"

enum {
    TAGS_MAX = 16,
    ADDRESSES_SIZE = 12,
    LENGTHS_END = 0x0600, /* IEEE 802.3 3.2.6: a value below is the length of an LLC frame */
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,      /* 802.1Q */
    TYPE_QINQ = 0x88a8,      /* 802.1ad */
    TYPE_QINQ_9100 = 0x9100, /* the same before the standard */
    TYPE_QINQ_9200 = 0x9200,
    TYPE_QINQ_9300 = 0x9300,
    TYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging (RFC 7637) */
    TYPE_BACKBONE = 0x88e7,
    TYPE_E_TAG = 0x893f, /* 802.1BR */
    TYPE_VN_TAG = 0x8926,
    TYPE_MACSEC = 0x88e5,
    TYPE_PPPOE = 0x8864,
    TYPE_PPP = 0x880b,
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332; once multicast */
};

struct ins_wrap ins_ethernet_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    (void)sl_rd_take(&rd, ADDRESSES_SIZE);
    uint16_t type = sl_rd_be16(&rd);
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_TYPED, &rd);
    inner.number = type;
    return inner;
}

static bool is_vlan(uint16_t type)
{
    return type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_9100 ||
           type == TYPE_QINQ_9200 || type == TYPE_QINQ_9300;
}

bool ins_ethertype_is_known(uint16_t type)
{
    switch (type) {
    case TYPE_IPV4:
    case TYPE_IPV6:
    case TYPE_BRIDGED:
    case TYPE_BACKBONE:
    case TYPE_E_TAG:
    case TYPE_VN_TAG:
    case TYPE_MACSEC:
    case TYPE_PPPOE:
    case TYPE_PPP:
    case TYPE_MPLS:
    case TYPE_MPLS_UPSTREAM:
        return true;
    default:
        return is_vlan(type);
    }
}

/* RFC 2516 4: version and type, code, session, length; code 0 carries PPP. */
static struct ins_wrap pppoe(const struct ins_wrap *outer, struct sl_rd *rd)
{
    (void)sl_rd_u8(rd);
    uint8_t code = sl_rd_u8(rd);
    uint16_t session = sl_rd_be16(rd);
    uint16_t len = sl_rd_be16(rd);
    if (code != 0) {
        return ins_wrap_end(INS_WRAP_NOT_IP);
    }
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_PPP, rd);
    if (len > 0) {
        ins_wrap_limit(&inner, len);
    }
    inner.scope = ins_wrap_scope(inner.scope, session);
    return inner;
}

struct ins_wrap ins_ethertype_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    struct ins_wrap scoped = *outer;
    uint16_t type = outer->number;
    for (int tags = 0; tags < TAGS_MAX && is_vlan(type); tags++) {
        uint32_t id = sl_rd_be16(&rd) & 0x0fff;
        scoped.scope = ins_wrap_scope(scoped.scope, id);
        type = sl_rd_be16(&rd);
    }
    switch (type) {
    case TYPE_IPV4:
    case TYPE_IPV6:
        return ins_wrap_rest(&scoped, INS_WRAP_IP, &rd);
    case TYPE_MPLS:
    case TYPE_MPLS_UPSTREAM:
        return ins_wrap_rest(&scoped, INS_WRAP_MPLS, &rd);
    case TYPE_PPPOE:
        return pppoe(&scoped, &rd);
    case TYPE_PPP:
        return ins_wrap_rest(&scoped, INS_WRAP_PPP, &rd);
    case TYPE_BRIDGED:
        return ins_wrap_rest(&scoped, INS_WRAP_ETHERNET, &rd);
    case TYPE_BACKBONE:
        (void)sl_rd_be32(&rd); /* service instance */
        return ins_wrap_rest(&scoped, INS_WRAP_ETHERNET, &rd);
    case TYPE_E_TAG:
    case TYPE_VN_TAG:
        (void)sl_rd_take(&rd, type == TYPE_E_TAG ? 6 : 4);
        type = sl_rd_be16(&rd);
        scoped = ins_wrap_rest(&scoped, INS_WRAP_TYPED, &rd);
        scoped.number = type;
        return scoped;
    case TYPE_MACSEC:
        return ins_wrap_end(INS_WRAP_ENCRYPTED);
    default:
        break;
    }
    if (type < LENGTHS_END && sl_rd_ok(&rd)) {
        return ins_wrap_rest(&scoped, INS_WRAP_LLC, &rd);
    }
    return ins_wrap_end(sl_rd_ok(&rd) ? INS_WRAP_NOT_IP : INS_WRAP_MALFORMED);
}

struct ins_wrap ins_llc_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint32_t head = sl_rd_be24(&rd);
    uint32_t organisation = head == 0xaaaa03 ? sl_rd_be24(&rd) : 1; /* SNAP (RFC 1042) */
    if (organisation != 0 && organisation != 0xf8) {
        return ins_wrap_end(sl_rd_ok(&rd) ? INS_WRAP_NOT_IP : INS_WRAP_MALFORMED);
    }
    uint16_t type = sl_rd_be16(&rd);
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_TYPED, &rd);
    inner.number = type;
    /* A length again, which nothing may nest. */
    return type < LENGTHS_END && sl_rd_ok(&rd) ? ins_wrap_end(INS_WRAP_NOT_IP) : inner;
}
