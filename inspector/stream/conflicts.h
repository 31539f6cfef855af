/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_CONFLICTS_H
#define INS_CONFLICTS_H

/*
 * Where bytes of one side of a TCP connection came again with other ones, so that the calls in whose time
 * that was can tell it.
 *
 * Limits: INS_CONFLICTS_KEPT packets; of earlier ones only the range is known, all of which counts then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INS_CONFLICTS_KEPT = 16,
};

struct ins_conflicts;

/* *conflicts is NULL before the first. packet: the one whose bytes were taken. */
void ins_conflicts_add(struct ins_conflicts **conflicts, uint64_t packet);
void ins_conflicts_free(struct ins_conflicts *conflicts);

/* True when there was one from packet first to packet last. conflicts may be NULL. */
bool ins_conflicts_hit(const struct ins_conflicts *conflicts, uint64_t first, uint64_t last);

#endif
