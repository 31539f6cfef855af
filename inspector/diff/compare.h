/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_DIFF_COMPARE_H
#define INS_DIFF_COMPARE_H

/*
 * Two captures of the same calls: which call of one is which of the other, and what is different between them.
 *
 * Calls are paired by method and x-request-id or traceparent; those left by equal contents, then by equal request messages, then by
 * method; of several that would do, the first with the first.
 *
 * Limits: INS_COMPARE_DIFFERENCES of a pair are listed.
 */
#include "inspector/diff/digest.h"

enum {
    INS_COMPARE_DIFFERENCES = 50,
};

struct ins_pair {
    const struct ins_digest_call *a, *b; /* NULL: only in the other */
};

/* Marks the calls as paired. The pairs in the order of a, then what is only in b; yours to sl_free. */
struct ins_pair *ins_compare_pair(struct ins_digest *a, struct ins_digest *b, size_t *ret_count);

static inline bool ins_compare_is_equal(const struct ins_pair *pair)
{
    return pair->a != NULL && pair->b != NULL && pair->a->contents_hash == pair->b->contents_hash;
}

/* [{"path": "$.status.code", "a": 0, "b": 5}, ...], a or b left out where it has none; yours. *ret_is_cut: there are
 * more, or the contents were not kept. */
json_t *ins_compare_differences(const struct ins_pair *pair, bool *ret_is_cut);

#endif
