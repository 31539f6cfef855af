/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/rules/rules.h"

#include <string.h>

#include "lib/base/cli.h"
#include "lib/wire/rule.h"

#define CONTRACT "proto/CONTRACT.md"

static const struct har_rule rules[] = {
#define X(id, level, source, title, prevents, look) {id, level, source, title, prevents, look},
#include "harness/rules/rules.def"
#undef X
};

const struct har_rule *har_rule_find(const char *id)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (strcmp(rules[i].id, id) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

const char *har_rule_nearest(const char *id)
{
    const char *names[sizeof(rules) / sizeof(rules[0])];
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        names[i] = rules[i].id;
    }
    return sl_cli_nearest(id, names, sizeof(rules) / sizeof(rules[0]));
}

const struct har_rule *har_rules(size_t *ret_count)
{
    *ret_count = sizeof(rules) / sizeof(rules[0]);
    return rules;
}

const char *har_rule_look(const char *id)
{
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = rule == NULL ? sl_rule_find(id) : NULL;
    return rule != NULL ? rule->look : wire != NULL ? wire->look : NULL;
}

const char *har_rule_prevents(const char *id)
{
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = rule == NULL ? sl_rule_find(id) : NULL;
    return rule != NULL ? rule->prevents : wire != NULL ? wire->prevents : NULL;
}
