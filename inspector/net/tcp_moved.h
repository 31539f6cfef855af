/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TCP_MOVED_H
#define INS_TCP_MOVED_H

/*
 * Two ends that are used again by a connection whose SYN was not captured: both directions are at another
 * place of the sequence numbers then, where the segments fit each other.
 *
 * A segment is away when its own number and the one that it acknowledges are both further than
 * INS_MOVED_FAR from where the connection is (INS_MOVED_FAR_ENDED behind a FIN or RST). It is no hole of
 * one direction, however large; it is held until others that fit it prove a new connection: one of the
 * other side, or three in all, data among them. A single forged or late one proves nothing.
 *
 * Limits: INS_MOVED_HELD segments; the caller counts ins_moved.bytes as held back.
 */
#include "inspector/net/tcp_flow.h"

enum {
    INS_MOVED_HELD = 2, /* a third proves it */
    INS_MOVED_FAR = 16 * 1024 * 1024,
    INS_MOVED_FAR_ENDED = 64 * 1024,
};

struct ins_moved_segment {
    struct ins_segment segment; /* its payload lies behind */
    uint8_t bytes[];
};

/* Zeroed: no segment is away. */
struct ins_moved {
    struct ins_moved_segment *held[INS_MOVED_HELD]; /* those with data, as they came */
    size_t held_count;
    size_t bytes; /* of memory */
    unsigned count;
    unsigned sides;   /* a bit each: those that sent one */
    uint32_t next[2]; /* of each side, at the new place */
};

/* True when segment of side is away from both flows. */
bool ins_moved_is_away(const struct ins_flow flows[2], int side, const struct ins_segment *segment);

/* One that is away. True when it proves a new connection, whose beginning is in held; it is not held
 * itself. *dropped counts segments with data that fit no other. */
bool ins_moved_add(struct ins_moved *moved, int side, const struct ins_segment *segment,
                   uint64_t *dropped);

/* Forgets all. Answers how many with data that were. */
size_t ins_moved_clear(struct ins_moved *moved);

#endif
