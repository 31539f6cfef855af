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
 * It is believed when it explains enough fields, of three names at least, and twice as many as any other
 * number that makes sense. Only fields whose names HTTP/2 and gRPC define count, each with a value of its
 * grammar. What a sender inserts with each call (:path, grpc-timeout, an id of its user) stands in the table
 * again and again, so that two names fit one call further as well. Fields of free names (metadata of users)
 * cannot contradict anything; they are added only once those of four names have been explained.
 *
 * A block that contradicts a number rules it out for good. Where that was the believed one, or another
 * comes up beside it, no number is believed any more until the next gap. A block that is wrong by its
 * decoded fields alone (a field twice) says nothing about the number, and nothing is added to it.
 */
#include "lib/wire/observer.h"

enum {
    INS_ALIGN_INSERTED_MAX = 63, /* more entries than that in a gap are not looked for */
    INS_ALIGN_NONE = -1,
};

struct ins_align {
    uint64_t gaps;     /* of the decoder; what follows is since the last one */
    uint64_t possible; /* bit n: n entries were inserted unseen */
    int accepted;      /* the n that is believed, or INS_ALIGN_NONE */
    uint32_t evidence[INS_ALIGN_INSERTED_MAX + 1]; /* fields that made sense so, by n */
    uint32_t names[INS_ALIGN_INSERTED_MAX + 1];    /* which, a bit each */
};

/* Looks at a block with lost fields, and where the place is known adds what they are (SL_FIELD_ORDER). */
void ins_align_block(struct ins_align *align, const struct sl_hpack_decoder *decoder,
                     enum sl_dir dir, bool is_last, struct sl_headers *headers);

#endif
