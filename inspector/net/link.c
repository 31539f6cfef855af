/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/link.h"

#include "lib/base/rd.h"

enum {
    VLAN_TAGS_MAX = 8,
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,   /* 802.1Q */
    ETHERTYPE_QINQ = 0x88a8,   /* 802.1ad */
    ETHERTYPE_QINQ_1 = 0x9100, /* the same before the standard */
    ETHERTYPE_QINQ_2 = 0x9200,
};

static bool is_vlan(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_1 ||
           type == ETHERTYPE_QINQ_2;
}

/* What follows an EtherType. */
static struct sl_span by_type(uint16_t type, struct sl_rd *rd)
{
    for (int tags = 0; tags < VLAN_TAGS_MAX && is_vlan(type); tags++) {
        (void)sl_rd_be16(rd); /* priority and VLAN id */
        type = sl_rd_be16(rd);
    }
    bool is_ip = type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
    return is_ip ? sl_rd_rest(rd) : sl_span(NULL, 0);
}

/* The address family of BSD loopback is in the byte order of the machine that captured: AF_INET is 2
 * everywhere, AF_INET6 is 10 on Linux, 24, 28 or 30 on the BSDs and macOS. */
static struct sl_span by_family(struct sl_rd *rd)
{
    uint32_t family = sl_rd_be32(rd);
    if (family > 0xffff) {
        family = family >> 24 | (family >> 8 & 0xff00);
    }
    bool is_ip = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
    return is_ip ? sl_rd_rest(rd) : sl_span(NULL, 0);
}

bool ins_link_is_known(uint32_t link_type)
{
    static const uint32_t known[] = {
        INS_LINK_NULL, INS_LINK_ETHERNET, INS_LINK_RAW_BSD, INS_LINK_RAW,  INS_LINK_RAW_OPENBSD,
        INS_LINK_LOOP, INS_LINK_SLL,      INS_LINK_IPV4,    INS_LINK_IPV6, INS_LINK_SLL2};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == link_type) {
            return true;
        }
    }
    return false;
}

struct sl_span ins_link_ip(uint32_t link_type, struct sl_span frame)
{
    struct sl_rd rd;
    sl_rd_init(&rd, frame);
    switch (link_type) {
    case INS_LINK_ETHERNET:
        (void)sl_rd_take(&rd, 12); /* addresses */
        return by_type(sl_rd_be16(&rd), &rd);
    case INS_LINK_SLL:
        (void)sl_rd_take(&rd, 14);
        return by_type(sl_rd_be16(&rd), &rd);
    case INS_LINK_SLL2: {
        uint16_t type = sl_rd_be16(&rd);
        (void)sl_rd_take(&rd, 18);
        return by_type(type, &rd);
    }
    case INS_LINK_NULL:
    case INS_LINK_LOOP:
        return by_family(&rd);
    case INS_LINK_RAW:
    case INS_LINK_RAW_BSD:
    case INS_LINK_RAW_OPENBSD:
    case INS_LINK_IPV4:
    case INS_LINK_IPV6:
        return frame;
    default:
        return sl_span(NULL, 0);
    }
}
