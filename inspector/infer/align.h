/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_ALIGN_H
#define INS_ALIGN_H

/*
 * After a gap in the middle of a connection: where the HPACK table of one direction stands.
 *
 * The entries from before the gap are most likely still there, behind as many new ones as the sender has
 * inserted unseen. That number is found by what blocks must look like: each number gives the lost fields
 * of all blocks since the gap other names and values, and only the right one keeps making header blocks
 * of gRPC, with each pseudo-header field once and first, a content-type of gRPC, one grpc-status in
 * trailers, and no field twice that may stand once.
 *
 * It is believed when it explains enough fields, and twice as many as any other number that makes sense;
 * a block that contradicts it rules it out for good.
 */
#include "lib/wire/observer.h"

enum {
    INS_ALIGN_INSERTED_MAX = 63, /* more entries than that in a gap are not looked for */
};

struct ins_align {
    uint64_t gaps;     /* of the decoder; what follows is since the last one */
    uint64_t possible; /* bit n: n entries were inserted unseen */
    uint32_t evidence[INS_ALIGN_INSERTED_MAX + 1]; /* fields that made sense so, by n */
};

/* Looks at a block with lost fields, and where the place is known adds what they are (SL_FIELD_ORDER). */
void ins_align_block(struct ins_align *align, const struct sl_hpack_decoder *decoder,
                     enum sl_dir dir, bool is_last, struct sl_headers *headers);

#endif
