/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/advice.h"

#include <string.h>

#include "harness/rules/rules.h"

static bool is_of_scenario(const struct har_scenario *scenario, const char *rule)
{
    for (size_t i = 0; i < scenario->rules.count; i++) {
        if (strcmp(scenario->rules.items[i], rule) == 0) {
            return true;
        }
    }
    return rule[0] == '\0';
}

const char *har_advice_why(const struct har_result *result, const struct har_failure *failure)
{
    if (failure->why != NULL) {
        return failure->why;
    }
    const char *prevents =
        is_of_scenario(result->scenario, failure->rule) ? NULL : har_rule_prevents(failure->rule);
    const char *why = prevents != NULL ? prevents : result->scenario->why;
    return why == NULL ? "" : why;
}

const char *har_advice_look(const struct har_failure *failure)
{
    return failure->is_mistake ? "the scenario's own file, at the place that is named"
                               : har_rule_look(failure->rule);
}
