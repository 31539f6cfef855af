/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/narrate.h"

#include <ctype.h>
#include <string.h>

#include "harness/checks/check.h"
#include "harness/explain/phrase.h"
#include "harness/scenario/predicate.h"
#include "harness/steps/step.h"

enum {
    SENTENCE_MAX = 16 * 1024,
};

struct phrase {
    const char *name, *template;
};
static const struct phrase actors[] = {
#define ACTOR(kind, template) {#kind, template},
#include "harness/explain/phrases.def"
};
static const struct phrase steps[] = {
#define STEP(verb, template) {#verb, template},
#include "harness/explain/phrases.def"
};
static const struct phrase checks[] = {
#define CHECK(check, template) {#check, template},
#include "harness/explain/phrases.def"
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the names of expressions stand for; those of the profile are told as such. */
static const struct phrase symbols[] = {
    {"B", "the server's buffer, in messages, of the profile or as measured"},
    {"H", "messages of L bytes that the stack below the server holds: as measured, or estimated"},
    {"S", "the longest pause of the machine so far, in ms"},
    {"k", "max(1, S / 10), at most 3"},
    {"KA", "keepalive_time_ms of the profile, else 2000"},
    {"DG", "drain_grace_ms of the profile, else 5000"},
    {"is_oldest", "1 where the profile drops the oldest, else 0"},
    {"is_dedup", "1 where the server drops repeated messages, else 0"},
    {"is_fed", "1 where what is sent by unary calls comes on the server streams, else 0"},
    {"is_observed", "1 where the server's memory can be seen (--exec, --pid), else 0"},
    {"process_alive", "1 while anything is left of the server's process, else 0"},
    {"exit_status", "the exit status of the server's process"},
    {"rtt", "a round trip as measured, in ms"},
    {"rtt_p99", "the 99th percentile of round trips, in ms"},
    {"capacity", "messages a second that the server takes without loss, as measured"},
};

static const char *find(const struct phrase *phrases, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(phrases[i].name, name) == 0) {
            return phrases[i].template;
        }
    }
    return NULL;
}

const char *har_narrate_actor(const char *kind)
{
    return find(actors, COUNT(actors), kind);
}

const char *har_narrate_step(const char *verb)
{
    return find(steps, COUNT(steps), verb);
}

const char *har_narrate_check(const char *check)
{
    return find(checks, COUNT(checks), check);
}

/* ---- actors ---- */

static void add_actors(const struct har_scenario *scenario, struct har_prose *prose)
{
    static const char *const none[] = {"kind", NULL};
    const char *name = NULL;
    json_t *spec = NULL;
    har_prose_section(prose, "Who takes part");
    json_object_foreach (scenario->actors_json, name, spec) {
        const char *kind = json_string_value(json_object_get(spec, "kind"));
        const char *template = kind == NULL ? NULL : har_narrate_actor(kind);
        struct sl_buf line;
        sl_buf_init(&line, SENTENCE_MAX);
        (void)sl_buf_addf(&line, "%s: ", name);
        har_phrase_add(&line, template == NULL ? "" : template, spec, false, none);
        har_prose_add(prose, 1, sl_buf_str(&line));
        sl_buf_release(&line);
    }
}

/* ---- steps ---- */

/* " [SUB-04] (why it must be so)" */
static void add_tail(struct sl_buf *line, const char *rule, const char *why)
{
    if (rule != NULL && rule[0] != '\0') {
        (void)sl_buf_addf(line, " (%s)", rule);
    }
    if (why != NULL) {
        (void)sl_buf_addf(line, ": %s", why);
    }
}

/* The keys that a template speaks of: those of an object under the step's own name, or of the step. */
static const json_t *inner(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    return json_is_object(value) ? value : json;
}

static void add_steps(const struct har_node *nodes, size_t count, unsigned depth,
                      struct har_prose *prose);

static void add_step(const struct har_node *node, unsigned depth, struct har_prose *prose)
{
    static const char *const elsewhere[] = {"rule", "why", "do", NULL};
    const char *template = har_narrate_step(node->type->name);
    const json_t *args = node->actor == NULL ? inner(node->json, node->type->name) : node->json;
    struct sl_buf line;
    bool is_plural = false;
    sl_buf_init(&line, SENTENCE_MAX);
    if (node->actor != NULL) {
        is_plural = har_selector_words(&line, node->actor);
        (void)sl_buf_add_u8(&line, ' ');
    }
    har_phrase_add(&line, template == NULL ? node->type->help : template, args, is_plural,
                   elsewhere);
    add_tail(&line, json_string_value(json_object_get(args, "rule")),
             json_string_value(json_object_get(args, "why")));
    har_prose_add(prose, depth, sl_buf_str(&line));
    sl_buf_release(&line);
    add_steps(node->children, node->child_count, depth + 1, prose);
}

static void add_steps(const struct har_node *nodes, size_t count, unsigned depth,
                      struct har_prose *prose)
{
    for (size_t i = 0; i < count; i++) {
        add_step(&nodes[i], depth, prose);
    }
}

/* ---- checks ---- */

/* Of whom a check speaks by its template: the server itself, or nobody. */
static bool has_subject(const char *name)
{
    static const char *const without[] = {"never",    "eventually", "rss_growth",
                                          "rss_peak", "fd",         "threads"};
    for (size_t i = 0; i < COUNT(without); i++) {
        if (strcmp(without[i], name) == 0) {
            return false;
        }
    }
    return true;
}

static void add_check(const struct har_scenario *scenario, size_t index, struct har_prose *prose)
{
    static const char *const elsewhere[] = {"of", "from", "phase", "rule", "why", NULL};
    const struct har_check_node *node = &scenario->checks[index];
    const struct har_check_common *common = node->args;
    const char *name = node->type->name;
    const char *template = har_narrate_check(name);
    const json_t *json = json_array_get(scenario->expect_json, index);
    struct sl_buf line;
    sl_buf_init(&line, SENTENCE_MAX);
    bool is_plural = false;
    if (has_subject(name)) {
        is_plural = har_selector_words(&line, common->of == NULL ? "*" : common->of);
        (void)sl_buf_add_u8(&line, ' ');
    }
    har_phrase_add(&line, template == NULL ? node->type->help : template, inner(json, name),
                   is_plural, elsewhere);
    if (common->from != NULL) {
        (void)sl_buf_add_str(&line, ", of those from ");
        (void)har_selector_words(&line, common->from);
    }
    for (size_t i = 0; i < common->phase.count; i++) {
        (void)sl_buf_addf(&line, "%s%s", i == 0 ? ", in phase " : " and ", common->phase.items[i]);
    }
    add_tail(&line,
             common->rule != NULL                                 ? common->rule
             : node->type->rule != NULL || !scenario->rules.count ? node->type->rule
                                                                  : scenario->rules.items[0],
             common->why);
    har_prose_add(prose, 1, sl_buf_str(&line));
    sl_buf_release(&line);
}

/* ---- names ---- */

/* True where the name stands as a word in a text of the value. */
static bool is_used(const json_t *value, const char *name)
{
    size_t len = strlen(name);
    const char *text = json_string_value(value);
    for (const char *c = text == NULL ? NULL : strstr(text, name); c != NULL;
         c = strstr(c + 1, name)) {
        char before = c == text ? ' ' : c[-1];
        if (!isalnum((unsigned char)before) && before != '_' && before != '.' && before != '{' &&
            !isalnum((unsigned char)c[len]) && c[len] != '_' && c[len] != '(') {
            return true;
        }
    }
    const char *key = NULL;
    json_t *item = NULL;
    size_t index = 0;
    bool is_inside = false;
    json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
        bool is_prose = strcmp(key, "why") == 0 || strcmp(key, "text") == 0;
        is_inside |= !is_prose && is_used(item, name);
    }
    json_array_foreach (value, index, item) {
        is_inside |= is_used(item, name);
    }
    return is_inside;
}

static bool is_used_in(const struct har_scenario *scenario, const char *name)
{
    return is_used(scenario->let_json, name) || is_used(scenario->actors_json, name) ||
           is_used(scenario->run_json, name) || is_used(scenario->expect_json, name);
}

static void add_names(const struct har_scenario *scenario, struct har_prose *prose)
{
    const char *name = NULL;
    json_t *value = NULL;
    bool has_any = json_object_size(scenario->let_json) > 0;
    for (size_t i = 0; i < COUNT(symbols); i++) {
        has_any |= is_used_in(scenario, symbols[i].name);
    }
    if (!has_any) {
        return;
    }
    har_prose_section(prose, "Names");
    json_object_foreach (scenario->let_json, name, value) {
        struct sl_buf line;
        sl_buf_init(&line, SENTENCE_MAX);
        (void)sl_buf_addf(&line, "%s = ", name);
        har_phrase_value(&line, value);
        har_prose_add(prose, 1, sl_buf_str(&line));
        sl_buf_release(&line);
    }
    for (size_t i = 0; i < COUNT(symbols); i++) {
        if (json_object_get(scenario->let_json, symbols[i].name) == NULL &&
            is_used_in(scenario, symbols[i].name)) {
            har_prose_addf(prose, 1, "%s: %s", symbols[i].name, symbols[i].template);
        }
    }
}

void har_narrate(const struct har_scenario *scenario, struct har_prose *prose)
{
    add_actors(scenario, prose);
    har_prose_section(prose, "What is done");
    add_steps(scenario->run, scenario->run_count, 1, prose);
    har_prose_section(prose, "What must be seen");
    for (size_t i = 0; i < scenario->check_count; i++) {
        add_check(scenario, i, prose);
    }
    har_prose_add(
        prose, 1,
        "always: order and no duplicates of every subscriber, nothing invented, no broken "
        "rule of the wire, and the server serves the next client afterwards");
    add_names(scenario, prose);
}
