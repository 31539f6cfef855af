/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_WRITE_FILE_H
#define HAR_WRITE_FILE_H

/* A report into its file. */
#include "lib/base/span.h"

/* Writes path anew; false when not all of bytes is there. */
bool har_write_file(const char *path, struct sl_span bytes);

#endif
