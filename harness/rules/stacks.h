/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STACKS_H
#define HAR_STACKS_H

/* What known gRPC stacks were measured to do, by rule, catalogue tag or word. Constant; nothing to free. */
#include <stdbool.h>
#include <stddef.h>

struct har_stack_fact {
    const char *ids;   /* separated by spaces */
    const char *where; /* which measurement: the versions, and how it was asked */
    const char *text;
};

/* In the order of the table; NULL past its end. */
const struct har_stack_fact *har_stack_fact_at(size_t index);
/* True when the fact is about id. */
bool har_stack_fact_is_of(const struct har_stack_fact *fact, const char *id);

#endif
