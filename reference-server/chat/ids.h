/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_IDS_H
#define SRV_IDS_H

/*
 * Ids that are unique in this process and, by its random part, among processes (SEND-07, SEND-08).
 *
 * Threads: one at a time.
 */
#include <stdint.h>

enum {
    SRV_ID_MAX = 33, /* 32 hex digits and a NUL */
};

struct srv_ids {
    uint64_t random; /* chosen at the start */
    uint64_t next;
};

/* The next id into out; returns out. */
const char *srv_ids_next(struct srv_ids *ids, char out[SRV_ID_MAX]);

#endif
