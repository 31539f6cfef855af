/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_LOOP_H
#define SRV_H2_LOOP_H

/* Sizes of the buffers that all connections share in turn. */
#include "reference-server/frontend/h2/internal.h"

enum {
    /* Bytes of a connection that are read in one turn. Few, so that the first answers are on their way while the rest of
     * a burst waits: a client with many calls on one connection then works at the same time as the server. */
    SRV_H2_INPUT = 8 * 1024,
    SRV_H2_GATHER = 64 * 1024, /* bytes after which one write is made of what was gathered ... */
    SRV_H2_GATHER_MAX = SRV_H2_GATHER + 128 * 1024, /* ... which the last block exceeds */
    SRV_H2_CIPHER = SRV_H2_GATHER_MAX + 64 * 1024,
};

/* The time of this turn is what the clock says now. */
void srv_h2_update_time(struct srv_h2 *h2);

#endif
