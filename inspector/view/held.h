/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_HELD_H
#define INS_HELD_H

/*
 * Records of calls of which it is not known yet whether they are selected: they wait until that is
 * decided, at the latest when the call ends, and go out then or never.
 *
 * Limits: INS_HELD_CALL_MAX bytes of a call, INS_HELD_MAX of all. What does not fit is left out and
 * counted (lines->unheld).
 */
#include "inspector/output/lines.h"
#include "inspector/view/view.h"

enum {
    INS_HELD_CALL_MAX = 1024 * 1024,
    INS_HELD_MAX = 4 * 1024 * 1024,
};

/* Ends a record, begun by ins_lines_begin, that belongs to call (which may be NULL). */
void ins_held_end(struct ins_lines *lines, struct ins_call *call);

/* is_selected and is_decided of call have changed, or it ends: lets go what waits. */
void ins_held_settle(struct ins_call *call);

#endif
