/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FAILURE_PARTS_H
#define HAR_FAILURE_PARTS_H

/* Pieces of a README.md of evidence. */
#include "harness/story/story.h"
#include "lib/base/buf.h"

/* A line of an indented block; of the text what is no plain character is shown as \xNN. */
void har_readme_line(struct sl_buf *out, const char *label, const char *format, ...)
    SL_PRINTF(3, 4);
/* An id or a name within a paragraph, as code. */
void har_readme_word(struct sl_buf *out, const char *text);
/* Commands as they are, as a block; empties lines. */
void har_readme_fenced(struct sl_buf *out, struct sl_buf *lines);
/* What happened: actors, faults and whom they hit. */
void har_readme_story(struct sl_buf *out, const struct har_story *story);

#endif
