/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RULE_TOPIC_H
#define HAR_RULE_TOPIC_H

/* One rule, of the contract or of the wire. */
#include "harness/explain/topics.h"

/* False when there is no such rule. */
bool har_rule_topic(const struct har_topics *topics, const char *id, struct har_prose *prose);

#endif
