/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_METHODS_H
#define INS_METHODS_H

/*
 * Which method of the schema the calls of one group can be of: they share their :path, though it is not
 * known. Every message and every end of such a call is evidence.
 *
 * Ownership: borrows the pool. Limits: INS_METHODS_MAX methods; a pool that has more gives no candidates.
 */
#include "lib/schema/pool.h"
#include "lib/wire/observer.h"

enum {
    INS_METHODS_MAX = 2048,
    INS_CANDIDATES_MAX = 5,
};

struct ins_methods;

/* NULL when there is no pool, or it is too large. */
struct ins_methods *ins_methods_new(const struct sl_pool *pool);
void ins_methods_free(struct ins_methods *methods);
/* The calls are not of this method (it was named by another entry of the same table). */
void ins_methods_exclude(struct ins_methods *methods, const struct sl_method *method);
/* A whole message, without its prefix and decompressed; index from 1. */
void ins_methods_message(struct ins_methods *methods, enum sl_dir dir, uint64_t index,
                         struct sl_span bytes);
/* A call of the group has ended as it should, with all of its messages counted. */
void ins_methods_call(struct ins_methods *methods, uint64_t requests, uint64_t responses);
/* The method that is clearly best, or NULL. */
const struct sl_method *ins_methods_best(const struct ins_methods *methods);
/* The best ones that are possible, best first. */
size_t ins_methods_rank(const struct ins_methods *methods,
                        const struct sl_method *ret_methods[INS_CANDIDATES_MAX]);

#endif
