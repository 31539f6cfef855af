/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_MERGE_H
#define INS_MERGE_H

/*
 * Several captures as one sequence of packets in the order of their times. Within one capture the
 * order stays as it is, whatever its clock does; a packet without time follows the one before it.
 * Captures that begin alike come in the order in which they were added.
 *
 * Files that lie one behind the other in time, as those of a ring, are not open at once: each is looked
 * into for its first packet, closed, and opened again when its turn comes.
 *
 * Limits: INS_MERGE_MAX captures, of which INS_MERGE_OPEN_MAX may overlap in time; those take
 * INS_MERGE_MEMORY together. One that does not fit is told as damage.
 */
#include "inspector/source/intake.h"

enum {
    INS_MERGE_MAX = 4096,
    INS_MERGE_OPEN_MAX = 32,
    INS_MERGE_KEPT_OPEN = 8, /* that stay open whether they overlap or not */
    INS_MERGE_MEMORY = 20 * 1024 * 1024,
};

/* Borrows handler. */
struct ins_intake *ins_merge_new(const struct ins_intake_handler *handler);

/* Takes source, borrows name until the merge is freed. SL_LIMIT past INS_MERGE_MAX. */
SL_MUST_USE enum sl_status ins_merge_add(struct ins_intake *merge, const char *name,
                                         struct ins_source *source);

/* The capture at path ("-" is stdin), which is borrowed. SL_IO or SL_MALFORMED when it cannot be opened
 * or is no capture. */
SL_MUST_USE enum sl_status ins_merge_add_path(struct ins_intake *merge, const char *path,
                                              struct sl_error *reterr_error);

#endif
