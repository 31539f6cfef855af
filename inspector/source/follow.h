/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_FOLLOW_H
#define INS_FOLLOW_H

/*
 * Captures that are still being written, as one sequence of packets: `tail -f` for a file, or for the
 * ring of files of tcpdump -C/-G/-W and dumpcap -b.
 *
 * Each operand is a file, a folder (all files in it) or a glob. Files are read one after the other, the
 * one that was written to first before the others. Where a file ends, reading waits for more of it,
 * until a file that was not read yet appears; a file that a ring writes anew counts as one. A packet
 * that is not written whole is waited for too, and damage only once the next file has begun.
 *
 * It looks for new bytes ten times a second and for new files four times, on every file system.
 * Limits: those of ring.h.
 */
#include "inspector/source/intake.h"

/* Borrows handler and operands. SL_IO when an operand that is no glob is not there. */
SL_MUST_USE enum sl_status ins_follow_new(const struct ins_intake_handler *handler,
                                          char *const *operands, int operand_count,
                                          struct ins_intake **ret_follow,
                                          struct sl_error *reterr_error);

#endif
