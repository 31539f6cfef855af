/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STACKS_TOPIC_H
#define HAR_STACKS_TOPIC_H

/* What known stacks do, for every kind of topic: what they did in the scenarios (harness/baseline/), then what was measured
 * of them besides (harness/rules/stacks.h). */
#include "harness/explain/topics.h"

enum {
    HAR_STACK_IDS_MAX = 64, /* that one topic asks for */
};

/* What it is about; what is NULL or 0 is not asked for. */
struct har_stacks_about {
    const char *scenario, *rule;
    const char *const *ids; /* of measurements: rules, tags, words */
    size_t count;
};

/* A section; none when nothing is known. topics may be NULL: no baselines then. */
void har_stacks_add(const struct har_topics *topics, const struct har_stacks_about *about,
                    struct har_prose *prose);

#endif
