/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/words.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/engine/verdict.h"
#include "harness/rules/rules.h"
#include "harness/scenario/profile.h"
#include "lib/base/cli.h"
#include "lib/wire/rule.h"

/* How many numbers each letter of the catalogue has. */
static const struct {
    char letter;
    long count;
} catalogue[] = {{'B', 10}, {'S', 17}, {'D', 14}, {'R', 8},
                 {'L', 15}, {'F', 7},  {'G', 8},  {'K', 10}};

const char *har_actor_nearest(const struct har_scenario *scenario, const char *selector)
{
    const char *names[HAR_ACTORS_MAX];
    for (size_t i = 0; i < scenario->actor_count; i++) {
        names[i] = scenario->actors[i].name;
    }
    while (*selector != '\0') {
        char name[64];
        size_t len = strcspn(selector, ",");
        uint64_t mask = 0;
        (void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), selector);
        if (!har_select_actors(scenario, name, &mask)) {
            return sl_cli_nearest(name, names, scenario->actor_count);
        }
        selector += len + (selector[len] == ',');
    }
    return NULL;
}

const char *har_phase_nearest(const struct har_scenario *scenario, const char *name)
{
    return sl_cli_nearest(name, scenario->phases, scenario->phase_count);
}

/* "B11" or "Z3" is meant for the catalogue, and is not in it. */
static bool is_wrong_number(const char *tag)
{
    char *end = NULL;
    if (tag[0] < 'A' || tag[0] > 'Z' || tag[1] < '0' || tag[1] > '9') {
        return false;
    }
    long number = strtol(tag + 1, &end, 10);
    if (*end != '\0') {
        return false;
    }
    for (size_t i = 0; i < sizeof(catalogue) / sizeof(catalogue[0]); i++) {
        if (catalogue[i].letter == tag[0]) {
            return number < 1 || number > catalogue[i].count || tag[1] == '0';
        }
    }
    return true;
}

static uint64_t used_by(const struct har_node *nodes, size_t count)
{
    uint64_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used |= nodes[i].who | used_by(nodes[i].children, nodes[i].child_count);
    }
    return used;
}

static void check_actors(struct har_reading *reading, const struct har_scenario *scenario)
{
    uint64_t used = used_by(scenario->run, scenario->run_count);
    for (size_t i = 0; i < scenario->actor_count; i++) {
        char path[HAR_PATH_MAX];
        (void)snprintf(path, sizeof(path), "$.actors.%.200s", scenario->actors[i].name);
        if ((used >> i & 1) == 0) {
            har_warning_add(reading, path, "no step names this actor: it does nothing");
        }
    }
}

bool har_scenario_has_rule(const struct har_scenario *scenario, const char *id)
{
    return har_rule_find(id) != NULL || sl_rule_find(id) != NULL ||
           json_object_get(scenario->own_rules, id) != NULL;
}

static void check_own_rules(struct har_reading *reading, const struct har_scenario *scenario)
{
    const char *id = NULL;
    json_t *text = NULL;
    json_object_foreach (scenario->own_rules, id, text) {
        if (!json_is_string(text) || strlen(id) >= HAR_RULE_MAX || har_rule_find(id) != NULL) {
            har_problem_add(reading, "$.own_rules", false,
                            "'%.60s': a new id of at most %d letters, and what the rule asks for",
                            id, HAR_RULE_MAX - 1);
        }
    }
}

static void check_clients(struct har_reading *reading, const struct har_scenario *scenario)
{
    bool needs_client = har_strings_has(&scenario->needs, HAR_NEED_CLIENT);
    bool has_client = false;
    for (size_t i = 0; i < scenario->actor_count; i++) {
        has_client |= scenario->actors[i].kind == HAR_EXTERNAL;
    }
    if (needs_client != has_client) {
        har_problem_add(reading, "$.needs", false,
                        "an actor of kind external and the need \"%s\" go together",
                        HAR_NEED_CLIENT);
    }
}

void har_words_check(struct har_reading *reading, const struct har_scenario *scenario)
{
    for (size_t i = 0; i < scenario->needs.count; i++) {
        const char *need = scenario->needs.items[i];
        if (!har_need_is_known(need)) {
            har_problem_near(reading, "$.needs", har_capability_nearest(need),
                             "no capability '%.60s'", need);
        }
    }
    check_clients(reading, scenario);
    for (size_t i = 0; i < scenario->rules.count; i++) {
        const char *rule = scenario->rules.items[i];
        if (!har_scenario_has_rule(scenario, rule)) {
            har_problem_near(reading, "$.rules", har_rule_nearest(rule), "no rule '%.60s'", rule);
        }
    }
    for (size_t i = 0; i < scenario->tags.count; i++) {
        if (is_wrong_number(scenario->tags.items[i])) {
            har_problem_near(reading, "$.tags", NULL, "the catalogue has no '%.60s'",
                             scenario->tags.items[i]);
        }
    }
    if (scenario->rules.count == 0) {
        har_problem_add(reading, "$", false, "a scenario names at least one rule");
    }
    check_own_rules(reading, scenario);
    check_actors(reading, scenario);
}
