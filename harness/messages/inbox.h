/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_INBOX_H
#define HAR_INBOX_H

/*
 * Messages of any service, kept as bytes in the order they came (or go), for steps and checks that read
 * them as JSON.
 *
 * Ownership: owns copies.      Limits: HAR_INBOX_BYTES_MAX, HAR_INBOX_COUNT_MAX.
 */
#include <stdint.h>

#include "lib/base/buf.h"

enum {
    HAR_INBOX_BYTES_MAX = 64 * 1024 * 1024,
    HAR_INBOX_COUNT_MAX = 1000000,
};

struct har_inbox {
    struct sl_buf bytes;
    size_t *ends;
    uint32_t count, capacity;
};

void har_inbox_init(struct har_inbox *inbox);
void har_inbox_release(struct har_inbox *inbox);
/* SL_LIMIT when it is full; nothing is kept then. */
SL_MUST_USE enum sl_status har_inbox_add(struct har_inbox *inbox, struct sl_span message);
/* Borrowed until the next message is added; index below count. */
struct sl_span har_inbox_at(const struct har_inbox *inbox, uint32_t index);

#endif
