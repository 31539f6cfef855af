/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RULE_TOPIC_H
#define HAR_RULE_TOPIC_H

/* One rule, of the contract or of the wire; and what stacks do, for every kind of topic. */
#include "harness/explain/topics.h"

enum {
    HAR_STACK_IDS_MAX = 64, /* that one topic asks for */
};

/* False when there is no such rule. */
bool har_rule_topic(const struct har_topics *topics, const char *id, struct har_prose *prose);

/* A section of what is known of any of the ids; none when nothing is. */
void har_stacks_add(struct har_prose *prose, const char *const *ids, size_t count);

#endif
