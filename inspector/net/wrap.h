/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_WRAP_H
#define INS_WRAP_H

/*
 * One step of unwrapping: what stands inside a header, and of which kind it is. Decoders of link types
 * and tunnels turn an outer step into an inner one; unwrap.c walks on until a TCP segment is reached, or
 * something that holds none.
 *
 * Ownership: bytes are borrowed from the packet, or from the reassembly of fragments until the next one.
 */
#include "lib/base/rd.h"

enum ins_wrap_kind {
    /* to be unwrapped further */
    INS_WRAP_ETHERNET,  /* a frame that begins with its addresses */
    INS_WRAP_TYPED,     /* what follows the EtherType in number */
    INS_WRAP_LLC,       /* IEEE 802.2 */
    INS_WRAP_PPP,       /* begins with a PPP protocol number */
    INS_WRAP_MPLS,      /* a label stack */
    INS_WRAP_WIFI,      /* IEEE 802.11; number 1: its header is padded to 4 bytes */
    INS_WRAP_SUBFRAMES, /* several LLC frames (A-MSDU) */
    INS_WRAP_IP,        /* IPv4 or IPv6 by its first bits */
    INS_WRAP_GRE,
    INS_WRAP_UDP,
    /* the end of the walk */
    INS_WRAP_TCP,
    INS_WRAP_PIECE,        /* of a datagram; it was kept until the others come */
    INS_WRAP_UNKNOWN_LINK, /* a link type that is not decoded */
    INS_WRAP_NOT_IP,       /* ARP, a beacon, a control protocol ... */
    INS_WRAP_OTHER_IP,     /* IP that carries neither TCP nor a tunnel nor UDP */
    INS_WRAP_OTHER_UDP,
    INS_WRAP_QUIC,
    INS_WRAP_ENCRYPTED, /* by the link or by IPsec */
    INS_WRAP_MALFORMED, /* or cut inside a header */
    INS_WRAP_KINDS
};

struct ins_wrap {
    enum ins_wrap_kind kind;
    uint16_t number;
    uint32_t scope; /* tells networks apart that may use the same addresses: VLANs, tunnels */
    struct sl_span bytes;
    size_t wire_len; /* of bytes on the wire; more than were captured where a snaplen cut them */
};

/* The end of a walk. */
static inline struct ins_wrap ins_wrap_end(enum ins_wrap_kind kind)
{
    return (struct ins_wrap){.kind = kind};
}

/* What rd has left of outer's bytes; MALFORMED when it failed. */
static inline struct ins_wrap ins_wrap_rest(const struct ins_wrap *outer, enum ins_wrap_kind kind,
                                            const struct sl_rd *rd)
{
    if (!sl_rd_ok(rd)) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    size_t left = sl_rd_left(rd);
    return (struct ins_wrap){.kind = kind,
                             .scope = outer->scope,
                             .bytes = sl_span(rd->pos, left),
                             .wire_len = outer->wire_len - (outer->bytes.len - left)};
}

/* No more of it than len bytes: what follows is padding. */
static inline void ins_wrap_limit(struct ins_wrap *wrap, size_t len)
{
    wrap->wire_len = len < wrap->wire_len ? len : wrap->wire_len;
    wrap->bytes = sl_span_first(wrap->bytes, wrap->wire_len);
}

/* scope of a network inside that of scope, which id names there. */
static inline uint32_t ins_wrap_scope(uint32_t scope, uint32_t id)
{
    return (scope ^ id) * 0x9e3779b1U + 1;
}

#endif
