/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/lane.h"

#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    CHUNK_MIN = 2048, /* small pushes that are due at once share a chunk */
    BURST_PART = 50,  /* bandwidth comes in portions of a fiftieth of a second */
};

struct har_lane_chunk {
    struct har_lane_chunk *next;
    uint64_t due_ns;
    size_t begin, len, capacity;
    uint8_t bytes[];
};

void har_lane_init(struct har_lane *lane, uint64_t seed, uint64_t number)
{
    *lane = (struct har_lane){0};
    sl_rng_init(&lane->rng, seed, number);
}

static void drop_head(struct har_lane *lane)
{
    struct har_lane_chunk *chunk = lane->head;
    lane->head = chunk->next;
    lane->tail = lane->head == NULL ? NULL : lane->tail;
    lane->queued -= sizeof(*chunk) + chunk->capacity;
    sl_free(chunk);
}

void har_lane_discard(struct har_lane *lane)
{
    while (lane->head != NULL) {
        drop_head(lane);
    }
}

void har_lane_release(struct har_lane *lane)
{
    har_lane_discard(lane);
}

void har_lane_shape(struct har_lane *lane, const struct har_shape *shape, uint64_t now_ns)
{
    if (lane->shape.bandwidth != shape->bandwidth) {
        lane->tokens = 0;
        lane->tokens_ns = now_ns;
    }
    lane->shape = *shape;
}

/* When what is pushed now is due; never before what was pushed earlier. */
static uint64_t due(struct har_lane *lane, uint64_t extra_ns, uint64_t now_ns)
{
    uint64_t jitter_ns = sl_rng_below(&lane->rng, lane->shape.jitter_ns);
    uint64_t due_ns = now_ns + lane->shape.latency_ns + jitter_ns + extra_ns;
    lane->last_due_ns = due_ns > lane->last_due_ns ? due_ns : lane->last_due_ns;
    return lane->last_due_ns;
}

static void append(struct har_lane_chunk *chunk, struct sl_span bytes)
{
    memcpy(chunk->bytes + chunk->begin + chunk->len, bytes.data, bytes.len);
    chunk->len += bytes.len;
}

void har_lane_push(struct har_lane *lane, struct sl_span bytes, uint64_t extra_ns, uint64_t now_ns)
{
    if (lane->end != HAR_LANE_OPEN || bytes.len == 0) {
        return;
    }
    uint64_t due_ns = due(lane, extra_ns, now_ns);
    struct har_lane_chunk *tail = lane->tail;
    bool is_same = tail != NULL && (due_ns == tail->due_ns || due_ns <= now_ns);
    if (is_same && tail->capacity - tail->begin - tail->len >= bytes.len) {
        append(tail, bytes);
        return;
    }
    size_t capacity = bytes.len < CHUNK_MIN ? CHUNK_MIN : bytes.len;
    if (due_ns > now_ns) { /* the next one is due later: nothing to share */
        capacity = bytes.len;
    }
    struct har_lane_chunk *chunk = sl_alloc(sizeof(*chunk) + capacity);
    chunk->due_ns = due_ns;
    chunk->capacity = capacity;
    append(chunk, bytes);
    lane->queued += sizeof(*chunk) + capacity;
    if (tail == NULL) {
        lane->head = chunk;
    } else {
        tail->next = chunk;
    }
    lane->tail = chunk;
}

void har_lane_finish(struct har_lane *lane, enum har_lane_end end, uint64_t now_ns)
{
    if (lane->end == HAR_LANE_OPEN) {
        lane->end = end;
        lane->end_due_ns = due(lane, 0, now_ns);
    }
}

size_t har_lane_room(const struct har_lane *lane)
{
    bool is_delayed = lane->shape.latency_ns > 0 || lane->shape.jitter_ns > 0;
    size_t max = is_delayed ? HAR_LANE_DELAYED_MAX : HAR_LANE_MAX;
    return lane->end != HAR_LANE_OPEN || lane->queued >= max ? 0 : max - lane->queued;
}

/* How many of wanted bytes the bandwidth allows; 0: not before *ret_wake_ns. */
static size_t allowed(struct har_lane *lane, size_t wanted, uint64_t now_ns, uint64_t *ret_wake_ns)
{
    double rate = (double)lane->shape.bandwidth;
    double burst = rate / BURST_PART < 1 ? 1 : rate / BURST_PART;
    lane->tokens += (double)(now_ns - lane->tokens_ns) * rate / 1e9;
    lane->tokens = lane->tokens > burst ? burst : lane->tokens;
    lane->tokens_ns = now_ns;
    double enough = (double)wanted < burst ? (double)wanted : burst;
    if (lane->tokens + 1e-6 < enough) {
        *ret_wake_ns = now_ns + 1 + (uint64_t)((enough - lane->tokens) / rate * 1e9);
        return 0;
    }
    size_t tokens = (size_t)(lane->tokens + 1e-6);
    return wanted < tokens ? wanted : tokens;
}

static enum har_lane_next peek_end(struct har_lane *lane, uint64_t now_ns, uint64_t *ret_wake_ns)
{
    if (lane->end == HAR_LANE_OPEN || lane->is_end_told) {
        return HAR_LANE_IDLE;
    }
    if (lane->end == HAR_LANE_CUT_RST && lane->passed > 0 && !lane->has_grace) {
        lane->has_grace = true;
        lane->end_due_ns = now_ns + HAR_LANE_GRACE_NS;
    }
    if (lane->end_due_ns > now_ns) {
        *ret_wake_ns = lane->end_due_ns;
        return HAR_LANE_WAIT;
    }
    if (lane->has_lost && lane->end == HAR_LANE_FIN) {
        lane->end = HAR_LANE_RST; /* an orderly end would hide the hole */
    }
    lane->is_end_told = true;
    return HAR_LANE_ENDS;
}

enum har_lane_next har_lane_peek(struct har_lane *lane, uint64_t now_ns, struct sl_span *ret_bytes,
                                 uint64_t *ret_wake_ns)
{
    const struct har_shape *shape = &lane->shape;
    bool is_cut = lane->end == HAR_LANE_CUT_FIN || lane->end == HAR_LANE_CUT_RST;
    if (shape->is_swallowing || lane->has_lost) {
        lane->has_lost |= lane->head != NULL;
        har_lane_discard(lane);
    }
    if (shape->is_stalled || (shape->is_swallowing && !is_cut)) {
        return HAR_LANE_IDLE;
    }
    struct har_lane_chunk *chunk = lane->head;
    if (chunk == NULL) {
        return peek_end(lane, now_ns, ret_wake_ns);
    }
    if (chunk->due_ns > now_ns) {
        *ret_wake_ns = chunk->due_ns;
        return HAR_LANE_WAIT;
    }
    size_t len = shape->slice > 0 && chunk->len > shape->slice ? shape->slice : chunk->len;
    if (shape->bandwidth > 0) {
        len = allowed(lane, len, now_ns, ret_wake_ns);
    }
    *ret_bytes = sl_span(chunk->bytes + chunk->begin, len);
    return len == 0 ? HAR_LANE_WAIT : HAR_LANE_WRITE;
}

void har_lane_take(struct har_lane *lane, size_t count)
{
    struct har_lane_chunk *chunk = lane->head;
    chunk->begin += count;
    chunk->len -= count;
    lane->passed += count;
    if (lane->shape.bandwidth > 0) {
        lane->tokens -= (double)count;
    }
    if (chunk->len == 0) {
        drop_head(lane);
    }
}
