/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_IP_H
#define INS_IP_H

/*
 * IPv4 (RFC 791) with options and IPv6 (RFC 8200) with extension headers, down to TCP, UDP, or a tunnel:
 * IP in IP (RFC 2003, 4213), GRE, MPLS (RFC 4023), Ethernet (RFC 3378). Fragments of both are put
 * together again.
 *
 * Checksums are not looked at: captures on the sending machine have none yet.
 *
 * Limits: those of fragments.h.
 */
#include "inspector/net/address.h"
#include "inspector/net/wrap.h"

struct ins_ip;

struct ins_ip *ins_ip_new(void);
void ins_ip_free(struct ins_ip *ip);

/* The hosts of an IP packet. */
struct ins_hosts {
    struct ins_address from, to;
};

/* What the packet carries; PIECE for a fragment while others are missing. time_ns: 0 when there is
 * none. */
struct ins_wrap ins_ip_unwrap(struct ins_ip *ip, const struct ins_wrap *outer, uint64_t time_ns,
                              struct ins_hosts *ret_hosts);

/* Fragmented datagrams of which not all pieces came: given up, or still waited for. */
uint64_t ins_ip_lost(const struct ins_ip *ip);

/* Fragments that overlap others with different bytes; the first stay. */
uint64_t ins_ip_conflicting(const struct ins_ip *ip);

#endif
