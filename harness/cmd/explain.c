/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/language.h"
#include "harness/cmd/scenario_schema.h"
#include "harness/rules/rules.h"
#include "harness/scenario/library.h"
#include "lib/base/cli.h"
#include "lib/wire/rule.h"

static const struct sl_cli cli = {
    .program = "sluice-harness explain",
    .operands = "ID ...",
    .summary =
        "What a scenario or a rule is about: explain slow-consumers/stalled-stream, explain "
        "SUB-04; or explain language: every verb and check of scenarios; or explain schema: the "
        "JSON Schema of scenarios, for editors.",
    .exits = (const struct sl_cli_line[]){{"0", "it is explained"},
                                          {"2", "bad usage, or there is no such scenario or rule"},
                                          {NULL, NULL}},
};

static void print_list(const char *label, const struct har_strings *strings)
{
    if (strings->count > 0) {
        (void)printf("%-10s", label);
        for (size_t i = 0; i < strings->count; i++) {
            (void)printf("%s%s", i == 0 ? "" : ", ", strings->items[i]);
        }
        (void)printf("\n");
    }
}

static void print_scenario(const struct har_scenario *scenario)
{
    (void)printf("%s: %s\n\n%s\n\n", scenario->id, scenario->title, scenario->why);
    (void)printf("%-10s%s\n", "level", har_level_name(scenario->level));
    print_list("tags", &scenario->tags);
    print_list("needs", &scenario->needs);
    print_list("catches", &scenario->catches);
    (void)printf("%-10s%s\n\n", "file", scenario->path);
    for (size_t i = 0; i < scenario->rules.count; i++) {
        const struct har_rule *rule = har_rule_find(scenario->rules.items[i]);
        const char *own =
            json_string_value(json_object_get(scenario->own_rules, scenario->rules.items[i]));
        (void)printf("%-10s%s\n", scenario->rules.items[i],
                     rule != NULL  ? rule->title
                     : own == NULL ? ""
                                   : own);
    }
}

static void print_using(const struct har_library *library, const char *rule)
{
    (void)printf("\nchecked by:\n");
    for (size_t i = 0; i < library->count; i++) {
        const struct har_scenario *scenario = library->scenarios[i];
        for (size_t j = 0; j < scenario->rules.count; j++) {
            if (strcmp(scenario->rules.items[j], rule) == 0) {
                (void)printf("  %-44s %s\n", scenario->id, scenario->title);
            }
        }
    }
}

/* True when id names something. */
static bool explain(const struct har_library *library, const char *id)
{
    const struct har_scenario *scenario = har_library_find(library, id);
    const struct har_rule *rule = har_rule_find(id);
    const struct sl_rule *wire = sl_rule_find(id);
    if (scenario != NULL) {
        print_scenario(scenario);
    }
    if (rule != NULL) {
        (void)printf("%s (%s): %s\n\nprevents: %s\n", rule->id, rule->level, rule->title,
                     rule->prevents);
        print_using(library, id);
    }
    if (wire != NULL) {
        (void)printf("%s (%c, %s): %s\n\n%s\n\njudged on every connection of every scenario.\n",
                     wire->id, wire->level, wire->clause, wire->title, wire->text);
    }
    return scenario != NULL || rule != NULL || wire != NULL;
}

static const char *nearest(const struct har_library *library, const char *id)
{
    const char *names[HAR_LIBRARY_MAX + 200];
    size_t count = 0;
    size_t rule_count = 0;
    const struct har_rule *rules = har_rules(&rule_count);
    for (size_t i = 0; i < library->count; i++) {
        names[count++] = library->scenarios[i]->id;
    }
    for (size_t i = 0; i < rule_count && i < 100; i++) {
        names[count++] = rules[i].id;
    }
    for (size_t i = 0; sl_rule_at(i) != NULL && i < 100; i++) {
        names[count++] = sl_rule_at(i)->id;
    }
    return sl_cli_nearest(id, names, count);
}

int har_cmd_explain(int argc, char **argv)
{
    struct sl_cli_result result;
    struct har_library library;
    int status = 0;
    int unused = 0;
    if (!sl_cli_start(&cli, argc, argv, &unused, &result, &status)) {
        return status;
    }
    if (result.operand_count == 0) {
        (void)fprintf(stderr, "%s: which scenario or rule?\n", cli.program);
        return 2;
    }
    if (strcmp(result.operands[0], "language") == 0) {
        har_language_print(stdout);
        return 0;
    }
    if (strcmp(result.operands[0], "schema") == 0) {
        har_scenario_schema_print(stdout);
        return 0;
    }
    status = har_cmd_library(cli.program, &library);
    for (int i = 0; i < result.operand_count && status == 0; i++) {
        if (!explain(&library, result.operands[i])) {
            const char *near = nearest(&library, result.operands[i]);
            (void)fprintf(stderr, "%s: no scenario or rule '%s'%s%s%s\n", cli.program,
                          result.operands[i], near == NULL ? "" : "; did you mean ",
                          near == NULL ? "" : near, near == NULL ? "" : "?");
            status = 2;
        }
    }
    har_library_release(&library);
    return status;
}
