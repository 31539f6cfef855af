/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_FRAGMENTS_H
#define INS_FRAGMENTS_H

/*
 * Puts fragmented IP datagrams together. Pieces may come in any order and more than once; where two
 * overlap, the first stays.
 *
 * Limits: 64 datagrams at a time of INS_DATAGRAM_MAX bytes each.
 */
#include "inspector/net/address.h"
#include "lib/base/span.h"

enum {
    INS_DATAGRAM_MAX = 65535,
};

struct ins_fragment {
    struct ins_address from, to;
    uint32_t id;
    uint8_t protocol;
    size_t offset; /* in the datagram's payload */
    bool is_last;  /* no more fragments follow it */
    struct sl_span bytes;
};

struct ins_fragments;

struct ins_fragments *ins_fragments_new(void);
void ins_fragments_free(struct ins_fragments *fragments);

/* True when the datagram is now whole; ret_payload is borrowed until the next call. */
bool ins_fragments_add(struct ins_fragments *fragments, const struct ins_fragment *fragment,
                       struct sl_span *ret_payload);

/* Datagrams given up, or still waited for. */
uint64_t ins_fragments_lost(const struct ins_fragments *fragments);

#endif
