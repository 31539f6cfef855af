/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_RING_H
#define INS_RING_H

/*
 * The files of a ring buffer that a capture program writes: which are there, which were read already,
 * which is next. A file is known by its device and inode; one that is written anew under the same name
 * is told by its beginning, and counts as a new one.
 *
 * Limits: INS_RING_FILES files at once; further ones are not seen (ins_ring_is_full).
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/status.h"

enum {
    INS_RING_FILES = 4096,
};

struct ins_ring;

/* operands: files, folders, globs; borrowed. SL_IO when one that is no glob is not there. */
SL_MUST_USE enum sl_status ins_ring_new(char *const *operands, int operand_count,
                                        struct ins_ring **ret_ring, struct sl_error *reterr_error);
void ins_ring_free(struct ins_ring *ring);

/* The file with bytes in it that was not read yet and was written to first, other than the one that
 * current (may be NULL) describes; borrowed until the next call. NULL: there is none. */
const char *ins_ring_next(struct ins_ring *ring, const struct stat *current);

/* The file at path, as info describes it, was read to its end. is_capture: false when it was none; it is
 * then not looked at again while it only grows. */
void ins_ring_done(struct ins_ring *ring, const char *path, const struct stat *info,
                   bool is_capture);

/* A capture that was done and has grown since, as the last ins_ring_next saw; borrowed until the next.
 * NULL: there is none. */
const char *ins_ring_late(const struct ins_ring *ring);

/* There were more files than it looks at. */
bool ins_ring_is_full(const struct ins_ring *ring);

#endif
