/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EXCERPT_H
#define HAR_EXCERPT_H

/*
 * A text of unknown length of which the beginning and the end are kept: what a server writes during one play.
 *
 * Memory: HAR_EXCERPT_HEAD bytes of the beginning, HAR_EXCERPT_TAIL to twice as many of the end.
 */
#include "lib/base/buf.h"

enum {
    HAR_EXCERPT_HEAD = 64 * 1024,
    HAR_EXCERPT_TAIL = 192 * 1024,
};

struct har_excerpt {
    struct sl_buf head, tail;
    uint64_t lost; /* between the two */
};

void har_excerpt_init(struct har_excerpt *excerpt);
void har_excerpt_add(struct har_excerpt *excerpt, struct sl_span bytes);
/* Head, a line that says how much is missing where something is, tail. */
void har_excerpt_write(const struct har_excerpt *excerpt, struct sl_buf *out);
/* How many bytes har_excerpt_write leaves out. */
uint64_t har_excerpt_lost(const struct har_excerpt *excerpt);
void har_excerpt_release(struct har_excerpt *excerpt);

#endif
