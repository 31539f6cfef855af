/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/dedup.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "reference-server/chat/siphash.h"

enum {
    BUCKETS = 2 * SRV_DEDUP_WINDOW, /* a power of two */
};

struct srv_dedup_entry {
    struct srv_siphash hash;
    uint64_t until_ns;
    uint32_t next; /* in its bucket: index + 1; 0: the last */
};

void srv_dedup_init(struct srv_dedup *dedup, const uint8_t key[SRV_DEDUP_KEY])
{
    *dedup = (struct srv_dedup){0};
    memcpy(dedup->key, key, SRV_DEDUP_KEY);
    dedup->entries = sl_calloc(SRV_DEDUP_WINDOW, sizeof(dedup->entries[0]));
    dedup->buckets = sl_calloc(BUCKETS, sizeof(dedup->buckets[0]));
    /* Touched now: what a client sends later is not to show as growth. */
    memset(dedup->entries, 0xff, SRV_DEDUP_WINDOW * sizeof(dedup->entries[0]));
}

void srv_dedup_release(struct srv_dedup *dedup)
{
    sl_free(dedup->entries);
    sl_free(dedup->buckets);
    *dedup = (struct srv_dedup){0};
}

static uint32_t *bucket_of(struct srv_dedup *dedup, struct srv_siphash hash)
{
    return &dedup->buckets[hash.low & (BUCKETS - 1)];
}

static void forget_oldest(struct srv_dedup *dedup)
{
    struct srv_dedup_entry *oldest = &dedup->entries[dedup->first];
    uint32_t *link = bucket_of(dedup, oldest->hash);
    while (*link != dedup->first + 1) {
        link = &dedup->entries[*link - 1].next;
    }
    *link = oldest->next;
    dedup->first = (dedup->first + 1) % SRV_DEDUP_WINDOW;
    dedup->count--;
}

static void remember(struct srv_dedup *dedup, struct srv_siphash hash, uint64_t now_ns)
{
    if (dedup->count == SRV_DEDUP_WINDOW) {
        forget_oldest(dedup);
    }
    uint32_t index = (dedup->first + dedup->count) % SRV_DEDUP_WINDOW;
    uint32_t *bucket = bucket_of(dedup, hash);
    dedup->entries[index] =
        (struct srv_dedup_entry){.hash = hash, .until_ns = now_ns + SRV_DEDUP_NS, .next = *bucket};
    *bucket = index + 1;
    dedup->count++;
}

bool srv_dedup_seen(struct srv_dedup *dedup, struct sl_span room_id, struct sl_span message_id,
                    uint64_t now_ns)
{
    while (dedup->count > 0 && dedup->entries[dedup->first].until_ns <= now_ns) {
        forget_oldest(dedup);
    }
    struct srv_siphash hash = srv_siphash_pair(dedup->key, room_id, message_id);
    for (uint32_t at = *bucket_of(dedup, hash); at != 0; at = dedup->entries[at - 1].next) {
        const struct srv_siphash *other = &dedup->entries[at - 1].hash;
        if (other->low == hash.low && other->high == hash.high) {
            return true;
        }
    }
    remember(dedup, hash, now_ns);
    return false;
}
