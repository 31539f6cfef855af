/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/language.h"

#include "harness/checks/check.h"
#include "harness/scenario/actor_fields.h"
#include "harness/scenario/scenario_fields.h"
#include "harness/steps/step.h"

enum {
    PREFIX_MAX = 128,
};

static const char table_head[] = "| key | value | meaning |\n|---|---|---|\n";
static const char *const field_types[] = {
    "text",
    "text",
    "number or expression",
    "duration",
    "true or false",
    "word",
    "list of words",
    "integer",
    "number or [low, high]",
    "object",
    "JSON",
    "list of numbers or expressions",
    "list of objects",
};

static void print_fields(FILE *out, const struct har_field *fields, size_t count,
                         const char *prefix)
{
    for (size_t i = 0; i < count; i++) {
        const struct har_field *field = &fields[i];
        (void)fprintf(out, "| `%s%s` | %s", prefix, field->name, field_types[field->type]);
        for (size_t j = 0; field->choices != NULL && field->choices[j] != NULL; j++) {
            (void)fprintf(out, "%s`%s`", j == 0 ? ": " : ", ", field->choices[j]);
        }
        (void)fprintf(out, " | %s%s |\n", field->help == NULL ? "" : field->help,
                      field->is_required ? " (needed)" : "");
        if (field->type == HAR_FIELD_OBJECT || field->type == HAR_FIELD_OBJECTS) {
            char inner[PREFIX_MAX];
            (void)snprintf(inner, sizeof(inner), "%s%s%s.", prefix, field->name,
                           field->type == HAR_FIELD_OBJECTS ? "[]" : "");
            print_fields(out, field->fields, field->field_count, inner);
        }
    }
}

static void print_steps(FILE *out, bool is_control)
{
    size_t count = 0;
    const struct har_step_type *const *types = har_step_types(&count);
    for (size_t i = 0; i < count; i++) {
        const struct har_step_type *type = types[i];
        if ((type->kinds == 0) != is_control || type->children == HAR_CHILDREN_SELF) {
            continue;
        }
        (void)fprintf(out, "\n### %s\n", type->name);
        for (unsigned kind = 0; har_kind_names[kind] != NULL; kind++) {
            if ((type->kinds & HAR_BIT(kind)) != 0) {
                (void)fprintf(out, "*%s* ", har_kind_names[kind]);
            }
        }
        (void)fprintf(out, "%s%s.\n\n%s", type->help, type->needs_h2 ? " (transport h2)" : "",
                      table_head);
        print_fields(out, type->fields, type->field_count, "");
    }
}

void har_language_print(FILE *out)
{
    size_t count = 0;
    const struct har_check_type *const *checks = har_check_types(&count);
    (void)fprintf(out, "## Top keys\n\n%s", table_head);
    print_fields(out, har_scenario_fields, har_scenario_field_count, "");
    (void)fprintf(out, "\n## Actors\n\n%s", table_head);
    print_fields(out, har_actor_fields, har_actor_field_count, "");
    (void)fprintf(out, "\n## Steps that order others\n");
    print_steps(out, true);
    (void)fprintf(out, "\n## Verbs of actors\n");
    print_steps(out, false);
    (void)fprintf(out, "\n## Checks\n");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "\n### %s\n%s%s%s%s.\n\n%s", checks[i]->name, checks[i]->help,
                      checks[i]->rule == NULL ? "" : " (",
                      checks[i]->rule == NULL ? "" : checks[i]->rule,
                      checks[i]->rule == NULL ? "" : ")", table_head);
        print_fields(out, checks[i]->fields, checks[i]->field_count, "");
    }
}
