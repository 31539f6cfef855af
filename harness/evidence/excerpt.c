/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/excerpt.h"

void har_excerpt_init(struct har_excerpt *excerpt)
{
    *excerpt = (struct har_excerpt){0};
    sl_buf_init(&excerpt->head, HAR_EXCERPT_HEAD);
    sl_buf_init(&excerpt->tail, (size_t)HAR_EXCERPT_TAIL * 2);
}

void har_excerpt_add(struct har_excerpt *excerpt, struct sl_span bytes)
{
    struct sl_span first = sl_span_first(bytes, HAR_EXCERPT_HEAD - excerpt->head.len);
    (void)sl_buf_add_span(&excerpt->head, first);
    bytes = sl_span_from(bytes, first.len);
    while (bytes.len > 0) {
        struct sl_span piece = sl_span_first(bytes, HAR_EXCERPT_TAIL);
        size_t len = excerpt->tail.len;
        if (len + piece.len > (size_t)HAR_EXCERPT_TAIL * 2) {
            size_t dropped = len - HAR_EXCERPT_TAIL;
            sl_buf_consume(&excerpt->tail, dropped);
            excerpt->lost += dropped;
        }
        (void)sl_buf_add_span(&excerpt->tail, piece);
        bytes = sl_span_from(bytes, piece.len);
    }
}

static size_t surplus(const struct har_excerpt *excerpt)
{
    size_t len = excerpt->tail.len;
    return len > HAR_EXCERPT_TAIL ? len - HAR_EXCERPT_TAIL : 0;
}

uint64_t har_excerpt_lost(const struct har_excerpt *excerpt)
{
    return excerpt->lost + surplus(excerpt);
}

void har_excerpt_write(const struct har_excerpt *excerpt, struct sl_buf *out)
{
    uint64_t lost = har_excerpt_lost(excerpt);
    (void)sl_buf_add_span(out, sl_buf_span(&excerpt->head));
    if (lost > 0) {
        (void)sl_buf_addf(out, "\n[sluice-harness: %llu bytes are left out here]\n",
                          (unsigned long long)lost);
    }
    (void)sl_buf_add_span(out, sl_span_from(sl_buf_span(&excerpt->tail), surplus(excerpt)));
}

void har_excerpt_release(struct har_excerpt *excerpt)
{
    sl_buf_release(&excerpt->head);
    sl_buf_release(&excerpt->tail);
}
