/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_INBOX_H
#define HAR_INBOX_H

/*
 * Messages of any service, kept as bytes in the order they came (or go), for steps and checks that read
 * them as JSON.
 *
 * Ownership: owns copies.      Limits: HAR_INBOX_BYTES_MAX, HAR_INBOX_COUNT_MAX; and of all that count in
 * one sum HAR_INBOXES_BYTES_MAX, so that many streams of one server swell no more than a few.
 */
#include <stdint.h>

#include "lib/base/buf.h"

enum {
    HAR_INBOX_BYTES_MAX = 64 * 1024 * 1024,
    HAR_INBOX_COUNT_MAX = 1000000,
    HAR_INBOXES_BYTES_MAX = 512 * 1024 * 1024,
};

struct har_inbox {
    struct sl_buf bytes;
    size_t *ends;
    uint32_t count, capacity;
    uint64_t *sum; /* bytes of all of them; NULL: not counted */
};

/* sum (kept) may be NULL. */
void har_inbox_init(struct har_inbox *inbox, uint64_t *sum);
void har_inbox_release(struct har_inbox *inbox);
/* SL_LIMIT when it is full; nothing is kept then. */
SL_MUST_USE enum sl_status har_inbox_add(struct har_inbox *inbox, struct sl_span message);
/* Borrowed until the next message is added; index below count. */
struct sl_span har_inbox_at(const struct har_inbox *inbox, uint32_t index);

#endif
