/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/scenario_schema.h"

#include <jansson.h>
#include <stdlib.h>

#include "harness/binding/file.h"
#include "harness/checks/check.h"
#include "harness/scenario/actor_fields.h"
#include "harness/scenario/scenario_fields.h"
#include "harness/steps/step.h"

#define REF(name) json_pack("{s:s}", "$ref", "#/definitions/" name)

static void set_help(json_t *schema, const char *help)
{
    if (help != NULL && help[0] != '\0') {
        (void)json_object_set_new(schema, "description", json_string(help));
    }
}

static json_t *words(const char *const *choices)
{
    json_t *list = json_array();
    for (size_t i = 0; choices[i] != NULL; i++) {
        (void)json_array_append_new(list, json_string(choices[i]));
    }
    return json_pack("{s:o}", "enum", list);
}

static json_t *object_of(const struct har_field *fields, size_t count, const char *help);

/* One string, or an array of them. */
static json_t *strings(const struct har_field *field)
{
    json_t *one =
        field->choices == NULL ? json_pack("{s:s}", "type", "string") : words(field->choices);
    json_t *many = json_pack("{s:s,s:O}", "type", "array", "items", one);
    return json_pack("{s:[o,o]}", "anyOf", one, many);
}

static json_t *of_field(const struct har_field *field)
{
    switch (field->type) {
    case HAR_FIELD_STRING:
    case HAR_FIELD_TEXT:
        return json_pack("{s:s}", "type", "string");
    case HAR_FIELD_EXPR:
    case HAR_FIELD_DURATION:
        return REF("number");
    case HAR_FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case HAR_FIELD_CHOICE:
        return words(field->choices);
    case HAR_FIELD_STRINGS:
        return strings(field);
    case HAR_FIELD_INT64:
        return json_pack("{s:[s,s],s:s}", "type", "integer", "string", "pattern", "^[+-]?[0-9]+$");
    case HAR_FIELD_RANGE:
        return json_pack("{s:[o,{s:s,s:o,s:i,s:i}]}", "anyOf", REF("number"), "type", "array",
                         "items", REF("number"), "minItems", 2, "maxItems", 2);
    case HAR_FIELD_OBJECT:
        return object_of(field->fields, field->field_count, NULL);
    case HAR_FIELD_EXPRS:
        return json_pack("{s:s,s:o,s:i}", "type", "array", "items", REF("number"), "minItems", 1);
    case HAR_FIELD_OBJECTS:
        return json_pack("{s:s,s:o,s:i}", "type", "array", "items",
                         object_of(field->fields, field->field_count, NULL), "minItems", 1);
    case HAR_FIELD_JSON:
    default:
        return json_object();
    }
}

static json_t *object_of(const struct har_field *fields, size_t count, const char *help)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *property = of_field(&fields[i]);
        if (json_object_get(property, "$ref") != NULL && fields[i].help != NULL) {
            /* draft 7 ignores what stands beside a $ref */
            property = json_pack("{s:[o]}", "allOf", property);
        }
        set_help(property, fields[i].help);
        (void)json_object_set_new(properties, fields[i].name, property);
        if (fields[i].is_required) {
            (void)json_array_append_new(required, json_string(fields[i].name));
        }
    }
    json_t *schema = json_pack("{s:s}", "type", "object");
    set_help(schema, help);
    (void)json_object_set_new(schema, "properties", properties);
    if (json_array_size(required) > 0) {
        (void)json_object_set(schema, "required", required);
    }
    json_decref(required);
    (void)json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

/* Replaces what the tables only call JSON. */
static void set_property(json_t *schema, const char *name, json_t *value)
{
    json_t *properties = json_object_get(schema, "properties");
    json_t *help = json_incref(json_object_get(json_object_get(properties, name), "description"));
    (void)json_object_set_new(value, "description", help == NULL ? json_string("") : help);
    (void)json_object_set_new(properties, name, value);
}

static json_t *array_of(json_t *item)
{
    return json_pack("{s:s,s:o,s:i}", "type", "array", "items", item, "maxItems", HAR_NODES_MAX);
}

/* One object of these definitions: a step that orders others, or a check. */
static json_t *any_of(json_t *names, const char *last)
{
    json_t *list = json_array();
    size_t index = 0;
    json_t *name = NULL;
    json_array_foreach (names, index, name) {
        (void)json_array_append_new(
            list, json_pack("{s:s+}", "$ref", "#/definitions/", json_string_value(name)));
    }
    if (last != NULL) {
        (void)json_array_append_new(list, json_pack("{s:s+}", "$ref", "#/definitions/", last));
    }
    return json_pack("{s:o}", "anyOf", list);
}

static void define(json_t *definitions, const char *prefix, const char *name, json_t *schema)
{
    char full[100];
    (void)snprintf(full, sizeof(full), "%s%s", prefix, name);
    (void)json_object_set_new(definitions, full, schema);
}

/* {"actor": {"verb": {...}}} */
static void define_verbs(json_t *definitions, json_t *control_names)
{
    size_t count = 0;
    const struct har_step_type *const *types = har_step_types(&count);
    json_t *verbs = json_object();
    for (size_t i = 0; i < count; i++) {
        if (types[i]->kinds != 0) {
            json_t *args = object_of(types[i]->fields, types[i]->field_count, types[i]->help);
            (void)json_object_set_new(verbs, types[i]->name, args);
        }
    }
    json_t *verb = json_pack("{s:s,s:i,s:i,s:o,s:b}", "type", "object", "minProperties", 1,
                             "maxProperties", 1, "properties", verbs, "additionalProperties", 0);
    json_t *step = json_pack("{s:s,s:s,s:i,s:i,s:{s:{s:O}},s:o}", "description",
                             "{\"actor\": {\"verb\": {...}}}", "type", "object", "minProperties", 1,
                             "maxProperties", 1, "propertyNames", "not", "enum", control_names,
                             "additionalProperties", REF("verb"));
    (void)json_object_set_new(definitions, "verb", verb);
    (void)json_object_set_new(definitions, "verb-step", step);
}

static void define_steps(json_t *definitions)
{
    size_t count = 0;
    const struct har_step_type *const *types = har_step_types(&count);
    json_t *names = json_array();
    json_t *keys = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct har_step_type *type = types[i];
        if (type->kinds != 0 || type->children == HAR_CHILDREN_SELF) {
            continue;
        }
        json_t *schema = object_of(type->fields, type->field_count, type->help);
        if (type->children == HAR_CHILDREN_SEQUENCE) {
            set_property(schema, "do", array_of(REF("step")));
        } else if (type->children == HAR_CHILDREN_TRACKS) {
            json_t *track = json_pack("{s:[o,o]}", "anyOf", REF("step"), array_of(REF("step")));
            set_property(schema, type->name, array_of(track));
        }
        define(definitions, "step-", type->name, schema);
        (void)json_array_append_new(keys, json_string(type->name));
        (void)json_array_append_new(names, json_pack("s+", "step-", type->name));
    }
    define_verbs(definitions, keys);
    (void)json_object_set_new(definitions, "step", any_of(names, "verb-step"));
    json_decref(names);
    json_decref(keys);
}

static void define_checks(json_t *definitions)
{
    size_t count = 0;
    const struct har_check_type *const *types = har_check_types(&count);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *schema = object_of(types[i]->fields, types[i]->field_count, types[i]->help);
        define(definitions, "check-", types[i]->name, schema);
        (void)json_array_append_new(names, json_pack("s+", "check-", types[i]->name));
    }
    (void)json_object_set_new(definitions, "check", any_of(names, NULL));
    json_decref(names);
}

static json_t *map_of(json_t *value)
{
    return json_pack("{s:s,s:o}", "type", "object", "additionalProperties", value);
}

void har_scenario_schema_print(FILE *out)
{
    json_t *definitions = json_object();
    (void)json_object_set_new(definitions, "number",
                              json_pack("{s:s,s:[s,s]}", "description",
                                        "a number, an expression such as \"2*B + 1\", or where it "
                                        "is a time a duration such as \"250ms\"",
                                        "type", "number", "string"));
    (void)json_object_set_new(definitions, "actor",
                              object_of(har_actor_fields, har_actor_field_count, NULL));
    define_steps(definitions);
    define_checks(definitions);
    json_t *root = object_of(har_scenario_fields, har_scenario_field_count,
                             "What clients do to a server, and what must be observed.");
    json_t *actors = map_of(REF("actor"));
    (void)json_object_set_new(actors, "maxProperties", json_integer(HAR_ACTORS_MAX));
    set_property(root, "actors", actors);
    set_property(root, "run", array_of(REF("step")));
    set_property(root, "expect", array_of(REF("check")));
    set_property(root, "let", map_of(REF("number")));
    set_property(root, "own_rules", map_of(json_pack("{s:s}", "type", "string")));
    json_t *schema = json_pack("{s:s,s:s}", "$schema", "http://json-schema.org/draft-07/schema#",
                               "title", "A scenario of sluice-harness");
    (void)json_object_update(schema, root);
    (void)json_object_set_new(schema, "definitions", definitions);
    char *text = json_dumps(schema, JSON_INDENT(1));
    (void)fprintf(out, "%s\n", text);
    free(text);
    json_decref(root);
    json_decref(schema);
}

void har_binding_schema_print(FILE *out)
{
    size_t count = 0;
    const struct har_field *fields = har_binding_fields(&count);
    json_t *root =
        object_of(fields, count, "Which methods of a server play the roles of the wire.");
    json_t *schema = json_pack("{s:s,s:s}", "$schema", "http://json-schema.org/draft-07/schema#",
                               "title", "A binding of sluice-harness");
    (void)json_object_update(schema, root);
    char *text = json_dumps(schema, JSON_INDENT(1));
    (void)fprintf(out, "%s\n", text);
    free(text);
    json_decref(root);
    json_decref(schema);
}
