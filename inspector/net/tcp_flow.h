/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TCP_FLOW_H
#define INS_TCP_FLOW_H

/*
 * One direction of a TCP connection: what came, what is held back, what is missing. The part of tcp.c
 * that knows sequence numbers; it calls no handler.
 *
 * Sequence numbers wrap at 2^32, so they are only compared by their distance.
 */
#include "inspector/net/tcp.h"

enum {
    INS_FLOW_HISTORY = 16, /* segments remembered to compare retransmissions with */
    /* Further apart than any window (RFC 7323 2.3: below 2^30) lies no honest segment. */
    INS_FLOW_REACH = 1 << 30,
    INS_FLOW_PIECES = 1024, /* held back; walking through them must stay cheap */
};

/* A segment, or the new part of one, that came early. */
struct ins_piece {
    struct ins_piece *next;
    uint32_t sequence;
    uint32_t len;
    uint32_t captured;
    uint32_t acknowledged; /* what the segment said about the other direction */
    bool has_ack;
    bool is_conflicting; /* parts of it came again with other bytes */
    struct sl_at at;
    uint8_t bytes[];
};

struct ins_flow {
    bool is_started;   /* next holds */
    bool is_tentative; /* next is known from the other side's acknowledgements only */
    bool saw_start;    /* SYN, or the acknowledgement of it */
    bool is_settling;  /* begins in the middle: all is held, in case an earlier segment comes */
    bool has_data;     /* data was handed on */
    bool has_silence;  /* before its first segment with data there was one without, at silence */
    uint32_t silence;
    uint32_t first; /* sequence number of the first byte */
    uint32_t next;  /* of the next byte to hand on */
    struct ins_piece *pieces, *last_piece;
    size_t held_bytes, piece_count;
    uint64_t hole_since; /* the connection's segment at which a hole was found out; 0: none */
    uint32_t hole_at;    /* next at that time */
    bool has_acked;
    uint32_t acked; /* the other side has said that it has all bytes before this */
    bool has_end, is_end_reset, is_closed;
    bool has_end_ack;
    uint32_t end_sequence, end_ack; /* of the FIN or RST */
    struct sl_at end_at;
    uint8_t history_at;
    struct {
        uint32_t sequence, len;
        uint32_t hash;
        uint32_t packet; /* its last bits */
    } history[INS_FLOW_HISTORY];
};

/* How far b lies after a; negative when before. */
static inline int32_t ins_flow_distance(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

void ins_flow_start(struct ins_flow *flow, uint32_t first);

/* Frees what is held back; returns how many bytes that were. */
size_t ins_flow_drop(struct ins_flow *flow);

/* Keeps a copy of those parts of the segment that are not there yet; pieces from which the others differ
 * become conflicting, and so does *is_conflicting. Returns the bytes added to held_bytes. */
size_t ins_flow_hold(struct ins_flow *flow, const struct ins_segment *segment,
                     bool *is_conflicting);

/* Takes off the first piece, which must be there; the caller frees it with sl_free. */
struct ins_piece *ins_flow_pop(struct ins_flow *flow);

/* Memory that a piece takes. */
size_t ins_piece_size(const struct ins_piece *piece);

/* Notes a segment that is handed on. */
void ins_flow_remember(struct ins_flow *flow, uint32_t sequence, struct sl_span bytes,
                       uint64_t packet);
/* True when a segment that lies inside of this one was handed on with other bytes; ret_packet: in which
 * packet, seen from packet. Only whole ones can be compared: bytes of the past are not kept. */
bool ins_flow_is_conflict(const struct ins_flow *flow, uint32_t sequence, struct sl_span bytes,
                          uint64_t packet, uint64_t *ret_packet);

/* The other side has acknowledged bytes that have not been handed on. */
bool ins_flow_has_hole(const struct ins_flow *flow);

/* Bytes missing before the first that are held, or before what is acknowledged, or, when is_final,
 * before the end that the sender announced. 0: none. */
uint32_t ins_flow_missing(const struct ins_flow *flow, bool is_final);

/* All bytes before sequence have been handed on; a FIN counts as one. */
bool ins_flow_reaches(const struct ins_flow *flow, uint32_t sequence);

#endif
