/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/checks/check.h"
#include "harness/engine/verdict.h"
#include "harness/engine/via.h"
#include "harness/rules/rules.h"
#include "harness/scenario/actor_fields.h"
#include "harness/scenario/names.h"
#include "harness/scenario/profile.h"
#include "harness/scenario/read_file.h"
#include "harness/scenario/scenario_fields.h"
#include "harness/scenario/words.h"
#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

struct parse {
    struct har_scenario *scenario;
    struct har_reading reading;
    unsigned depth;
};

bool har_select_actors(const struct har_scenario *scenario, const char *selector,
                       uint64_t *ret_mask)
{
    *ret_mask = 0;
    if (strcmp(selector, "*") == 0) {
        *ret_mask = (UINT64_C(1) << scenario->actor_count) - 1;
        return true;
    }
    while (*selector != '\0') {
        size_t len = strcspn(selector, ",");
        bool is_found = false;
        for (size_t i = 0; i < scenario->actor_count; i++) {
            if (sl_span_is(sl_span(selector, len), scenario->actors[i].name)) {
                *ret_mask |= UINT64_C(1) << i;
                is_found = true;
            }
        }
        if (!is_found) {
            return false;
        }
        selector += len + (selector[len] == ',');
    }
    return *ret_mask != 0;
}

int har_phase_index(const struct har_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->phase_count; i++) {
        if (strcmp(scenario->phases[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *keep_path(struct parse *parse, const char *path)
{
    char *copy = har_arena_alloc(&parse->scenario->arena, strlen(path) + 1);
    memcpy(copy, path, strlen(path) + 1);
    return copy;
}

static bool resolve_known(void *owner, struct sl_span name, struct sl_span argument,
                          double *ret_value)
{
    *ret_value = 1;
    return har_name_is_known(owner, name, argument);
}

static void check_expr(struct parse *parse, const struct har_expr *expr, const char *path)
{
    if (expr->text == NULL) {
        return;
    }
    double value = 0;
    struct sl_error error = {0};
    enum sl_status status =
        har_expr_eval(expr->text, resolve_known, parse->scenario, &value, &error);
    if (status == SL_OK) {
        return;
    }
    /* Every name counts as 1 here, so a difference may well be zero: not for the parser to judge. */
    if (strstr(error.text, "division by zero") != NULL) {
        return;
    }
    const char *nearest = status == SL_NOT_FOUND
                              ? har_name_suggestion(parse->scenario, sl_span_str(error.text))
                              : NULL;
    har_problem_near(&parse->reading, path, nearest, "%s", error.text);
}

/* Expressions and rooms of a struct that was read by a table. */
static void check_exprs(struct parse *parse, const struct har_field *fields, size_t count,
                        const void *args, const char *path)
{
    char inner[HAR_PATH_MAX];
    for (size_t i = 0; i < count; i++) {
        const char *place = (const char *)args + fields[i].offset;
        (void)snprintf(inner, sizeof(inner), "%s.%s", path, fields[i].name);
        if (fields[i].type == HAR_FIELD_EXPR || fields[i].type == HAR_FIELD_DURATION) {
            struct har_expr expr;
            memcpy(&expr, place, sizeof(expr));
            check_expr(parse, &expr, inner);
        } else if (fields[i].type == HAR_FIELD_RANGE) {
            struct har_range range;
            memcpy(&range, place, sizeof(range));
            check_expr(parse, &range.low, inner);
            check_expr(parse, &range.high, inner);
        } else if (fields[i].type == HAR_FIELD_EXPRS) {
            struct har_exprs exprs;
            memcpy(&exprs, place, sizeof(exprs));
            for (size_t j = 0; j < exprs.count; j++) {
                check_expr(parse, &exprs.items[j], inner);
            }
        } else if (fields[i].type == HAR_FIELD_OBJECT) {
            check_exprs(parse, fields[i].fields, fields[i].field_count, place, inner);
        } else if (fields[i].type == HAR_FIELD_OBJECTS) {
            struct har_objects objects;
            memcpy(&objects, place, sizeof(objects));
            for (size_t j = 0; j < objects.count; j++) {
                check_exprs(parse, fields[i].fields, fields[i].field_count,
                            (const char *)objects.items + j * fields[i].item_size, inner);
            }
        } else if (fields[i].type == HAR_FIELD_STRING && strcmp(fields[i].name, "rule") == 0) {
            const char *rule = NULL;
            memcpy(&rule, place, sizeof(rule));
            if (rule != NULL && !har_scenario_has_rule(parse->scenario, rule)) {
                har_problem_near(&parse->reading, inner, har_rule_nearest(rule), "no rule '%.60s'",
                                 rule);
            }
        } else if (fields[i].type == HAR_FIELD_STRING && strcmp(fields[i].name, "room") == 0) {
            const char *room = NULL;
            memcpy(&room, place, sizeof(room));
            const char *problem = room == NULL ? NULL : har_template_problem(sl_span_str(room));
            if (problem != NULL) {
                har_problem_add(&parse->reading, inner, false, "%s", problem);
            }
        }
    }
}

static void parse_lets(struct parse *parse)
{
    struct har_scenario *scenario = parse->scenario;
    size_t count = json_object_size(scenario->let_json);
    scenario->lets = har_arena_alloc(&scenario->arena, (count + 1) * sizeof(struct har_let));
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (scenario->let_json, name, value) {
        char path[HAR_PATH_MAX];
        (void)snprintf(path, sizeof(path), "$.let.%s", name);
        struct har_let let = {
            .name = name, .value.is_set = true, .value.path = keep_path(parse, path)};
        if (json_is_number(value)) {
            let.value.number = json_number_value(value);
        } else if (json_is_string(value)) {
            let.value.text = json_string_value(value);
            check_expr(parse, &let.value, path); /* may use those before it */
        } else {
            har_problem_add(&parse->reading, path, false, "this must be a number or an expression");
        }
        scenario->lets[scenario->let_count++] = let;
    }
}

static void parse_actor(struct parse *parse, const char *name, json_t *value)
{
    struct har_scenario *scenario = parse->scenario;
    struct har_actor_spec *spec = &scenario->actors[scenario->actor_count++];
    *spec = (struct har_actor_spec){.name = name,
                                    .n.number = 1,
                                    .transport = HAR_TRANSPORT_H2,
                                    .conn = "own",
                                    .room = "{room}"};
    char path[HAR_PATH_MAX];
    (void)snprintf(path, sizeof(path), "$.actors.%s", name);
    har_fields_read(&parse->reading, value, path, har_actor_fields, har_actor_field_count, spec);
    check_exprs(parse, har_actor_fields, har_actor_field_count, spec, path);
    const char *problem = har_actor_settle(spec);
    if (problem != NULL) {
        har_problem_add(&parse->reading, path, false, "%s", problem);
    }
}

static void parse_actors(struct parse *parse)
{
    struct har_scenario *scenario = parse->scenario;
    if (json_object_size(scenario->actors_json) > HAR_ACTORS_MAX) {
        har_problem_add(&parse->reading, "$.actors", false, "more than %d actors", HAR_ACTORS_MAX);
        return;
    }
    scenario->actors =
        har_arena_alloc(&scenario->arena, (HAR_ACTORS_MAX + 1) * sizeof(struct har_actor_spec));
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach (scenario->actors_json, name, value) {
        parse_actor(parse, name, value);
    }
}

/* The names of all phases, before anything refers to them. */
static void collect_phases(struct har_scenario *scenario, json_t *json)
{
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach (json, index, item) {
        const char *name = json_string_value(json_object_get(item, "phase"));
        if (name != NULL && har_phase_index(scenario, name) < 0 &&
            scenario->phase_count < HAR_NODES_MAX) {
            scenario->phases[scenario->phase_count++] = name;
        }
        collect_phases(scenario, json_object_get(item, "do"));
        collect_phases(scenario, json_object_get(item, "parallel"));
        collect_phases(scenario, json_is_array(item) ? item : NULL);
    }
}

static void parse_node(struct parse *parse, json_t *json, const char *path, struct har_node *node);

static struct har_node *parse_nodes(struct parse *parse, json_t *json, const char *path,
                                    size_t *ret_count)
{
    *ret_count = 0;
    if (!json_is_array(json) || json_array_size(json) > HAR_NODES_MAX) {
        har_problem_add(&parse->reading, path, false, "this must be an array of at most %d steps",
                        HAR_NODES_MAX);
        return NULL;
    }
    if (parse->depth >= HAR_NESTING_MAX) {
        har_problem_add(&parse->reading, path, false, "steps are nested too deeply");
        return NULL;
    }
    size_t count = json_array_size(json);
    struct har_node *nodes =
        har_arena_alloc(&parse->scenario->arena, (count + 1) * sizeof(struct har_node));
    parse->depth++;
    for (size_t i = 0; i < count; i++) {
        char inner[HAR_PATH_MAX];
        (void)snprintf(inner, sizeof(inner), "%s[%zu]", path, i);
        parse_node(parse, json_array_get(json, i), inner, &nodes[i]);
    }
    parse->depth--;
    *ret_count = count;
    return nodes;
}

static void parse_args(struct parse *parse, json_t *json, const char *path, struct har_node *node)
{
    const struct har_step_type *type = node->type;
    node->json = json;
    node->args = har_arena_alloc(&parse->scenario->arena, type->args_size + 1);
    size_t before = parse->reading.problems->count;
    har_fields_read(&parse->reading, json, path, type->fields, type->field_count, node->args);
    check_exprs(parse, type->fields, type->field_count, node->args, path);
    bool is_read = parse->reading.problems->count == before;
    const char *problem = type->problem == NULL || !is_read ? NULL : type->problem(node->args);
    if (problem == NULL && type->needs_proxy && !har_via_is_used(parse->scenario)) {
        problem = "no actor goes via the proxy: one needs \"via\": \"proxy\"";
    }
    if (problem != NULL) {
        har_problem_add(&parse->reading, path, false, "%s", problem);
    }
    if (type->children == HAR_CHILDREN_NONE) {
        return;
    }
    const char *key = type->children == HAR_CHILDREN_TRACKS ? type->name : "do";
    char inner[HAR_PATH_MAX];
    (void)snprintf(inner, sizeof(inner), "%s.%s", path, key);
    node->children = parse_nodes(parse, json_object_get(json, key), inner, &node->child_count);
}

/* {"pub":{"send":{...}}} */
static void parse_verb(struct parse *parse, json_t *json, const char *path, struct har_node *node)
{
    void *member = json_object_iter(json);
    const char *actor = json_object_iter_key(member);
    json_t *verbs = json_object_iter_value(member);
    char inner[HAR_PATH_MAX];
    (void)snprintf(inner, sizeof(inner), "%s.%s", path, actor);
    if (!har_select_actors(parse->scenario, actor, &node->who)) {
        const char *nearest = har_actor_nearest(parse->scenario, actor);
        nearest = nearest != NULL ? nearest : har_step_nearest(actor, true);
        har_problem_add(&parse->reading, inner, true,
                        "'%.100s' is neither an actor nor a step%s%s%s", actor,
                        nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "'?");
        return;
    }
    if (json_object_size(json) != 1 || !json_is_object(verbs) || json_object_size(verbs) != 1) {
        har_problem_add(&parse->reading, path, false,
                        "a step is {\"actor\": {\"verb\": {...}}}, with one actor and one verb");
        return;
    }
    const char *verb = json_object_iter_key(json_object_iter(verbs));
    (void)snprintf(inner, sizeof(inner), "%s.%s.%s", path, actor, verb);
    node->type = har_step_find(verb);
    if (node->type == NULL || node->type->kinds == 0) {
        const char *nearest = har_step_nearest(verb, false);
        har_problem_add(&parse->reading, inner, true, "unknown verb '%.100s'%s%s%s", verb,
                        nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "'?");
        node->type = NULL;
        return;
    }
    node->actor = actor;
    for (size_t i = 0; i < parse->scenario->actor_count; i++) {
        const struct har_actor_spec *spec = &parse->scenario->actors[i];
        if ((node->who >> i & 1) == 0) {
            continue;
        }
        if ((node->type->kinds & HAR_BIT((unsigned)spec->kind)) == 0) {
            har_problem_add(&parse->reading, inner, true, "a %s cannot %s",
                            har_kind_names[spec->kind], verb);
        }
        if (node->type->needs_h2 && spec->transport != HAR_TRANSPORT_H2) {
            har_problem_add(&parse->reading, inner, true, "'%s' needs the transport h2", verb);
        }
    }
    parse_args(parse, json_object_iter_value(json_object_iter(verbs)), inner, node);
}

static void parse_node(struct parse *parse, json_t *json, const char *path, struct har_node *node)
{
    node->path = keep_path(parse, path);
    if (json_is_array(json)) { /* a track of a parallel step */
        node->type = har_step_find("track");
        node->json = json;
        node->children = parse_nodes(parse, json, path, &node->child_count);
        return;
    }
    if (!json_is_object(json) || json_object_size(json) == 0) {
        har_problem_add(&parse->reading, path, false, "a step must be an object");
        return;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (json, key, value) {
        const struct har_step_type *type = har_step_find(key);
        if (type != NULL && type->kinds == 0) {
            node->type = type;
            parse_args(parse, json, path, node);
            return;
        }
    }
    parse_verb(parse, json, path, node);
}

static void check_common(struct parse *parse, struct har_check_common *common, const char *path)
{
    const struct har_scenario *scenario = parse->scenario;
    char inner[HAR_PATH_MAX];
    if (common->of != NULL && !har_select_actors(scenario, common->of, &common->of_mask)) {
        (void)snprintf(inner, sizeof(inner), "%s.of", path);
        har_problem_near(&parse->reading, inner, har_actor_nearest(scenario, common->of),
                         "no actor '%.100s'", common->of);
    }
    if (common->from != NULL && !har_select_actors(scenario, common->from, &common->from_mask)) {
        (void)snprintf(inner, sizeof(inner), "%s.from", path);
        har_problem_near(&parse->reading, inner, har_actor_nearest(scenario, common->from),
                         "no actor '%.100s'", common->from);
    }
    for (size_t i = 0; i < scenario->actor_count && common->from == NULL; i++) {
        int kind = scenario->actors[i].kind;
        bool is_sender = kind == HAR_PUBLISHER || kind == HAR_CHAT;
        common->from_mask |= is_sender ? UINT64_C(1) << i : 0;
    }
    for (size_t i = 0; i < common->phase.count; i++) {
        if (har_phase_index(scenario, common->phase.items[i]) < 0) {
            (void)snprintf(inner, sizeof(inner), "%s.phase", path);
            har_problem_near(&parse->reading, inner,
                             har_phase_nearest(scenario, common->phase.items[i]),
                             "no phase '%.100s'", common->phase.items[i]);
        }
    }
}

static void parse_check(struct parse *parse, json_t *json, const char *path)
{
    const char *key = NULL;
    json_t *value = NULL;
    struct har_scenario *scenario = parse->scenario;
    json_object_foreach (json, key, value) {
        const struct har_check_type *type = har_check_find(key);
        if (type == NULL) {
            continue;
        }
        struct har_check_node *node = &scenario->checks[scenario->check_count++];
        node->type = type;
        node->path = keep_path(parse, path);
        node->args = har_arena_alloc(&scenario->arena, type->args_size);
        har_fields_read(&parse->reading, json, path, type->fields, type->field_count, node->args);
        check_exprs(parse, type->fields, type->field_count, node->args, path);
        check_common(parse, node->args, path);
        return;
    }
    const char *first = json_object_iter_key(json_object_iter(json));
    const char *nearest = first == NULL ? NULL : har_check_nearest(first);
    har_problem_add(&parse->reading, path, false, "none of its keys names a check%s%s%s",
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

static void parse_checks(struct parse *parse)
{
    struct har_scenario *scenario = parse->scenario;
    size_t count = json_array_size(scenario->expect_json);
    if (scenario->expect_json != NULL && !json_is_array(scenario->expect_json)) {
        har_problem_add(&parse->reading, "$.expect", false, "this must be an array");
    }
    scenario->checks =
        har_arena_alloc(&scenario->arena, (count + 1) * sizeof(struct har_check_node));
    for (size_t i = 0; i < count; i++) {
        char path[HAR_PATH_MAX];
        (void)snprintf(path, sizeof(path), "$.expect[%zu]", i);
        parse_check(parse, json_array_get(scenario->expect_json, i), path);
    }
}

static void read_calibrate(struct parse *parse)
{
    struct har_scenario *scenario = parse->scenario;
    for (size_t i = 0; i < scenario->calibrate.count; i++) {
        const char *name = scenario->calibrate.items[i];
        enum har_calibrated found = har_calibrated_find(name);
        if (found != HAR_CALIBRATED) {
            scenario->calibrate_mask |= HAR_BIT(found);
            continue;
        }
        const char *nearest = sl_cli_nearest(name, har_calibrated_names, HAR_CALIBRATED);
        har_problem_add(&parse->reading, "$.calibrate", false, "'%.60s' cannot be measured%s%s%s",
                        name, nearest == NULL ? "" : "; did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    }
}

static void parse_root(struct parse *parse)
{
    struct har_scenario *scenario = parse->scenario;
    har_fields_read(&parse->reading, scenario->root, "$", har_scenario_fields,
                    har_scenario_field_count, scenario);
    read_calibrate(parse);
    scenario->phases = har_arena_alloc(&scenario->arena, HAR_NODES_MAX * sizeof(char *));
    collect_phases(scenario, scenario->run_json);
    parse_lets(parse);
    parse_actors(parse);
    if (scenario->run_json != NULL) {
        scenario->run = parse_nodes(parse, scenario->run_json, "$.run", &scenario->run_count);
    }
    parse_checks(parse);
    check_expr(parse, &scenario->seconds, "$.seconds");
    har_words_check(&parse->reading, scenario);
}

struct har_scenario *har_scenario_parse(struct sl_span text, const char *path, const char *id,
                                        struct har_problems *problems)
{
    problems->count = problems->warning_count = 0;
    json_error_t error;
    struct har_scenario *scenario = sl_alloc(sizeof(*scenario));
    scenario->id = sl_strdup(id);
    scenario->path = sl_strdup(path);
    scenario->root = json_loadb((const char *)text.data, text.len,
                                JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    struct parse parse = {
        .scenario = scenario,
        .reading = {.text = text, .arena = &scenario->arena, .problems = problems},
    };
    if (scenario->root == NULL) {
        problems->count = 1;
        problems->items[0] = (struct har_problem){.path = "$", .line = (size_t)error.line};
        (void)snprintf(problems->items[0].text, sizeof(problems->items[0].text),
                       "not valid JSON: %s", error.text);
    } else {
        parse_root(&parse);
    }
    if (problems->count > problems->warning_count) {
        har_scenario_free(scenario);
        return NULL;
    }
    return scenario;
}

struct har_scenario *har_scenario_load(const char *path, const char *id,
                                       struct har_problems *problems)
{
    size_t len = 0;
    struct sl_error error = {0};
    char *text = har_read_file(path, HAR_SCENARIO_MAX, &len, &error);
    if (text == NULL) {
        problems->count = 1;
        problems->warning_count = 0;
        problems->items[0] = (struct har_problem){0};
        (void)snprintf(problems->items[0].text, sizeof(problems->items[0].text), "%s", error.text);
        return NULL;
    }
    struct har_scenario *scenario = har_scenario_parse(sl_span(text, len), path, id, problems);
    sl_free(text);
    return scenario;
}

void har_scenario_free(struct har_scenario *scenario)
{
    if (scenario == NULL) {
        return;
    }
    json_decref(scenario->root);
    har_arena_release(&scenario->arena);
    sl_free(scenario->id);
    sl_free(scenario->path);
    sl_free(scenario);
}
