/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/advice.h"

#include <string.h>

#include "harness/rules/rules.h"
#include "harness/story/story.h"
#include "lib/wire/rule.h"

static bool is_of_scenario(const struct har_scenario *scenario, const char *rule)
{
    return rule[0] == '\0' || har_strings_has(&scenario->rules, rule);
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

static const char *title_of(const struct har_scenario *scenario, const char *rule)
{
    const char *own = json_string_value(json_object_get(scenario->own_rules, rule));
    const struct har_rule *known = har_rule_find(rule);
    const struct sl_rule *wire = sl_rule_find(rule);
    return own != NULL ? own : known != NULL ? known->title : wire != NULL ? wire->title : NULL;
}

/* Who else felt the first fault that was felt beyond those it was done to. */
static void add_felt(const struct har_story *story, struct sl_buf *out)
{
    size_t told = 0;
    for (size_t i = 0; story != NULL && i < story->fault_count && told == 0; i++) {
        for (int scope = HAR_SCOPE_PUBLISHER; scope < HAR_SCOPES; scope++) {
            const struct har_story_affected *affected = &story->faults[i].affected[scope];
            for (size_t j = 0; j < affected->actor_count; j++) {
                (void)sl_buf_addf(out, "%s%s", told++ == 0 ? "; felt by " : ", ",
                                  affected->actors[j]);
            }
            if (affected->actor_count > 0) {
                (void)sl_buf_addf(out, "%s (%s)",
                                  affected->count > affected->actor_count ? " and others" : "",
                                  har_story_scope_names[scope]);
            }
        }
    }
}

void har_advice_blame(const struct har_result *result, const struct har_failure *failure,
                      struct sl_buf *out)
{
    const char *title = title_of(result->scenario, failure->rule);
    if (failure->is_mistake) {
        (void)sl_buf_add_str(out, "the scenario asks for what cannot be");
    } else if (failure->rule[0] != '\0') {
        (void)sl_buf_addf(out, "the %s broke %s%s%s",
                          strncmp(failure->rule, "CLNT-", 5) == 0 ? "client" : "server",
                          failure->rule, title == NULL ? "" : ": ", title == NULL ? "" : title);
        add_felt(result->story, out);
    }
}

const char *har_advice_look(const struct har_failure *failure)
{
    return failure->is_mistake ? "the scenario's own file, at the place that is named"
                               : har_rule_look(failure->rule);
}
