/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp_conn.h"

#include "lib/base/alloc.h"

enum {
    RESET_REACH = 1 << 24, /* an RST further from the next byte is not of this connection */
};

size_t ins_tcp_conn_held(const struct ins_tcp_conn *conn)
{
    return conn->flows[0].held_bytes + conn->flows[1].held_bytes + conn->moved.bytes;
}

bool ins_tcp_conn_is_renewed(const struct ins_tcp_conn *conn, int side,
                             const struct ins_segment *segment)
{
    const struct ins_flow *flow = &conn->flows[side];
    if ((segment->flags & INS_TCP_SYN) == 0) {
        return false;
    }
    return flow->is_started && !flow->is_tentative && !flow->is_settling &&
           flow->first != segment->sequence + 1;
}

/* True when bytes that acknowledge sequence of the other side may be handed on. */
static bool may_follow(const struct ins_flow *other, uint32_t sequence)
{
    return !other->is_started || other->is_tentative || other->is_closed ||
           ins_flow_reaches(other, sequence) ||
           ins_flow_distance(other->next, sequence) > INS_FLOW_REACH;
}

/* Hands on len bytes that begin at sequence, at or before the next one; bytes holds those captured. */
static void hand_on(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                    const struct ins_piece *place, struct sl_span bytes)
{
    struct ins_flow *flow = &conn->flows[side];
    size_t skip = (size_t)ins_flow_distance(place->sequence, flow->next);
    if (skip >= place->len) {
        return;
    }
    bytes = sl_span_from(bytes, skip);
    uint32_t len = place->len - (uint32_t)skip;
    ins_flow_remember(flow, flow->next, bytes, place->at.packet);
    flow->next += len;
    flow->has_data = true;
    if (bytes.len > 0) {
        sink->handler->data(sink->owner, conn, side, bytes, &place->at);
    }
    if (len > bytes.len && !conn->is_ignored) {
        sink->handler->gap(sink->owner, conn, side, len - bytes.len, &place->at);
    }
}

/* Hands on what is held and due. is_forced: whatever the other side's bytes. True when it did any. */
static bool drain(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side, bool is_forced)
{
    struct ins_flow *flow = &conn->flows[side];
    const struct ins_flow *other = &conn->flows[1 - side];
    bool is_moved = false;
    while (!conn->is_ignored && !flow->is_settling && flow->pieces != NULL &&
           ins_flow_distance(flow->next, flow->pieces->sequence) <= 0 &&
           (is_forced || !flow->pieces->has_ack || may_follow(other, flow->pieces->acknowledged))) {
        struct ins_piece *piece = ins_flow_pop(flow);
        if (piece->is_conflicting && sink->handler->conflict != NULL) {
            sink->handler->conflict(sink->owner, conn, side, piece->at.packet);
        }
        hand_on(conn, sink, side, piece, sl_span(piece->bytes, piece->captured));
        sl_free(piece);
        is_moved = true;
    }
    bool is_due = !flow->is_settling && flow->has_end && !flow->is_closed && flow->is_started &&
                  ins_flow_distance(flow->end_sequence, flow->next) >= 0 && flow->pieces == NULL &&
                  (is_forced || !flow->has_end_ack || may_follow(other, flow->end_ack));
    if (!is_due || conn->is_ignored) {
        return is_moved;
    }
    flow->is_closed = true;
    if (flow->is_end_reset) {
        conn->reset_side = side;
    } else {
        sink->handler->close(sink->owner, conn, side, false, &flow->end_at);
    }
    return true;
}

static bool drain_both(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink)
{
    bool is_moved = false;
    while (drain(conn, sink, 0, false) || drain(conn, sink, 1, false)) {
        is_moved = true;
    }
    return is_moved;
}

/* Of so many bytes that are missing, those that go before what the other side sent next: it has acknowledged no more. */
static uint32_t before_other(const struct ins_tcp_conn *conn, int side, uint32_t missing)
{
    const struct ins_piece *next = conn->flows[1 - side].pieces;
    if (next == NULL || !next->has_ack) {
        return missing;
    }
    int32_t had = ins_flow_distance(conn->flows[side].next, next->acknowledged);
    return had > 0 && (uint32_t)had < missing ? (uint32_t)had : missing;
}

/* True when there was one. */
static bool skip_hole(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side, bool is_final)
{
    struct ins_flow *flow = &conn->flows[side];
    uint32_t missing = ins_flow_missing(flow, is_final);
    if (missing == 0) {
        return false;
    }
    missing = before_other(conn, side, missing);
    flow->next += missing;
    /* A single byte that was acknowledged and nothing behind it: a FIN that was not captured. */
    bool is_lost_fin = missing == 1 && flow->pieces == NULL;
    if (!is_lost_fin && !conn->is_ignored) {
        const struct sl_at *at = flow->pieces == NULL ? &conn->at : &flow->pieces->at;
        sink->handler->gap(sink->owner, conn, side, missing, at);
    }
    return true;
}

/* What is held behind the hole of side may come next: the other side's bytes that it acknowledges have. */
static bool is_next(const struct ins_tcp_conn *conn, int side)
{
    const struct ins_piece *piece = conn->flows[side].pieces;
    return piece != NULL &&
           (!piece->has_ack || may_follow(&conn->flows[1 - side], piece->acknowledged));
}

/* One hole, where it can be told which of the two sides' comes first: a lost response may answer any
 * request that what came behind it acknowledges, so these requests go before the gap. Else both. */
static bool skip_holes(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, bool is_final)
{
    for (int side = 0; side < 2; side++) {
        if (is_next(conn, side) && skip_hole(conn, sink, side, is_final)) {
            return true;
        }
    }
    bool has_skipped = skip_hole(conn, sink, 0, is_final);
    return skip_hole(conn, sink, 1, is_final) || has_skipped;
}

/* Each side waits for bytes of the other: one was sent again, with a newer acknowledgement than when it was sent first,
 * which is not in the capture. That came before what the other side has acknowledged it with. */
static int last_captured(const struct ins_tcp_conn *conn)
{
    const struct ins_piece *zero = conn->flows[0].pieces;
    const struct ins_piece *one = conn->flows[1].pieces;
    return zero != NULL && one != NULL && one->at.packet > zero->at.packet ? 1 : 0;
}

/* One step of giving up; false when there was nothing to give up. */
static bool give_up(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, bool is_final)
{
    conn->flows[0].is_settling = false;
    conn->flows[1].is_settling = false;
    if (drain_both(conn, sink)) {
        return true; /* what was held to settle goes before any hole */
    }
    bool has_skipped = skip_holes(conn, sink, is_final);
    bool is_moved = drain_both(conn, sink);
    if (has_skipped || is_moved) {
        return true;
    }
    int first = last_captured(conn);
    return drain(conn, sink, first, true) || drain(conn, sink, 1 - first, true);
}

void ins_tcp_conn_force(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink)
{
    sink->totals.dropped += ins_moved_clear(&conn->moved);
    if (!conn->is_over) {
        (void)give_up(conn, sink, false);
    }
}

/* A direction of which no segment with data was captured, although the other side acknowledged some. */
static void tell_unseen(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side)
{
    const struct ins_flow *flow = &conn->flows[side];
    if (!flow->is_tentative || !flow->has_acked || !conn->flows[1 - side].has_data) {
        return;
    }
    int32_t unseen = ins_flow_distance(flow->first, flow->acked);
    if (unseen > 1) {
        sink->handler->gap(sink->owner, conn, side, (uint64_t)unseen, &conn->at);
    }
}

void ins_tcp_conn_finish(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink)
{
    sink->totals.dropped += ins_moved_clear(&conn->moved);
    if (conn->is_over) {
        return;
    }
    while (!conn->is_ignored && give_up(conn, sink, true)) {
    }
    if (!conn->is_ignored) {
        tell_unseen(conn, sink, 0);
        tell_unseen(conn, sink, 1);
    }
    if (conn->reset_side >= 0 && !conn->is_ignored) {
        int side = conn->reset_side;
        sink->handler->close(sink->owner, conn, side, true, &conn->flows[side].end_at);
    }
    conn->is_over = true;
    sink->handler->end(sink->owner, conn);
    conn->user = NULL;
    (void)ins_flow_drop(&conn->flows[0]);
    (void)ins_flow_drop(&conn->flows[1]);
}

static void time_handshake(struct ins_tcp_conn *conn, const struct ins_segment *segment,
                           bool is_answer)
{
    const struct sl_at *syn = &conn->syn_at;
    if (!is_answer) {
        conn->syn_at = segment->at;
        conn->syn_end = segment->sequence + 1;
    } else if (!conn->has_handshake && syn->has_time && segment->at.has_time &&
               segment->acknowledged == conn->syn_end && segment->at.time_ns >= syn->time_ns) {
        conn->has_handshake = true;
        conn->handshake_ns = segment->at.time_ns - syn->time_ns;
    }
}

static void take_syn(struct ins_tcp_conn *conn, int side, const struct ins_segment *segment)
{
    struct ins_flow *flow = &conn->flows[side];
    struct ins_flow *other = &conn->flows[1 - side];
    bool is_answer = (segment->flags & INS_TCP_ACK) != 0;
    if (!flow->is_started || flow->is_tentative || flow->is_settling) {
        ins_flow_start(flow, segment->sequence + 1);
        flow->is_tentative = false;
        flow->is_settling = false;
    }
    flow->saw_start = true;
    if (is_answer && (!other->is_started || other->is_tentative || other->is_settling)) {
        ins_flow_start(other, segment->acknowledged);
        other->is_tentative = false;
        other->is_settling = false;
    }
    if (is_answer && other->first == segment->acknowledged) {
        other->saw_start = true;
    }
    conn->opener = is_answer ? 1 - side : side;
    time_handshake(conn, segment, is_answer);
}

/* What a segment says about the bytes of the other side. */
static void take_ack(struct ins_flow *flow, uint32_t acknowledged)
{
    if (!flow->is_started) {
        ins_flow_start(flow, acknowledged);
        flow->is_tentative = true;
    }
    if (ins_flow_distance(flow->next, acknowledged) > INS_FLOW_REACH) {
        return;
    }
    if (!flow->has_acked || ins_flow_distance(flow->acked, acknowledged) > 0) {
        flow->has_acked = true;
        flow->acked = acknowledged;
    }
}

/* Bytes of the segment, from its beginning, have been handed on before. */
static void compare_old(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                        const struct ins_segment *segment)
{
    uint64_t packet = 0;
    if (ins_flow_is_conflict(&conn->flows[side], segment->sequence, segment->payload,
                             segment->at.packet, &packet)) {
        sink->totals.conflicting++;
        if (sink->handler->conflict != NULL) {
            sink->handler->conflict(sink->owner, conn, side, packet);
        }
    }
}

/* All of the segment's bytes came before. */
static void take_old(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                     const struct ins_segment *segment, int32_t ahead)
{
    if (segment->len == 1 && ahead == -1) {
        return; /* keep-alive: one byte before the next, of no meaning (RFC 1122 4.2.3.6) */
    }
    sink->totals.retransmitted++;
    compare_old(conn, sink, side, segment);
}

/* A segment without data says where its sender is: bytes from there on were sent while the capture ran. */
static void take_silence(struct ins_flow *flow, const struct ins_segment *segment)
{
    bool is_plain = (segment->flags & (INS_TCP_SYN | INS_TCP_FIN | INS_TCP_RST)) == 0;
    if (is_plain && segment->len == 0 && !flow->has_silence &&
        (!flow->is_started || flow->is_tentative)) {
        flow->has_silence = true;
        flow->silence = segment->sequence;
    }
}

/* Where the flow begins whose earliest segment with data is at sequence: there, or where its sender was before, from which
 * on bytes are missing; a keep-alive is one byte behind (RFC 1122 4.2.3.6). */
static uint32_t first_of(const struct ins_flow *flow, uint32_t sequence)
{
    int32_t unseen = flow->has_silence ? ins_flow_distance(flow->silence, sequence) : 0;
    return unseen > 1 && unseen <= INS_FLOW_REACH ? flow->silence : sequence;
}

static void take_payload(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                         struct ins_segment *segment)
{
    struct ins_flow *flow = &conn->flows[side];
    bool is_first = !flow->is_started || flow->is_tentative;
    if (is_first || (flow->is_settling && ins_flow_distance(flow->next, segment->sequence) < 0)) {
        ins_flow_start(flow, first_of(flow, segment->sequence));
        flow->is_settling = flow->is_settling || conn->segments < INS_TCP_SETTLING;
        flow->is_tentative = false;
    }
    int32_t ahead = ins_flow_distance(flow->next, segment->sequence);
    if (ahead > INS_FLOW_REACH || ahead < -INS_FLOW_REACH) {
        sink->totals.dropped++;
        return;
    }
    if (ahead < 0 && (uint32_t)-ahead >= segment->len) {
        take_old(conn, sink, side, segment, ahead);
        return;
    }
    if (ahead < 0) {
        compare_old(conn, sink, side, segment);
    }
    sink->totals.cut_segments += segment->payload.len < segment->len ? 1 : 0;
    sink->totals.reordered += ahead > 0 ? 1 : 0;
    bool has_ack = (segment->flags & INS_TCP_ACK) != 0;
    bool is_free = flow->pieces == NULL ||
                   ins_flow_distance(segment->sequence + segment->len, flow->pieces->sequence) >= 0;
    if (ahead <= 0 && is_free && !flow->is_settling &&
        (!has_ack || may_follow(&conn->flows[1 - side], segment->acknowledged))) {
        struct ins_piece place = {
            .sequence = segment->sequence, .len = segment->len, .at = segment->at};
        hand_on(conn, sink, side, &place, segment->payload);
        return;
    }
    bool is_conflicting = false;
    (void)ins_flow_hold(flow, segment, &is_conflicting);
    sink->totals.conflicting += is_conflicting ? 1 : 0;
}

static void take_end(struct ins_tcp_conn *conn, int side, const struct ins_segment *segment)
{
    struct ins_flow *flow = &conn->flows[side];
    bool is_reset = (segment->flags & INS_TCP_RST) != 0;
    if (!flow->is_started) {
        ins_flow_start(flow, segment->sequence);
    }
    int32_t ahead = ins_flow_distance(flow->next, segment->sequence);
    if (ahead > RESET_REACH || ahead < -RESET_REACH || (flow->has_end && !is_reset)) {
        return;
    }
    flow->has_end = true;
    flow->is_end_reset = is_reset;
    flow->is_closed = false;
    flow->end_sequence = segment->sequence + (is_reset ? 0 : segment->len);
    flow->has_end_ack = (segment->flags & INS_TCP_ACK) != 0;
    flow->end_ack = segment->acknowledged;
    flow->end_at = segment->at;
}

/* True when a hole that was found out by an acknowledgement had its time to be filled. */
static bool is_hole_due(struct ins_flow *flow, uint64_t segments)
{
    if (!ins_flow_has_hole(flow)) {
        flow->hole_since = 0;
    } else if (flow->hole_since == 0 || flow->hole_at != flow->next) {
        flow->hole_since = segments;
        flow->hole_at = flow->next;
    }
    return flow->hole_since > 0 && segments - flow->hole_since > INS_TCP_PATIENCE;
}

/* Gives up holes that had their time, and those behind which too much is held. */
static void check_holes(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink)
{
    bool is_due = is_hole_due(&conn->flows[0], conn->segments);
    if (is_hole_due(&conn->flows[1], conn->segments) || is_due) {
        ins_tcp_conn_force(conn, sink);
    }
    for (int side = 0; side < 2; side++) {
        struct ins_flow *flow = &conn->flows[side];
        while (!conn->is_ignored &&
               (flow->held_bytes > sink->flow_bytes || flow->piece_count > INS_FLOW_PIECES)) {
            sink->totals.given_up++;
            ins_tcp_conn_force(conn, sink);
        }
    }
}

void ins_tcp_conn_feed(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                       const struct ins_segment *segment)
{
    struct ins_segment own = *segment;
    conn->at = own.at;
    if ((own.flags & INS_TCP_SYN) != 0) {
        take_syn(conn, side, &own);
        own.sequence++; /* RFC 9293 3.4: SYN counts as one */
    }
    if ((own.flags & INS_TCP_ACK) != 0) {
        take_ack(&conn->flows[1 - side], own.acknowledged);
    }
    if (conn->is_ignored) {
        return;
    }
    take_silence(&conn->flows[side], &own);
    if (own.len > 0 && (own.flags & INS_TCP_RST) == 0) {
        take_payload(conn, sink, side, &own);
    }
    if ((own.flags & (INS_TCP_FIN | INS_TCP_RST)) != 0) {
        take_end(conn, side, &own);
    }
    if (conn->segments >= INS_TCP_SETTLING) {
        conn->flows[0].is_settling = false;
        conn->flows[1].is_settling = false;
    }
    (void)drain_both(conn, sink);
    check_holes(conn, sink);
    bool is_closed = conn->flows[0].is_closed && conn->flows[1].is_closed;
    if (is_closed || conn->reset_side >= 0) {
        ins_tcp_conn_finish(conn, sink);
    }
}
