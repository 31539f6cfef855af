/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CHAIN_H
#define INS_CHAIN_H

/*
 * The layers (stream.h) of each TCP connection: begins them as sniffing tells, and passes events up.
 *
 * Once a layer is decided an event costs one indirect call from here to it.
 *
 * Limits: INS_CHAINS_HOLD bytes held back in all for streams that are not decided yet. INS_CHAINS_WAITING connections
 * that are over are kept for layers that wait; then the one that is over longest is ended.
 */
#include "inspector/net/tcp.h"
#include "inspector/stream/stream.h"

enum {
    INS_CHAINS_HOLD = 8 * 1024 * 1024,
    INS_CHAINS_WAITING = 2048,
};

struct ins_chains;

/* Keeps a copy of tools. */
struct ins_chains *ins_chains_new(const struct ins_stream_tools *tools);
/* After ins_tcp_finish: every connection has ended. */
void ins_chains_free(struct ins_chains *chains);

/* Ends connections that are over but were kept, for a layer of them waited: those that wait no more, or all. */
void ins_chains_sweep(struct ins_chains *chains, bool is_all);
/* Ends those that have waited longest until sl_alloc_used() is no more than memory. */
void ins_chains_make_room(struct ins_chains *chains, size_t memory);

/* For ins_tcp_new, with the chains as owner. */
const struct ins_tcp_handler *ins_chains_tcp_handler(void);

#endif
