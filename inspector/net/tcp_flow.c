/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp_flow.h"

#include <assert.h>

#include "lib/base/alloc.h"

void ins_flow_start(struct ins_flow *flow, uint32_t first)
{
    flow->is_started = true;
    flow->first = first;
    flow->next = first;
}

size_t ins_piece_size(const struct ins_piece *piece)
{
    return sizeof(*piece) + piece->captured;
}

struct ins_piece *ins_flow_pop(struct ins_flow *flow)
{
    struct ins_piece *piece = flow->pieces;
    assert(piece != NULL);
    flow->pieces = piece->next;
    if (flow->pieces == NULL) {
        flow->last_piece = NULL;
    }
    flow->held_bytes -= ins_piece_size(piece);
    flow->piece_count--;
    return piece;
}

size_t ins_flow_drop(struct ins_flow *flow)
{
    size_t dropped = flow->held_bytes;
    while (flow->pieces != NULL) {
        sl_free(ins_flow_pop(flow));
    }
    return dropped;
}

/* The part [from, to) of the segment as a piece between before (NULL: the first) and its successor. */
static struct ins_piece *insert(struct ins_flow *flow, struct ins_piece *before,
                                const struct ins_segment *segment, uint32_t from, uint32_t to)
{
    size_t skip = from - segment->sequence;
    struct sl_span bytes = sl_span_first(sl_span_from(segment->payload, skip), to - from);
    struct ins_piece *piece = sl_alloc(sizeof(*piece) + bytes.len);
    piece->sequence = from;
    piece->len = to - from;
    piece->captured = (uint32_t)bytes.len;
    piece->has_ack = (segment->flags & INS_TCP_ACK) != 0;
    piece->acknowledged = segment->acknowledged;
    piece->at = segment->at;
    if (bytes.len > 0) {
        memcpy(piece->bytes, bytes.data, bytes.len);
    }
    piece->next = before == NULL ? flow->pieces : before->next;
    if (before == NULL) {
        flow->pieces = piece;
    } else {
        before->next = piece;
    }
    if (piece->next == NULL) {
        flow->last_piece = piece;
    }
    flow->held_bytes += ins_piece_size(piece);
    flow->piece_count++;
    return piece;
}

/* True when segment and piece hold different bytes for the same place. */
static bool differs(const struct ins_segment *segment, const struct ins_piece *piece)
{
    int32_t apart = ins_flow_distance(segment->sequence, piece->sequence);
    size_t segment_at = apart > 0 ? (size_t)apart : 0;
    size_t piece_at = apart < 0 ? (size_t)-apart : 0;
    if (segment_at >= segment->payload.len || piece_at >= piece->captured) {
        return false;
    }
    size_t len = segment->payload.len - segment_at;
    len = piece->captured - piece_at < len ? piece->captured - piece_at : len;
    return memcmp(segment->payload.data + segment_at, piece->bytes + piece_at, len) != 0;
}

size_t ins_flow_hold(struct ins_flow *flow, const struct ins_segment *segment, bool *is_conflicting)
{
    size_t held_before = flow->held_bytes;
    uint32_t from = segment->sequence;
    uint32_t end = segment->sequence + segment->len;
    if (ins_flow_distance(flow->next, from) < 0) {
        from = flow->next;
    }
    struct ins_piece *before = NULL;
    struct ins_piece *last = flow->last_piece;
    if (last != NULL && ins_flow_distance(last->sequence + last->len, from) >= 0) {
        before = last; /* the usual case: it goes to the end */
    }
    struct ins_piece *piece = before == NULL ? flow->pieces : NULL;
    while (piece != NULL && ins_flow_distance(piece->sequence, end) > 0) {
        if (ins_flow_distance(from, piece->sequence + piece->len) > 0) {
            if (ins_flow_distance(from, piece->sequence) > 0) {
                before = insert(flow, before, segment, from, piece->sequence);
            }
            if (differs(segment, piece)) {
                piece->is_conflicting = true;
                *is_conflicting = true;
            }
            from = piece->sequence + piece->len;
        }
        before = piece;
        piece = piece->next;
    }
    if (ins_flow_distance(from, end) > 0) {
        (void)insert(flow, before, segment, from, end);
    }
    return flow->held_bytes - held_before;
}

/* Not for secrets: each step is a bijection of the state, so a changed byte changes it but for one case in
 * four billions. */
static uint32_t hash_of(struct sl_span bytes)
{
    static const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t lanes[4] = {1, 2, 3, 4};
    size_t i = 0;
    for (; i + 32 <= bytes.len; i += 32) {
        for (size_t lane = 0; lane < 4; lane++) {
            uint64_t word = 0;
            memcpy(&word, bytes.data + i + lane * 8, 8);
            lanes[lane] = (lanes[lane] ^ word) * odd;
        }
    }
    for (; i < bytes.len; i += 8) { /* the last word is filled up with zeros */
        uint64_t word = 0;
        memcpy(&word, bytes.data + i, bytes.len - i < 8 ? bytes.len - i : 8);
        lanes[i / 8 % 4] = (lanes[i / 8 % 4] ^ word) * odd;
    }
    uint64_t hash = lanes[0] ^ (lanes[1] << 16 | lanes[1] >> 48) ^
                    (lanes[2] << 32 | lanes[2] >> 32) ^ (lanes[3] << 48 | lanes[3] >> 16);
    return (uint32_t)((hash * odd) >> 32);
}

void ins_flow_remember(struct ins_flow *flow, uint32_t sequence, struct sl_span bytes,
                       uint64_t packet)
{
    flow->history[flow->history_at].sequence = sequence;
    flow->history[flow->history_at].len = (uint32_t)bytes.len;
    flow->history[flow->history_at].hash = hash_of(bytes);
    flow->history[flow->history_at].packet = (uint32_t)packet;
    flow->history_at = (uint8_t)((flow->history_at + 1) % INS_FLOW_HISTORY);
}

bool ins_flow_is_conflict(const struct ins_flow *flow, uint32_t sequence, struct sl_span bytes,
                          uint64_t packet, uint64_t *ret_packet)
{
    for (size_t i = 0; i < INS_FLOW_HISTORY; i++) {
        int32_t skip = ins_flow_distance(sequence, flow->history[i].sequence);
        uint32_t len = flow->history[i].len;
        if (len == 0 || skip < 0 || (size_t)skip + len > bytes.len) {
            continue;
        }
        if (flow->history[i].hash !=
            hash_of(sl_span_first(sl_span_from(bytes, (size_t)skip), len))) {
            *ret_packet = packet - (uint32_t)((uint32_t)packet - flow->history[i].packet);
            return true;
        }
    }
    return false;
}

bool ins_flow_has_hole(const struct ins_flow *flow)
{
    return flow->is_started && !flow->is_tentative && !flow->is_closed && flow->has_acked &&
           !ins_flow_reaches(flow, flow->acked);
}

uint32_t ins_flow_missing(const struct ins_flow *flow, bool is_final)
{
    int32_t missing = 0;
    if (flow->pieces != NULL) {
        missing = ins_flow_distance(flow->next, flow->pieces->sequence);
    } else if (ins_flow_has_hole(flow)) {
        missing = ins_flow_distance(flow->next, flow->acked);
        /* RFC 9293 3.4: an acknowledged FIN counts as one, and is no byte. */
        bool is_fin = flow->has_end && !flow->is_end_reset;
        int32_t bytes = ins_flow_distance(flow->next, flow->end_sequence);
        missing = is_fin && bytes > 0 && bytes < missing ? bytes : missing;
    } else if (is_final && flow->is_started && flow->has_end && !flow->is_closed) {
        missing = ins_flow_distance(flow->next, flow->end_sequence);
    }
    return missing > 0 ? (uint32_t)missing : 0;
}

bool ins_flow_reaches(const struct ins_flow *flow, uint32_t sequence)
{
    int32_t ahead = ins_flow_distance(flow->next, sequence);
    if (ahead == 1 && flow->has_end && !flow->is_end_reset && flow->end_sequence == flow->next) {
        return true;
    }
    return ahead <= 0;
}
