/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/methods.h"

#include "harness/checks/check.h"
#include "harness/steps/step.h"

static const struct sl_method *find(const struct sl_pool *pool, const char *path)
{
    const struct sl_method *method = path == NULL ? NULL : sl_pool_method(pool, sl_span_str(path));
    bool is_whole = method != NULL && method->input != NULL && method->output != NULL;
    return is_whole ? method : NULL;
}

static void add(const struct har_scenario *scenario, const struct sl_pool *pool, const char *path,
                const char *place, struct har_missing *missing)
{
    if (path == NULL || find(pool, path) != NULL || missing->count == HAR_METHODS_MAX) {
        return;
    }
    for (size_t i = 0; i < missing->count; i++) {
        if (strcmp(missing->paths[i], path) == 0) {
            return;
        }
    }
    missing->of[missing->count] = scenario;
    missing->places[missing->count] = place;
    missing->paths[missing->count++] = path;
}

static void add_nodes(const struct har_scenario *scenario, const struct sl_pool *pool,
                      const struct har_node *nodes, size_t count, struct har_missing *missing)
{
    for (size_t i = 0; i < count; i++) {
        const struct har_step_type *type = nodes[i].type;
        if (type->method_of != NULL) {
            add(scenario, pool, type->method_of(nodes[i].args), nodes[i].path, missing);
        }
        add_nodes(scenario, pool, nodes[i].children, nodes[i].child_count, missing);
    }
}

void har_methods_missing(const struct har_scenario *scenario, const struct sl_pool *pool,
                         struct har_missing *missing)
{
    for (size_t i = 0; i < scenario->actor_count; i++) {
        add(scenario, pool, scenario->actors[i].method, "$.actors", missing);
    }
    add_nodes(scenario, pool, scenario->run, scenario->run_count, missing);
}

/* ---- messages ---- */

struct walk {
    const struct har_scenario *scenario;
    const struct sl_pool *pool;
    har_methods_fn *tell;
    void *owner;
};

static void check_with(const struct walk *walk, const struct har_node *node, const char *path)
{
    struct sl_error error = {0};
    struct har_fit fit = {.node = node, .pool = walk->pool, .method = find(walk->pool, path)};
    if (fit.method != NULL && !node->type->fits(&fit, &error)) {
        walk->tell(walk->owner, node->path, error.text);
    }
}

static void check_node(const struct walk *walk, const struct har_node *node)
{
    if (node->type->method_of != NULL) {
        check_with(walk, node, node->type->method_of(node->args));
        return;
    }
    for (size_t i = 0; i < walk->scenario->actor_count; i++) {
        if ((node->who >> i & 1) != 0) {
            check_with(walk, node, walk->scenario->actors[i].method);
        }
    }
}

static void check_nodes(const struct walk *walk, const struct har_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].type->fits != NULL) {
            check_node(walk, &nodes[i]);
        }
        check_nodes(walk, nodes[i].children, nodes[i].child_count);
    }
}

static void check_expect(const struct walk *walk, const struct har_check_node *node)
{
    const struct har_check_common *common = node->args;
    for (size_t i = 0; i < walk->scenario->actor_count; i++) {
        struct sl_error error = {0};
        const struct sl_method *method = find(walk->pool, walk->scenario->actors[i].method);
        if ((common->of_mask >> i & 1) != 0 && method != NULL &&
            !node->type->fits(node->args, method->output, &error)) {
            walk->tell(walk->owner, node->path, error.text);
        }
    }
}

void har_methods_check(const struct har_scenario *scenario, const struct sl_pool *pool,
                       har_methods_fn *tell, void *owner)
{
    struct walk walk = {scenario, pool, tell, owner};
    check_nodes(&walk, scenario->run, scenario->run_count);
    for (size_t i = 0; i < scenario->check_count; i++) {
        if (scenario->checks[i].type->fits != NULL) {
            check_expect(&walk, &scenario->checks[i]);
        }
    }
}
