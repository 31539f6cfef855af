/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_UNWRAP_H
#define INS_UNWRAP_H

/*
 * From captured packets to TCP segments, through whatever link types and tunnels lie around them. What
 * holds no TCP segment is counted by its kind, so that nothing is passed over in silence.
 *
 * Limits: INS_UNWRAP_NESTING IP packets and Ethernet frames inside each other; deeper ones are counted.
 */
#include "inspector/net/tcp.h"
#include "inspector/net/wrap.h"
#include "inspector/source/packet.h"

enum {
    INS_UNWRAP_NESTING = 16,
    INS_UNWRAP_LINKS = 8, /* link types that are named; others are counted only */
};

struct ins_unwrap_totals {
    uint64_t ends[INS_WRAP_KINDS]; /* of walks, by kind: TCP and those after it */
    uint64_t too_deep;
    uint64_t fragments_lost;        /* datagrams given up */
    uint64_t fragments_conflicting; /* overlapping with other bytes; the first stay */
    struct {
        uint32_t type;
        uint64_t packets;
    } unknown_links[INS_UNWRAP_LINKS];
    size_t unknown_link_count;
};

typedef void ins_unwrap_fn(void *owner, const struct ins_segment *segment);

struct ins_unwrap;

/* segment is called for each; owner is kept. */
struct ins_unwrap *ins_unwrap_new(ins_unwrap_fn *segment, void *owner);
void ins_unwrap_free(struct ins_unwrap *unwrap);

/* A packet holds one segment at most, but for aggregated frames of IEEE 802.11. */
void ins_unwrap_feed(struct ins_unwrap *unwrap, const struct ins_packet *packet);

/* Up to now; borrowed. */
const struct ins_unwrap_totals *ins_unwrap_totals(struct ins_unwrap *unwrap);

#endif
