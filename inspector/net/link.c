/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/link.h"

#include "inspector/net/ethernet.h"
#include "inspector/net/ppp.h"
#include "inspector/net/wifi.h"

/* The address family of BSD loopback is in the byte order of the machine that captured: AF_INET is 2
 * everywhere, AF_INET6 is 10 on Linux, 23 on Windows, 24, 28 or 30 on the BSDs and macOS. */
static struct ins_wrap by_family(const struct ins_wrap *frame, size_t rest_of_header)
{
    struct sl_rd rd;
    sl_rd_init(&rd, frame->bytes);
    uint32_t family = sl_rd_be32(&rd);
    if (family > 0xffff) {
        family = family >> 24 | (family >> 8 & 0xff00);
    }
    (void)sl_rd_take(&rd, rest_of_header);
    switch (family) {
    case 2:
    case 10:
    case 23:
    case 24:
    case 28:
    case 30:
        return ins_wrap_rest(frame, INS_WRAP_IP, &rd);
    default:
        return ins_wrap_end(sl_rd_ok(&rd) ? INS_WRAP_NOT_IP : INS_WRAP_MALFORMED);
    }
}

/* An EtherType at type_at, in a header of size bytes. */
static struct ins_wrap cooked(const struct ins_wrap *frame, size_t type_at, size_t size)
{
    struct sl_rd rd;
    sl_rd_init(&rd, frame->bytes);
    (void)sl_rd_take(&rd, type_at);
    uint16_t type = sl_rd_be16(&rd);
    (void)sl_rd_take(&rd, size - type_at - 2);
    struct ins_wrap inner = ins_wrap_rest(frame, INS_WRAP_TYPED, &rd);
    inner.number = type;
    /* 4 is LLC here, and the other small numbers name no length (linux/if_ether.h). */
    return type < 0x0600 && type != 4 && sl_rd_ok(&rd) ? ins_wrap_end(INS_WRAP_NOT_IP) : inner;
}

static struct ins_wrap as(const struct ins_wrap *frame, enum ins_wrap_kind kind)
{
    struct ins_wrap inner = *frame;
    inner.kind = kind;
    return inner;
}

static struct ins_wrap pppoe_frame(const struct ins_wrap *frame)
{
    struct ins_wrap typed = as(frame, INS_WRAP_TYPED);
    typed.number = 0x8864;
    return typed;
}

bool ins_link_is_known(uint32_t link_type)
{
    const struct ins_wrap nothing = {0};
    return ins_link_unwrap(link_type, &nothing).kind != INS_WRAP_UNKNOWN_LINK;
}

struct ins_wrap ins_link_unwrap(uint32_t link_type, const struct ins_wrap *frame)
{
    switch (link_type) {
    case INS_LINK_ETHERNET:
        return as(frame, INS_WRAP_ETHERNET);
    case INS_LINK_SLL:
        return cooked(frame, 14, 16);
    case INS_LINK_SLL2:
        return cooked(frame, 0, 20);
    case INS_LINK_NULL:
    case INS_LINK_LOOP:
        return by_family(frame, 0);
    case INS_LINK_ENC:
        return by_family(frame, 8);
    case INS_LINK_RAW:
    case INS_LINK_RAW_BSD:
    case INS_LINK_RAW_OPENBSD:
    case INS_LINK_IPV4:
    case INS_LINK_IPV6:
        return as(frame, INS_WRAP_IP);
    case INS_LINK_PPP:
    case INS_LINK_PPP_HDLC:
    case INS_LINK_CISCO_HDLC:
        return ins_ppp_hdlc_unwrap(frame);
    case INS_LINK_PPPOE:
        return pppoe_frame(frame);
    case INS_LINK_MPLS:
        return as(frame, INS_WRAP_MPLS);
    case INS_LINK_WIFI:
        return as(frame, INS_WRAP_WIFI);
    case INS_LINK_RADIOTAP:
        return ins_radiotap_unwrap(frame);
    default:
        return ins_wrap_end(INS_WRAP_UNKNOWN_LINK);
    }
}
