/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/ppp.h"

enum {
    HDLC_ADDRESS = 0xff,
    CISCO_UNICAST = 0x0f,
    CISCO_MULTICAST = 0x8f,
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    PPP_COMPRESSED = 0x00fd,
    PPP_ENCRYPTED = 0x0053,
    PPP_MPLS = 0x0281,
    PPP_MPLS_MULTICAST = 0x0283,
};

struct ins_wrap ins_ppp_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint16_t protocol = sl_rd_u8(&rd);
    if ((protocol & 1) == 0) { /* RFC 1661 2: the last byte is odd, the others are even */
        protocol = (uint16_t)(protocol << 8 | sl_rd_u8(&rd));
    }
    switch (protocol) {
    case PPP_IPV4:
    case PPP_IPV6:
        return ins_wrap_rest(outer, INS_WRAP_IP, &rd);
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST:
        return ins_wrap_rest(outer, INS_WRAP_MPLS, &rd);
    case PPP_COMPRESSED:
    case PPP_ENCRYPTED:
        return ins_wrap_end(INS_WRAP_ENCRYPTED);
    default:
        return ins_wrap_end(sl_rd_ok(&rd) ? INS_WRAP_NOT_IP : INS_WRAP_MALFORMED);
    }
}

struct ins_wrap ins_ppp_hdlc_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint8_t address = sl_rd_u8(&rd);
    if (address == CISCO_UNICAST || address == CISCO_MULTICAST) {
        (void)sl_rd_u8(&rd);
        uint16_t type = sl_rd_be16(&rd);
        struct ins_wrap typed = ins_wrap_rest(outer, INS_WRAP_TYPED, &rd);
        typed.number = type;
        return typed;
    }
    if (address != HDLC_ADDRESS) {
        return ins_ppp_unwrap(outer); /* address and control may be left out (RFC 1661 6.6) */
    }
    (void)sl_rd_u8(&rd); /* control */
    struct ins_wrap ppp = ins_wrap_rest(outer, INS_WRAP_PPP, &rd);
    return sl_rd_ok(&rd) ? ins_ppp_unwrap(&ppp) : ppp;
}
