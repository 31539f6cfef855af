/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/topics.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/binding/needs.h"
#include "harness/checks/check.h"
#include "harness/explain/narrate.h"
#include "harness/explain/rule_topic.h"
#include "harness/explain/stacks_topic.h"
#include "harness/rules/rules.h"
#include "harness/scenario/actor_fields.h"
#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/wire/rule.h"

struct word {
    const char *kind, *word, *text;
};
static const struct word words[] = {
#define X(kind, word, text) {kind, word, text},
#include "harness/explain/glossary.def"
#undef X
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- scenarios and tags ---- */

static void add_list(struct har_prose *prose, const char *name, const struct har_strings *strings)
{
    struct sl_buf line;
    if (strings->count == 0) {
        return;
    }
    sl_buf_init(&line, 16 * 1024);
    (void)sl_buf_addf(&line, "%s: ", name);
    for (size_t i = 0; i < strings->count; i++) {
        (void)sl_buf_addf(&line, "%s%s", i == 0 ? "" : ", ", strings->items[i]);
    }
    har_prose_add(prose, 1, sl_buf_str(&line));
    sl_buf_release(&line);
}

static void add_rules(const struct har_scenario *scenario, struct har_prose *prose)
{
    har_prose_section(prose, "Rules that it judges");
    for (size_t i = 0; i < scenario->rules.count; i++) {
        const char *id = scenario->rules.items[i];
        const struct har_rule *rule = har_rule_find(id);
        const char *own = json_string_value(json_object_get(scenario->own_rules, id));
        har_prose_addf(prose, 1, "%s (%s): %s", id, rule == NULL ? "its own" : rule->source,
                       rule != NULL  ? rule->title
                       : own == NULL ? ""
                                     : own);
    }
    har_prose_section(prose, "Where to look first when it fails");
    for (size_t i = 0; i < scenario->rules.count; i++) {
        const char *look = har_rule_look(scenario->rules.items[i]);
        if (look != NULL) {
            har_prose_addf(prose, 1, "%s: %s", scenario->rules.items[i], look);
        }
    }
}

/* What it needs of the methods that it calls, and so of a binding. */
static void add_bound_needs(struct har_prose *prose, const struct har_scenario *scenario)
{
    struct har_bound_needs needs;
    const char *kinds[HAR_BOUND_COUNT];
    struct har_strings list = {.items = kinds};
    har_bound_needs(scenario, &needs);
    for (int i = 0; i < HAR_BOUND_COUNT; i++) {
        if ((needs.mask & HAR_BIT(i)) != 0) {
            kinds[list.count++] = har_bound_need_word((enum har_bound_need)i);
        }
    }
    add_list(prose, "needs of the methods (--binding)", &list);
}

static void explain_scenario(const struct har_topics *topics, const struct har_scenario *scenario,
                             struct har_prose *prose)
{
    const char *ids[HAR_STACK_IDS_MAX];
    size_t count = 0;
    har_prose_begin(prose, "scenario", scenario->id, scenario->title);
    har_prose_section(prose, "The failure in production that it prevents");
    har_prose_add(prose, 0, scenario->why);
    har_narrate(scenario, prose);
    add_rules(scenario, prose);
    for (size_t i = 0; i < scenario->tags.count && count < HAR_STACK_IDS_MAX; i++) {
        ids[count++] = scenario->tags.items[i];
    }
    for (size_t i = 0; i < scenario->rules.count && count < HAR_STACK_IDS_MAX; i++) {
        ids[count++] = scenario->rules.items[i];
    }
    const struct har_stacks_about about = {.scenario = scenario->id, .ids = ids, .count = count};
    har_stacks_add(topics, &about, prose);
    har_prose_section(prose, "About it");
    har_prose_addf(prose, 1, "level: %s", har_level_name(scenario->level));
    add_list(prose, "tags", &scenario->tags);
    add_list(prose, "needs", &scenario->needs);
    add_bound_needs(prose, scenario);
    add_list(prose, "measured before", &scenario->calibrate);
    add_list(prose, "wrong servers that it catches", &scenario->catches);
    if (scenario->is_alone) {
        har_prose_add(prose, 1, "runs alone, as it measures time, capacity or memory");
    }
    har_prose_addf(prose, 1, "file: %s", scenario->path);
    har_prose_addf(prose, 1, "run it: sluice-harness run %s --target HOST:PORT", scenario->id);
    har_prose_end(prose);
}

/* "B1": of the catalogue of scenarios. */
static bool is_catalogue(const char *tag)
{
    return isupper((unsigned char)tag[0]) && isdigit((unsigned char)tag[1]);
}

static bool explain_tag(const struct har_topics *topics, const char *tag, struct har_prose *prose)
{
    bool is_known = false;
    for (size_t i = 0; i < topics->library->count; i++) {
        const struct har_scenario *scenario = topics->library->scenarios[i];
        if (!har_scenario_has_tag(scenario, tag)) {
            continue;
        }
        if (!is_known) {
            har_prose_begin(prose, "tag", tag,
                            is_catalogue(tag) ? "of the catalogue of scenarios"
                                              : "scenarios with this tag (run --tag)");
            har_prose_section(prose, "Scenarios");
        }
        is_known = true;
        har_prose_addf(prose, 1, "%s: %s", scenario->id, scenario->title);
        if (is_catalogue(tag)) {
            har_prose_add(prose, 2, scenario->why);
        }
    }
    if (is_known) {
        const struct har_stacks_about about = {.ids = &tag, .count = 1};
        har_stacks_add(topics, &about, prose);
        har_prose_end(prose);
    }
    return is_known;
}

/* ---- the language ---- */

static void add_fields(struct har_prose *prose, const struct har_field *fields, size_t count,
                       unsigned depth)
{
    for (size_t i = 0; i < count; i++) {
        const struct har_field *field = &fields[i];
        struct sl_buf line;
        sl_buf_init(&line, 16 * 1024);
        (void)sl_buf_addf(&line, "%s%s: %s", field->name, field->is_required ? " (needed)" : "",
                          field->help == NULL ? "" : field->help);
        for (size_t j = 0; field->choices != NULL && field->choices[j] != NULL; j++) {
            (void)sl_buf_addf(&line, "%s%s", j == 0 ? "; one of " : ", ", field->choices[j]);
        }
        har_prose_add(prose, depth, sl_buf_str(&line));
        sl_buf_release(&line);
        if (field->type == HAR_FIELD_OBJECT || field->type == HAR_FIELD_OBJECTS) {
            add_fields(prose, field->fields, field->field_count, depth + 1);
        }
    }
}

static void add_language(struct har_prose *prose, const char *example,
                         const struct har_field *fields, size_t count, const char *id)
{
    har_prose_section(prose, "Example");
    har_prose_code(prose, example);
    if (count > 0) {
        har_prose_section(prose, "Keys");
        add_fields(prose, fields, count, 1);
    }
    const struct har_stacks_about about = {.ids = &id, .count = 1};
    har_stacks_add(NULL, &about, prose);
}

static void explain_step(const struct har_step_type *type, struct har_prose *prose)
{
    har_prose_begin(prose, type->kinds == 0 ? "step" : "verb", type->name, type->help);
    if (type->kinds != 0) {
        struct sl_buf line;
        sl_buf_init(&line, 1024);
        (void)sl_buf_add_str(&line, "A verb of ");
        bool is_first = true;
        for (unsigned kind = 0; har_kind_names[kind] != NULL; kind++) {
            if ((type->kinds & HAR_BIT(kind)) != 0) {
                (void)sl_buf_addf(&line, "%s%s", is_first ? "" : ", ", har_kind_names[kind]);
                is_first = false;
            }
        }
        (void)sl_buf_add_str(&line, type->needs_h2 ? "; their transport is h2." : ".");
        har_prose_section(prose, "");
        har_prose_add(prose, 0, sl_buf_str(&line));
        sl_buf_release(&line);
    }
    add_language(prose, type->example, type->fields, type->field_count, type->name);
    har_prose_end(prose);
}

static void explain_check(const struct har_check_type *type, struct har_prose *prose)
{
    har_prose_begin(prose, "check", type->name, type->help);
    if (type->rule != NULL) {
        har_prose_section(prose, "");
        har_prose_addf(prose, 0, "Broken, unless the scenario says which: %s", type->rule);
    }
    add_language(prose, type->example, type->fields, type->field_count, type->name);
    har_prose_end(prose);
}

static bool explain_kind(const char *name, struct har_prose *prose)
{
    for (unsigned kind = 0; har_kind_names[kind] != NULL; kind++) {
        if (strcmp(har_kind_names[kind], name) != 0) {
            continue;
        }
        size_t count = 0;
        const struct har_step_type *const *types = har_step_types(&count);
        har_prose_begin(prose, "actor", name, "a kind of actor in scenarios");
        har_prose_section(prose, "Its verbs");
        for (size_t i = 0; i < count; i++) {
            if ((types[i]->kinds & HAR_BIT(kind)) != 0) {
                har_prose_addf(prose, 1, "%s: %s", types[i]->name, types[i]->help);
            }
        }
        har_prose_section(prose, "Keys of actors");
        add_fields(prose, har_actor_fields, har_actor_field_count, 1);
        har_prose_end(prose);
        return true;
    }
    return false;
}

/* ---- words ---- */

static void add_needing(const struct har_topics *topics, const char *need, struct har_prose *prose)
{
    bool has_any = false;
    for (size_t i = 0; i < topics->library->count; i++) {
        const struct har_scenario *scenario = topics->library->scenarios[i];
        if (har_strings_has(&scenario->needs, need)) {
            if (!has_any) {
                har_prose_section(prose, "Scenarios that need it");
            }
            has_any = true;
            har_prose_addf(prose, 1, "%s: %s", scenario->id, scenario->title);
        }
    }
}

static void explain_word(const struct har_topics *topics, const struct word *word,
                         struct har_prose *prose)
{
    char level[64];
    size_t count = 0;
    const struct har_rule *rules = har_rules(&count);
    bool has_any = false;
    har_prose_begin(prose, word->kind, word->word, word->kind);
    har_prose_section(prose, "");
    har_prose_add(prose, 0, word->text);
    (void)snprintf(level, sizeof(level), "declared %s", word->word);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i].level, level) == 0) {
            if (!has_any) {
                har_prose_section(prose, "Rules");
            }
            has_any = true;
            har_prose_addf(prose, 1, "%s: %s", rules[i].id, rules[i].title);
        }
    }
    add_needing(topics, word->word, prose);
    const struct har_stacks_about about = {.ids = &word->word, .count = 1};
    har_stacks_add(topics, &about, prose);
    har_prose_end(prose);
}

static bool explain_words(const struct har_topics *topics, const char *id, struct har_prose *prose)
{
    bool is_known = false;
    for (size_t i = 0; i < COUNT(words); i++) {
        bool is_verdict = strcmp(words[i].kind, "verdict") == 0;
        if (is_verdict ? strcasecmp(words[i].word, id) == 0 : strcmp(words[i].word, id) == 0) {
            explain_word(topics, &words[i], prose);
            is_known = true;
        }
    }
    return is_known;
}

/* ---- all ---- */

bool har_topics_explain(const struct har_topics *topics, const char *id, struct har_prose *prose)
{
    const struct har_scenario *scenario = har_library_find(topics->library, id);
    const struct har_step_type *step = har_step_find(id);
    const struct har_check_type *check = har_check_find(id);
    bool is_known = har_rule_topic(topics, id, prose);
    if (scenario != NULL) {
        explain_scenario(topics, scenario, prose);
        is_known = true;
    }
    is_known |= explain_tag(topics, id, prose);
    if (step != NULL && step->children != HAR_CHILDREN_SELF) {
        explain_step(step, prose);
        is_known = true;
    }
    if (check != NULL) {
        explain_check(check, prose);
        is_known = true;
    }
    is_known |= explain_kind(id, prose);
    is_known |= explain_words(topics, id, prose);
    return is_known;
}

/* Calls add for each id that can be asked, with its kind. */
typedef void add_fn(void *owner, const char *kind, const char *id);

static void each_id(const struct har_topics *topics, add_fn *add, void *owner)
{
    size_t count = 0;
    const struct har_rule *rules = har_rules(&count);
    for (size_t i = 0; i < count; i++) {
        add(owner, "Rules of the contract and the catalogue", rules[i].id);
    }
    for (size_t i = 0; sl_rule_at(i) != NULL; i++) {
        add(owner, "Rules of the wire, judged on every connection", sl_rule_at(i)->id);
    }
    const struct har_step_type *const *steps = har_step_types(&count);
    for (size_t i = 0; i < count; i++) {
        if (steps[i]->children != HAR_CHILDREN_SELF) {
            add(owner, "Steps and verbs of scenarios", steps[i]->name);
        }
    }
    const struct har_check_type *const *checks = har_check_types(&count);
    for (size_t i = 0; i < count; i++) {
        add(owner, "Checks of scenarios", checks[i]->name);
    }
    for (unsigned kind = 0; har_kind_names[kind] != NULL; kind++) {
        add(owner, "Kinds of actors", har_kind_names[kind]);
    }
    for (size_t i = 0; i < COUNT(words); i++) {
        add(owner, "Verdicts, exit statuses, levels, capabilities, values of profiles, names",
            words[i].word);
    }
    for (size_t i = 0; i < topics->library->count; i++) {
        const struct har_scenario *scenario = topics->library->scenarios[i];
        for (size_t j = 0; j < scenario->tags.count; j++) {
            add(owner, NULL, scenario->tags.items[j]);
        }
        add(owner, NULL, scenario->id);
    }
}

struct listing {
    struct har_prose *prose;
    const char *kind;
    struct sl_buf line;
};

static void flush(struct listing *listing)
{
    if (listing->line.len > 0) {
        har_prose_section(listing->prose, listing->kind);
        har_prose_add(listing->prose, 0, sl_buf_str(&listing->line));
        sl_buf_clear(&listing->line);
    }
}

static void add_listed(void *owner, const char *kind, const char *id)
{
    struct listing *listing = owner;
    if (kind == NULL) {
        return;
    }
    if (kind != listing->kind) {
        flush(listing);
        listing->kind = kind;
    }
    (void)sl_buf_addf(&listing->line, "%s%s", listing->line.len == 0 ? "" : ", ", id);
}

void har_topics_list(const struct har_topics *topics, struct har_prose *prose)
{
    struct listing listing = {.prose = prose};
    sl_buf_init(&listing.line, 64 * 1024);
    har_prose_begin(prose, "list", "explain ID ...", "what can be asked");
    har_prose_section(prose, "Scenarios");
    har_prose_addf(prose, 0,
                   "%zu of them, by id (`sluice-harness list`) or file; or by a tag: an id of the "
                   "catalogue such as B1 or D8, starter, bursts ...",
                   topics->library->count);
    each_id(topics, add_listed, &listing);
    flush(&listing);
    sl_buf_release(&listing.line);
    har_prose_section(prose, "Whole pages");
    har_prose_add(prose, 0, "rules, coverage, language, schema");
    har_prose_end(prose);
}

struct naming {
    const char **names;
    size_t count, capacity;
};

static void add_name(void *owner, const char *kind, const char *id)
{
    struct naming *naming = owner;
    (void)kind;
    if (naming->count == naming->capacity) {
        naming->capacity = naming->capacity == 0 ? 1024 : 2 * naming->capacity;
        naming->names = sl_realloc(naming->names, naming->capacity * sizeof(naming->names[0]));
    }
    naming->names[naming->count++] = id;
}

const char *har_topics_nearest(const struct har_topics *topics, const char *id)
{
    struct naming naming = {0};
    char upper[64];
    each_id(topics, add_name, &naming);
    const char *nearest = NULL;
    for (size_t i = 0; i < naming.count && nearest == NULL; i++) {
        const char *slash = strrchr(naming.names[i], '/');
        bool is_same = strcasecmp(naming.names[i], id) == 0;        /* sub-04 */
        bool is_last = slash != NULL && strcmp(slash + 1, id) == 0; /* stalled-stream */
        nearest = is_same || is_last ? naming.names[i] : NULL;
    }
    if (nearest == NULL) {
        nearest = sl_cli_nearest(id, naming.names, naming.count);
    }
    if (nearest == NULL) {
        size_t len = strlen(id) < sizeof(upper) ? strlen(id) : sizeof(upper) - 1;
        for (size_t i = 0; i < len; i++) {
            upper[i] = (char)toupper((unsigned char)id[i]);
        }
        upper[len] = '\0';
        nearest = sl_cli_nearest(upper, naming.names, naming.count);
    }
    sl_free(naming.names);
    return nearest;
}
