/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/obs/repeats.h"

#include "lib/base/alloc.h"

struct sl_obs_repeat {
    uint32_t len; /* 0: none */
    uint8_t block[SL_OBS_REPEAT_BLOCK];
    struct sl_headers headers;
};

/* Not for secrets: what it finds is compared. */
static uint32_t hash_of(struct sl_span block)
{
    uint64_t hash = block.len;
    size_t i = 0;
    for (; i + 8 <= block.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, block.data + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    for (; i < block.len; i++) {
        hash = (hash ^ block.data[i]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return (uint32_t)(hash >> 32);
}

bool sl_obs_repeats_find(struct sl_obs_repeats *repeats, uint64_t epoch, struct sl_span block,
                         struct sl_headers *headers)
{
    if (repeats->epoch != epoch) {
        sl_obs_repeats_release(repeats);
        repeats->epoch = epoch;
    }
    if (repeats->kept == NULL || block.len > SL_OBS_REPEAT_BLOCK) {
        return false;
    }
    for (unsigned i = 0; i < SL_OBS_REPEATS; i++) {
        struct sl_obs_repeat *kept = &repeats->kept[i];
        if (kept->len == block.len && block.len > 0 &&
            memcmp(kept->block, block.data, block.len) == 0) {
            sl_headers_share(headers, &kept->headers);
            return true;
        }
    }
    return false;
}

/* True when a block of this hash came before; it is remembered otherwise. */
static bool was_seen(struct sl_obs_repeats *repeats, uint32_t hash)
{
    for (unsigned i = 0; i < SL_OBS_REPEATS_SEEN; i++) {
        if (repeats->seen[i] == hash) {
            return true;
        }
    }
    repeats->seen[repeats->seen_next] = hash;
    repeats->seen_next = (repeats->seen_next + 1) % SL_OBS_REPEATS_SEEN;
    return false;
}

void sl_obs_repeats_note(struct sl_obs_repeats *repeats, struct sl_span block,
                         struct sl_headers *headers)
{
    if (block.len == 0 || block.len > SL_OBS_REPEAT_BLOCK ||
        headers->bytes.len > SL_OBS_REPEAT_LIST || headers->count > SL_OBS_REPEAT_FIELDS ||
        !was_seen(repeats, hash_of(block))) {
        return;
    }
    if (repeats->kept == NULL) {
        repeats->kept = sl_calloc(SL_OBS_REPEATS, sizeof(repeats->kept[0]));
    }
    struct sl_obs_repeat *kept = &repeats->kept[repeats->next];
    repeats->next = (repeats->next + 1) % SL_OBS_REPEATS;
    kept->len = (uint32_t)block.len;
    memcpy(kept->block, block.data, block.len);
    sl_headers_share(&kept->headers, headers);
}

void sl_obs_repeats_release(struct sl_obs_repeats *repeats)
{
    for (unsigned i = 0; repeats->kept != NULL && i < SL_OBS_REPEATS; i++) {
        sl_headers_release(&repeats->kept[i].headers);
    }
    sl_free(repeats->kept);
    *repeats = (struct sl_obs_repeats){0};
}
