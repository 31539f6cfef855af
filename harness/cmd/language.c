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
static const char example_actors[] =
    "The examples below speak of these actors, and of phases `healthy` and `burst`:\n"
    "\n"
    "```json\n"
    "{\n"
    "  \"pub\": {\"kind\": \"publisher\"},\n"
    "  \"sub\": {\"kind\": \"subscriber\", \"n\": 10, \"conn\": \"shared:phones\"},\n"
    "  \"slow\": {\"kind\": \"subscriber\", \"credit\": \"manual\", \"window\": {\"stream\": 0}},\n"
    "  \"far\": {\"kind\": \"subscriber\", \"via\": \"proxy\", \"max_rate_hz\": 50},\n"
    "  \"chat\": {\"kind\": \"chat\", \"transport\": \"h2\", \"deadline_ms\": 5000},\n"
    "  \"client\": {\"kind\": \"client\", \"transport\": \"grpc\"},\n"
    "  \"stream\": {\"kind\": \"stream\", \"method\": \"/grpc.health.v1.Health/Watch\"},\n"
    "  \"feed\": {\"kind\": \"stream\", \"method\": \"/pay.v1.Payments/Watch\"},\n"
    "  \"raw\": {\"kind\": \"raw\", \"suppress\": [\"ping_ack\"]},\n"
    "  \"server\": {\"kind\": \"process\"},\n"
    "  \"child\": {\"kind\": \"child\", \"streams\": 100}\n"
    "}\n"
    "```\n";
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

/* Its example, and the head of the table of its keys. */
static void print_example(FILE *out, const char *example)
{
    (void)fprintf(out, "\n```json\n%s\n```\n\n%s", example, table_head);
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
        (void)fprintf(out, "%s%s.\n", type->help, type->needs_h2 ? " (transport h2)" : "");
        print_example(out, type->example);
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
    (void)fprintf(out, "\n%s", example_actors);
    (void)fprintf(out, "\n## Steps that order others\n");
    print_steps(out, true);
    (void)fprintf(out, "\n## Verbs of actors\n");
    print_steps(out, false);
    (void)fprintf(out, "\n## Checks\n");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "\n### %s\n%s%s%s%s.\n", checks[i]->name, checks[i]->help,
                      checks[i]->rule == NULL ? "" : " (",
                      checks[i]->rule == NULL ? "" : checks[i]->rule,
                      checks[i]->rule == NULL ? "" : ")");
        print_example(out, checks[i]->example);
        print_fields(out, checks[i]->fields, checks[i]->field_count, "");
    }
}
