/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LINES_H
#define HAR_LINES_H

/* The line of a JSON path, which jansson does not keep. */
#include "lib/base/span.h"

/* The line (from 1) on which the value of path begins, or its key where is_key; 0 when the path is not
 * there. text must be valid JSON. Paths are "$", "$.run[3].do[1]"; a key stands in them as it is. */
size_t har_json_line(struct sl_span text, const char *path, bool is_key);

#endif
