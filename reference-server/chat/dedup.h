/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_DEDUP_H
#define SRV_DEDUP_H

/*
 * The recent window of SEND-09: which pairs of room_id and message_id were accepted lately.
 *
 * It holds the last SRV_DEDUP_WINDOW of them, each for SRV_DEDUP_NS at most. A pair is remembered by a keyed
 * 128-bit hash, so that an entry has one size whatever a client sends, and nobody without the key can make two
 * pairs look the same. All memory is taken at the start: what comes later makes it neither grow nor shrink.
 *
 * Threads: one at a time. The time is passed in.
 */
#include <stdbool.h>

#include "lib/base/span.h"

enum {
    SRV_DEDUP_WINDOW = 16384,
    SRV_DEDUP_KEY = 16, /* bytes */
};

/* Longer than clients go on to retry, shorter than an id that a user has a reason to send again. */
#define SRV_DEDUP_NS (UINT64_C(300) * 1000 * 1000 * 1000)

struct srv_dedup_entry;

struct srv_dedup {
    uint8_t key[SRV_DEDUP_KEY];
    struct srv_dedup_entry *entries; /* a ring, oldest at first */
    uint32_t *buckets;               /* index of an entry + 1; 0: none */
    uint32_t first, count;
};

/* key should be random. */
void srv_dedup_init(struct srv_dedup *dedup, const uint8_t key[SRV_DEDUP_KEY]);
void srv_dedup_release(struct srv_dedup *dedup);

/* True when the pair is in the window; else it is put there. */
bool srv_dedup_seen(struct srv_dedup *dedup, struct sl_span room_id, struct sl_span message_id,
                    uint64_t now_ns);

#endif
