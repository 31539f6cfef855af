/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RECORDS_H
#define HAR_RECORDS_H

/* What each actor of a play sent and received, one JSON object a line. */
#include "harness/engine/play.h"

/* Writes all into fd, which is closed in any case; 0, or an errno. */
int har_records_write(const struct har_play *play, int fd);

#endif
