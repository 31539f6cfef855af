/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_WRITE_FILE_H
#define HAR_WRITE_FILE_H

/* A report into its file. */
#include "lib/base/span.h"
#include "lib/base/status.h"

/*
 * Writes path anew. A plain file is there whole or not at all: it takes its place only when all bytes are on it, and
 * after an error neither a part of it is left nor an older report that could be taken for it. A device or pipe
 * is written as it is, and no other file is touched. SL_IO with the path and the reason.
 */
SL_MUST_USE enum sl_status har_write_file(const char *path, struct sl_span bytes,
                                          struct sl_error *reterr_error);

/* What of the path already says that it cannot be written, before hours are spent on the report: its folder is not there, or
 * it is a folder itself. NULL: nothing. */
const char *har_file_obstacle(const char *path);

#endif
