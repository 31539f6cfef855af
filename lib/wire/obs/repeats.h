/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_REPEATS_H
#define SL_OBS_REPEATS_H

/*
 * Header blocks that come again byte for byte, as those of most calls of one client do: their lists of fields are
 * shared and not decoded again.
 *
 * That is right as long as the dynamic table stays as it was: all is kept for one epoch of the decoder.
 *
 * Limits: SL_OBS_REPEATS blocks of at most SL_OBS_REPEAT_BLOCK bytes that decode to SL_OBS_REPEAT_LIST bytes and
 * SL_OBS_REPEAT_FIELDS fields; allocated when a block comes for the second time.
 */
#include "lib/wire/hpack.h"

enum {
    SL_OBS_REPEATS =
        4, /* a client's call, a server's beginning and end of one: with one to spare */
    SL_OBS_REPEAT_BLOCK = 256,
    SL_OBS_REPEAT_LIST = 1024,
    SL_OBS_REPEAT_FIELDS = 24,
    SL_OBS_REPEATS_SEEN = 8, /* hashes of blocks that were not kept, to know the second time */
};

struct sl_obs_repeat;

/* Zeroed: nothing is kept. */
struct sl_obs_repeats {
    uint64_t epoch;             /* of the decoder, which what is kept is right for */
    struct sl_obs_repeat *kept; /* SL_OBS_REPEATS, or NULL */
    unsigned next;              /* to be replaced */
    uint32_t seen[SL_OBS_REPEATS_SEEN];
    unsigned seen_next;
};

/* True when the block is kept: headers, which is released first, then shares its fields. epoch: the decoder's now. */
bool sl_obs_repeats_find(struct sl_obs_repeats *repeats, uint64_t epoch, struct sl_span block,
                         struct sl_headers *headers);

/* The block, which was not found, was decoded into headers, whole and with nothing unknown, and the epoch is still
 * the same: keeps it when it came before. */
void sl_obs_repeats_note(struct sl_obs_repeats *repeats, struct sl_span block,
                         struct sl_headers *headers);

void sl_obs_repeats_release(struct sl_obs_repeats *repeats);

#endif
