/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_ADVICE_H
#define HAR_ADVICE_H

/* What a report says of a failure besides what was seen. Borrowed from the rules, or from the scenario. */
#include "harness/engine/suite.h"
#include "lib/base/buf.h"

/* Why it matters: the check's own words; else the scenario's, unless the rule broken is none of those that it is
 * about (a server that died, a finding of the wire): then what that rule prevents. Never NULL. */
const char *har_advice_why(const struct har_result *result, const struct har_failure *failure);
/* Appends who broke what, in one sentence: the rule in words, and of a fault that others felt too, who they were. Nothing
 * for a failure without a rule. */
void har_advice_blame(const struct har_result *result, const struct har_failure *failure,
                      struct sl_buf *out);
enum { HAR_BLAME_MAX = 2048 };
/* Continues "look first:"; NULL: nothing is known of its rule. */
const char *har_advice_look(const struct har_failure *failure);

#endif
