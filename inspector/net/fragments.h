/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_FRAGMENTS_H
#define INS_FRAGMENTS_H

/*
 * Puts fragmented IP datagrams together. Pieces may come in any order and more than once, also after the
 * datagram was whole (a capture that holds each packet twice); where two overlap, the first stays.
 *
 * A piece belongs to the datagram of the same addresses, id, protocol and scope: the VLAN or tunnel in
 * which it came. A datagram that is not whole after INS_FRAGMENTS_LIFE_NS is given up (RFC 8200 4.5) when
 * its id comes again.
 *
 * Limits: 64 datagrams at a time of INS_DATAGRAM_MAX bytes each; the oldest is given up and counted.
 */
#include "inspector/net/address.h"
#include "lib/base/span.h"

#define INS_FRAGMENTS_LIFE_NS UINT64_C(60000000000)

enum {
    INS_DATAGRAM_MAX = 65535,
};

struct ins_fragment {
    struct ins_address from, to;
    uint32_t id;
    uint32_t scope;
    uint8_t protocol;
    size_t offset; /* in the datagram's payload */
    bool is_last;  /* no more fragments follow it */
    struct sl_span bytes;
    uint64_t time_ns; /* 0 when there is none */
};

struct ins_fragments;

struct ins_fragments *ins_fragments_new(void);
void ins_fragments_free(struct ins_fragments *fragments);

/* True when the datagram has become whole by this piece; ret_payload is borrowed and stays as it is while
 * fewer than 64 other datagrams are begun. The piece may lie in such a payload. */
bool ins_fragments_add(struct ins_fragments *fragments, const struct ins_fragment *fragment,
                       struct sl_span *ret_payload);

/* Datagrams given up, or still waited for. */
uint64_t ins_fragments_lost(const struct ins_fragments *fragments);

/* Pieces that overlap others with different bytes. */
uint64_t ins_fragments_conflicting(const struct ins_fragments *fragments);

#endif
