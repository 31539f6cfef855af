/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LEARN_H
#define HAR_LEARN_H

/*
 * What the scenarios of a run name and no schema knows, learnt from the target itself by server reflection. A
 * target that does not tell is no error here: scenarios that need the schema are mistaken then, with the reason.
 *
 * Life: as har_reflect.      Zeroed is one that has not begun.
 */
#include "harness/scenario/methods.h"
#include "harness/scenario/profile.h"
#include "harness/target/reflect.h"

enum {
    HAR_LEARN_TEXT_MAX = 450,
};

typedef void har_learn_fn(void *owner);

struct har_learn {
    struct har_missing missing;
    struct har_reflect *reflect; /* while it goes on */
    /* What reflection did not bring: goes behind "no schema knows ...". */
    char text[HAR_LEARN_TEXT_MAX];
    har_learn_fn *done; /* to be set before the start */
    void *owner;
};

/* The methods of this scenario are wanted, but for those that the pool has; none where the profile makes it SKIP. */
void har_learn_want(struct har_learn *learn, const struct har_scenario *scenario,
                    const struct har_profile *profile, const struct sl_pool *pool);
/* Asks the target, which serves; false when nothing is wanted: there is no done() then. Of target conn, metadata and
 * pool count. rtt_ns: of one call, as far as it is known. */
bool har_learn_start(struct har_learn *learn, uv_loop_t *loop,
                     const struct har_reflect_config *target, uint64_t rtt_ns);
/* No done() comes any more. */
void har_learn_stop(struct har_learn *learn);

#endif
