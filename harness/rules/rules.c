/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/rules/rules.h"

#include <string.h>

#include "lib/base/cli.h"

static const struct har_rule rules[] = {
#define X(id, level, title, prevents) {id, level, title, prevents},
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
