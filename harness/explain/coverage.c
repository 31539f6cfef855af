/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/coverage.h"

#include <stdio.h>
#include <string.h>

#include "harness/rules/rules.h"
#include "lib/wire/rule.h"

/* The groups of the catalogue, in its order. */
static const char *const groups[] = {"CALL", "FRM", "META", "TIME", "CANC", "FLOW",
                                     "CONN", "ABU", "TLS",  "HLTH", "REFL"};
enum {
    NUMBER_MAX = 99, /* of a rule within its group */
};

static const char *contract_rule(const char *id)
{
    static const char *const same[][2] = {
#define X(catalogue, contract) {catalogue, contract},
#include "harness/rules/same.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        if (strcmp(same[i][0], id) == 0) {
            return same[i][1];
        }
    }
    return "";
}

static size_t count_scenarios(const struct har_library *library, const char *id)
{
    size_t count = 0;
    for (size_t i = 0; i < library->count; i++) {
        count += har_strings_has(&library->scenarios[i]->rules, id);
    }
    return count;
}

static size_t count_mutants(const struct har_mutants *mutants, const char *id)
{
    size_t count = 0;
    for (size_t i = 0; i < mutants->count; i++) {
        const struct har_mutant *mutant = &mutants->items[i];
        count += har_mutant_breaks(mutant, id) || har_mutant_breaks(mutant, contract_rule(id));
    }
    return count;
}

/* Nothing for an id that no table has. */
static void write_rule(const struct har_topics *topics, const char *id, struct sl_buf *out)
{
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = sl_rule_find(id);
    char level[2] = {wire == NULL ? '\0' : wire->level, '\0'};
    if (rule != NULL || wire != NULL) {
        (void)sl_buf_addf(out, "| %s | %s | %zu | %s | %zu |\n", id,
                          rule != NULL ? rule->level : level, count_scenarios(topics->library, id),
                          wire != NULL ? "yes" : "", count_mutants(topics->mutants, id));
    }
}

void har_coverage_write(const struct har_topics *topics, struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "| rule | level | scenarios | on every connection | wrong servers |\n"
                              "|---|---|---|---|---|\n");
    for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++) {
        for (unsigned number = 1; number <= NUMBER_MAX; number++) {
            char id[16];
            (void)snprintf(id, sizeof(id), "%s-%02u", groups[group], number);
            write_rule(topics, id, out);
        }
    }
}
