/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_IP_H
#define INS_IP_H

/*
 * IPv4 (RFC 791) with options and IPv6 (RFC 8200) with extension headers, down to the TCP segment;
 * fragments of both are put together again.
 *
 * Checksums are not looked at: captures on the sending machine have none yet.
 *
 * Limits: 64 datagrams in pieces at a time, the oldest is given up and counted.
 */
#include "inspector/net/address.h"
#include "lib/base/span.h"

enum {
    INS_IP_PROTOCOL_TCP = 6,
};

struct ins_datagram {
    struct ins_address from, to;
    struct sl_span payload; /* of the packet fed, or of the reassembly until the next feed */
    size_t wire_len;        /* of the payload; more than was captured where a snaplen cut it */
};

struct ins_ip;

struct ins_ip *ins_ip_new(void);
void ins_ip_free(struct ins_ip *ip);

/* packet begins with an IP header; wire_len is its length on the wire. True when it holds, or completes,
 * a TCP segment. */
bool ins_ip_feed(struct ins_ip *ip, struct sl_span packet, size_t wire_len,
                 struct ins_datagram *ret_datagram);

/* Fragmented datagrams of which not all pieces came: given up, or still waited for. */
uint64_t ins_ip_lost(const struct ins_ip *ip);

#endif
