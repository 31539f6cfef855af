/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/guard.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/wire/h2_frame.h"

enum {
    TOKEN = 1000,           /* in the unit of a bucket */
    TINY_BYTES = 5,         /* DATA shorter than the prefix of a message */
    PRIORITY_UPDATE = 0x10, /* RFC 9218 7.1 */
};

struct rate {
    uint32_t burst;
    uint32_t each_second;
    uint32_t credit;
    const char *text;
};

static const struct rate rates[] = {
#define X(name, burst, rate, credit, text) {(burst), (rate), (credit), (text)},
    SRV_H2_FLOODS(X)
#undef X
};

void srv_h2_guard_init(struct srv_h2_guard *guard, uint64_t now_ns, uint64_t head_time_ns)
{
    *guard = (struct srv_h2_guard){.head_time_ns = head_time_ns,
                                   .due_ns = now_ns + head_time_ns,
                                   .preface_left = SL_H2_PREFACE_SIZE};
    for (size_t i = 0; i < SRV_H2_FLOOD_COUNT; i++) {
        guard->buckets[i] =
            (struct srv_h2_bucket){.at_ns = now_ns, .left = (uint64_t)rates[i].burst * TOKEN};
    }
}

static void refill(struct srv_h2_bucket *bucket, const struct rate *rate, uint64_t now_ns)
{
    uint64_t full = (uint64_t)rate->burst * TOKEN;
    uint64_t each = SL_SECOND / ((uint64_t)rate->each_second * TOKEN); /* ns of a thousandth */
    uint64_t parts = now_ns > bucket->at_ns ? (now_ns - bucket->at_ns) / each : 0;
    if (parts >= full - bucket->left) {
        bucket->left = full;
        bucket->at_ns = now_ns;
    } else {
        bucket->left += parts;
        bucket->at_ns += parts * each; /* what is less than a thousandth is kept */
    }
}

const char *srv_h2_guard_spend(struct srv_h2_guard *guard, enum srv_h2_flood flood, uint64_t now_ns)
{
    struct srv_h2_bucket *bucket = &guard->buckets[flood];
    if (guard->is_unlimited[flood]) {
        return NULL;
    }
    if (bucket->left < TOKEN) {
        refill(bucket, &rates[flood], now_ns);
        if (bucket->left < TOKEN) {
            return rates[flood].text;
        }
    }
    bucket->left -= TOKEN;
    return NULL;
}

void srv_h2_guard_sent_data(struct srv_h2_guard *guard)
{
    static const enum srv_h2_flood paid[] = {SRV_H2_FLOOD_UPDATES, SRV_H2_FLOOD_PINGS};
    for (size_t i = 0; i < sizeof(paid) / sizeof(paid[0]); i++) {
        struct srv_h2_bucket *bucket = &guard->buckets[paid[i]];
        uint64_t full = (uint64_t)rates[paid[i]].burst * TOKEN;
        uint64_t more = bucket->left + (uint64_t)rates[paid[i]].credit * TOKEN;
        bucket->left = more < full ? more : full;
    }
}

/* A frame of a header block. */
static const char *judge_block(struct srv_h2_guard *guard, const struct sl_h2_frame_header *header,
                               uint64_t now_ns)
{
    if (header->type == SL_H2_HEADERS) {
        guard->block_bytes = 0;
        guard->continuations = 0;
        guard->due_ns = now_ns + guard->head_time_ns;
    } else if (++guard->continuations > SRV_H2_CONTINUATIONS_MAX) {
        return "too_many_continuations";
    }
    guard->block_bytes +=
        header->length < SRV_H2_BLOCK_BYTES_MAX ? header->length : SRV_H2_BLOCK_BYTES_MAX + 1;
    if (guard->block_bytes > SRV_H2_BLOCK_BYTES_MAX) {
        return "header_block_too_large";
    }
    guard->ends_block = (header->flags & SL_H2_FLAG_END_HEADERS) != 0;
    return NULL;
}

static const char *judge_data(struct srv_h2_guard *guard, const struct sl_h2_frame_header *header,
                              uint64_t now_ns)
{
    if ((header->flags & SL_H2_FLAG_END_STREAM) != 0 || header->length >= TINY_BYTES) {
        return NULL;
    }
    return srv_h2_guard_spend(guard, header->length == 0 ? SRV_H2_FLOOD_EMPTY : SRV_H2_FLOOD_TINY,
                              now_ns);
}

static const char *judge(struct srv_h2_guard *guard, const struct sl_h2_frame_header *header,
                         uint64_t now_ns)
{
    bool is_ack = (header->flags & SL_H2_FLAG_ACK) != 0;
    switch (header->type) {
    case SL_H2_DATA:
        return judge_data(guard, header, now_ns);
    case SL_H2_HEADERS:
    case SL_H2_CONTINUATION:
        return judge_block(guard, header, now_ns);
    case SL_H2_RST_STREAM:
        return NULL; /* what it ends decides */
    case SL_H2_SETTINGS:
        guard->is_greeting = !guard->is_greeted && !is_ack;
        return srv_h2_guard_spend(guard, is_ack ? SRV_H2_FLOOD_OTHERS : SRV_H2_FLOOD_SETTINGS,
                                  now_ns);
    case SL_H2_PING:
        return srv_h2_guard_spend(guard, is_ack ? SRV_H2_FLOOD_OTHERS : SRV_H2_FLOOD_PINGS, now_ns);
    case SL_H2_WINDOW_UPDATE:
        return srv_h2_guard_spend(guard, SRV_H2_FLOOD_UPDATES, now_ns);
    case SL_H2_PRIORITY:
    case PRIORITY_UPDATE:
        return srv_h2_guard_spend(guard, SRV_H2_FLOOD_PRIORITIES, now_ns);
    default:
        return srv_h2_guard_spend(guard, SRV_H2_FLOOD_OTHERS, now_ns);
    }
}

/* The last byte of a frame has come. */
static void pass_end(struct srv_h2_guard *guard)
{
    if (guard->is_greeting) {
        guard->is_greeted = true;
    }
    if (guard->is_greeting || guard->ends_block) {
        guard->due_ns = UINT64_MAX;
    }
    guard->is_greeting = false;
    guard->ends_block = false;
    guard->head_len = 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

const char *srv_h2_guard_feed(struct srv_h2_guard *guard, struct sl_span bytes, uint64_t now_ns,
                              size_t *ret_good)
{
    size_t at = smaller(bytes.len, guard->preface_left);
    guard->preface_left -= (uint32_t)at;
    while (at < bytes.len) {
        if (guard->head_len < SL_H2_FRAME_HEADER_SIZE) {
            size_t take =
                smaller(bytes.len - at, (size_t)SL_H2_FRAME_HEADER_SIZE - guard->head_len);
            struct sl_h2_frame_header header;
            memcpy(guard->head + guard->head_len, bytes.data + at, take);
            guard->head_len = (uint8_t)(guard->head_len + take);
            if (sl_h2_frame_header_read(sl_span(guard->head, guard->head_len), &header) != SL_OK) {
                break;
            }
            const char *why = judge(guard, &header, now_ns);
            if (why != NULL) {
                *ret_good = at;
                return why;
            }
            at += take;
            guard->payload_left = header.length;
        }
        size_t pass = smaller(bytes.len - at, guard->payload_left);
        at += pass;
        guard->payload_left -= (uint32_t)pass;
        if (guard->payload_left == 0) {
            pass_end(guard);
        }
    }
    *ret_good = bytes.len;
    return NULL;
}
