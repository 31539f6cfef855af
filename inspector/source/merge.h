/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_MERGE_H
#define INS_MERGE_H

/*
 * Several captures as one sequence of packets in the order of their times. Within one capture the
 * order stays as it is, whatever its clock does; a packet without time follows the one before it.
 */
#include "inspector/source/source.h"

enum {
    INS_MERGE_MAX = 128, /* captures read at once; each costs INS_INPUT_WINDOW */
};

/* name is the capture's, damage->packet counts in it. */
typedef void ins_damage_fn(void *owner, const char *name, const struct ins_damage *damage);

struct ins_merge;

/* on_damage is kept. */
struct ins_merge *ins_merge_new(ins_damage_fn *on_damage, void *owner);
void ins_merge_free(struct ins_merge *merge);

/* Takes source, borrows name until the merge is freed. SL_LIMIT past INS_MERGE_MAX. */
SL_MUST_USE enum sl_status ins_merge_add(struct ins_merge *merge, const char *name,
                                         struct ins_source *source);

/* The next packet, numbered over all captures; false at the end of all. */
bool ins_merge_next(struct ins_merge *merge, struct ins_packet *ret_packet);

/* The name of a capture that was damaged before its first packet, or NULL. */
const char *ins_merge_unread(const struct ins_merge *merge);

#endif
