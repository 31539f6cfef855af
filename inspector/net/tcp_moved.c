/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/tcp_moved.h"

#include "lib/base/alloc.h"

enum {
    FIT = 1024 * 1024, /* segments that fit are not further apart */
    PROOF = 3,
};

/* How far the flow has come, as far as anything tells. */
static uint32_t front_of(const struct ins_flow *flow)
{
    uint32_t front = flow->next;
    if (flow->has_acked && ins_flow_distance(front, flow->acked) > 0) {
        front = flow->acked;
    }
    if (flow->last_piece != NULL) {
        uint32_t end = flow->last_piece->sequence + flow->last_piece->len;
        front = ins_flow_distance(front, end) > 0 ? end : front;
    }
    return front;
}

/* Bytes that were there before are not away, however old. */
static bool is_far(const struct ins_flow *flow, uint32_t sequence, int32_t far)
{
    uint32_t front = front_of(flow);
    int32_t ahead = ins_flow_distance(front, sequence);
    bool is_past = !flow->is_settling && sequence - flow->first <= front - flow->first;
    return ahead > far || (ahead < -far && !is_past);
}

bool ins_moved_is_away(const struct ins_flow flows[2], int side, const struct ins_segment *segment)
{
    const struct ins_flow *own = &flows[side];
    const struct ins_flow *other = &flows[1 - side];
    if ((segment->flags & (INS_TCP_SYN | INS_TCP_RST)) != 0 ||
        (segment->flags & INS_TCP_ACK) == 0 || !own->is_started || !other->is_started) {
        return false;
    }
    int32_t far = own->has_end || other->has_end ? INS_MOVED_FAR_ENDED : INS_MOVED_FAR;
    return is_far(own, segment->sequence, far) && is_far(other, segment->acknowledged, far);
}

static bool fits(const struct ins_moved *moved, int side, const struct ins_segment *segment)
{
    int32_t own = ins_flow_distance(moved->next[side], segment->sequence);
    int32_t other = ins_flow_distance(moved->next[1 - side], segment->acknowledged);
    return own >= -FIT && own <= FIT && other >= -FIT && other <= FIT;
}

static void hold(struct ins_moved *moved, const struct ins_segment *segment)
{
    size_t size = sizeof(struct ins_moved_segment) + segment->payload.len;
    struct ins_moved_segment *copy = sl_alloc(size);
    copy->segment = *segment;
    copy->segment.payload = sl_span(copy->bytes, segment->payload.len);
    if (segment->payload.len > 0) {
        memcpy(copy->bytes, segment->payload.data, segment->payload.len);
    }
    moved->held[moved->held_count++] = copy;
    moved->bytes += size;
}

bool ins_moved_add(struct ins_moved *moved, int side, const struct ins_segment *segment,
                   uint64_t *dropped)
{
    if (moved->count > 0 && !fits(moved, side, segment)) {
        *dropped += ins_moved_clear(moved);
    }
    moved->next[side] = segment->sequence + segment->len;
    moved->next[1 - side] = segment->acknowledged;
    moved->count++;
    moved->sides |= 1U << side;
    bool is_proven = moved->sides == 3 || moved->count >= PROOF;
    bool has_data = segment->len > 0 || moved->held_count > 0;
    if (is_proven && has_data) {
        return true;
    }
    if (segment->len > 0) {
        hold(moved, segment); /* not proven: at most the second */
    }
    return false;
}

size_t ins_moved_clear(struct ins_moved *moved)
{
    size_t count = moved->held_count;
    for (size_t i = 0; i < count; i++) {
        sl_free(moved->held[i]);
    }
    *moved = (struct ins_moved){0};
    return count;
}
