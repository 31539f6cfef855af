/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/stacks_topic.h"

#include <string.h>

#include "harness/baseline/tell.h"
#include "harness/rules/stacks.h"
#include "lib/base/alloc.h"

struct section {
    struct har_prose *prose;
    bool has_begun;
};

static void begin(struct section *section)
{
    if (!section->has_begun) {
        har_prose_section(section->prose, "What known stacks do");
        section->has_begun = true;
    }
}

static void on_told(void *owner, const char *sentence, const char *detail)
{
    struct section *section = owner;
    begin(section);
    har_prose_add(section->prose, 1, sentence);
    if (detail[0] != '\0') {
        har_prose_add(section->prose, 2, detail);
    }
}

static void add_rule(const struct har_topics *topics, const char *rule, struct section *section)
{
    const struct har_library *library = topics->library;
    const char **ids = sl_calloc(library->count + 1, sizeof(ids[0]));
    size_t count = 0;
    for (size_t i = 0; i < library->count; i++) {
        if (har_strings_has(&library->scenarios[i]->rules, rule)) {
            ids[count++] = library->scenarios[i]->id;
        }
    }
    har_baselines_rule(topics->baselines, rule, ids, count, on_told, section);
    sl_free(ids);
}

static void add_facts(const struct har_stacks_about *about, struct section *section)
{
    for (size_t i = 0; har_stack_fact_at(i) != NULL; i++) {
        const struct har_stack_fact *fact = har_stack_fact_at(i);
        bool is_of = false;
        for (size_t j = 0; j < about->count; j++) {
            is_of |= har_stack_fact_is_of(fact, about->ids[j]);
        }
        if (is_of) {
            begin(section);
            har_prose_addf(section->prose, 1, "%s. (%s)", fact->text, fact->where);
        }
    }
}

void har_stacks_add(const struct har_topics *topics, const struct har_stacks_about *about,
                    struct har_prose *prose)
{
    struct section section = {.prose = prose};
    if (topics != NULL && topics->baselines != NULL && about->scenario != NULL) {
        har_baselines_scenario(topics->baselines, about->scenario, on_told, &section);
    }
    if (topics != NULL && topics->baselines != NULL && about->rule != NULL) {
        add_rule(topics, about->rule, &section);
    }
    add_facts(about, &section);
}
