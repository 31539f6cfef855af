/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_READ_FILE_H
#define HAR_READ_FILE_H

/* Small files of a user, read whole. */
#include "lib/base/status.h"

/* All of a file of at most max bytes, with a NUL behind them; NULL with the reason. Yours to sl_free. */
char *har_read_file(const char *path, size_t max, size_t *ret_len, struct sl_error *reterr_error);

#endif
