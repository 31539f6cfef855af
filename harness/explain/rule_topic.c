/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/rule_topic.h"

#include <string.h>

#include "harness/explain/stacks_topic.h"
#include "harness/rules/rules.h"
#include "lib/wire/rule.h"

static void add_checkers(const struct har_topics *topics, const char *id, struct har_prose *prose)
{
    bool has_any = false;
    for (size_t i = 0; i < topics->library->count; i++) {
        const struct har_scenario *scenario = topics->library->scenarios[i];
        if (!har_strings_has(&scenario->rules, id)) {
            continue;
        }
        if (!has_any) {
            har_prose_section(prose, "Who checks it");
            has_any = true;
        }
        har_prose_addf(prose, 1, "%s: %s", scenario->id, scenario->title);
    }
}

static void add_mutants(const struct har_topics *topics, const char *id, struct har_prose *prose)
{
    bool has_any = false;
    for (size_t i = 0; i < topics->mutants->count; i++) {
        const struct har_mutant *mutant = &topics->mutants->items[i];
        if (!har_mutant_breaks(mutant, id)) {
            continue;
        }
        if (!has_any) {
            har_prose_section(prose,
                              "Wrong servers that break it (sluice-server --misbehave NAME)");
            has_any = true;
        }
        struct sl_buf line;
        sl_buf_init(&line, 4096);
        (void)sl_buf_add_str(&line, mutant->name);
        for (size_t j = 0, seen = 0; j < topics->library->count; j++) {
            const struct har_scenario *scenario = topics->library->scenarios[j];
            if (har_strings_has(&scenario->catches, mutant->name)) {
                (void)sl_buf_addf(&line, "%s%s", seen++ == 0 ? ", caught by " : ", ", scenario->id);
            }
        }
        har_prose_add(prose, 1, sl_buf_str(&line));
        sl_buf_release(&line);
    }
}

static void add_rest(const struct har_topics *topics, const char *id, const char *look,
                     struct har_prose *prose)
{
    add_checkers(topics, id, prose);
    add_mutants(topics, id, prose);
    har_prose_section(prose, "Where to look first when it fails");
    har_prose_add(prose, 0, look);
    const struct har_stacks_about about = {.rule = id, .ids = &id, .count = 1};
    har_stacks_add(topics, &about, prose);
    har_prose_end(prose);
}

static void add_wire_text(const struct sl_rule *rule, struct har_prose *prose)
{
    har_prose_add(prose, 0, rule->text);
    har_prose_add(
        prose, 0,
        "It is judged on every connection of every scenario, and by sluice-inspector --lint "
        "in captures.");
}

/* wire: what is judged passively by the same id, or NULL. */
static void explain_rule(const struct har_topics *topics, const struct har_rule *rule,
                         const struct sl_rule *wire, struct har_prose *prose)
{
    har_prose_begin(prose, "rule", rule->id, rule->title);
    har_prose_section(prose, "");
    har_prose_addf(prose, 0, "Level %s; source: %s", rule->level, rule->source);
    har_prose_section(prose, "What it prevents");
    har_prose_add(prose, 0, rule->prevents);
    if (wire != NULL) {
        har_prose_section(prose, "What can be seen without a test");
        har_prose_addf(prose, 0, "Level %c; source: %s. %s.", wire->level, wire->clause,
                       wire->title);
        har_prose_addf(prose, 0, "It prevents: %s.", wire->prevents);
        add_wire_text(wire, prose);
        har_prose_addf(prose, 0, "Where it is broken, look first: %s.", wire->look);
    }
    add_rest(topics, rule->id, rule->look, prose);
}

static void explain_wire(const struct har_topics *topics, const struct sl_rule *rule,
                         struct har_prose *prose)
{
    har_prose_begin(prose, "wire rule", rule->id, rule->title);
    har_prose_section(prose, "");
    har_prose_addf(prose, 0, "Level %c; source: %s", rule->level, rule->clause);
    har_prose_section(prose, "What it prevents");
    har_prose_add(prose, 0, rule->prevents);
    har_prose_section(prose, "How it is judged");
    add_wire_text(rule, prose);
    add_rest(topics, rule->id, rule->look, prose);
}

bool har_rule_topic(const struct har_topics *topics, const char *id, struct har_prose *prose)
{
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = sl_rule_find(id);
    if (rule != NULL) {
        explain_rule(topics, rule, wire, prose);
    } else if (wire != NULL) {
        explain_wire(topics, wire, prose);
    }
    return rule != NULL || wire != NULL;
}

void har_topics_rules(const struct har_topics *topics, struct har_prose *prose)
{
    size_t count = 0;
    const struct har_rule *rules = har_rules(&count);
    for (size_t i = 0; i < count; i++) {
        explain_rule(topics, &rules[i], sl_rule_find(rules[i].id), prose);
    }
    for (size_t i = 0; sl_rule_at(i) != NULL; i++) {
        if (har_rule_find(sl_rule_at(i)->id) == NULL) {
            explain_wire(topics, sl_rule_at(i), prose);
        }
    }
}
