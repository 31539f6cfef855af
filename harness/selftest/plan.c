/* SPDX-License-Identifier: Apache-2.0 */
/* Which scenarios are played against which servers. */
#include <string.h>

#include "harness/selftest/cases.h"
#include "lib/base/alloc.h"
#include "lib/base/rng.h"

enum {
    SHORT_SECONDS = 20, /* that a scenario may take which is drawn */
    DRAWS_MAX = 1000,
};

/* Streams of the seed; wrong servers have theirs by their names. */
enum stream {
    STREAM_MUTANTS,
    STREAM_SCENARIOS,
};

/* They answer whoever asks whether they are there, and nobody after that. */
static const char *const idle_servers[] = {"answers-nothing", "closes-at-once"};

struct plan {
    struct har_cases *cases;
    const struct har_library *library;
    struct har_mutants *mutants;
    const struct har_wish *wish;
    bool *has_mutant, *has_scenario; /* drawn by the seed; all, where no part is wished */
};

static bool matches(const char *glob, const char *text)
{
    return glob == NULL || har_glob(glob, text);
}

static bool is_long(const struct har_scenario *scenario)
{
    return har_scenario_has_tag(scenario, "soak");
}

static void add_case(struct plan *plan, const struct har_case *item)
{
    if (plan->cases->count < HAR_CASES_MAX) {
        plan->cases->items[plan->cases->count++] = *item;
    }
}

/* ---- a part of it all ---- */

/* Marks one in n of count, at least one. */
static bool *draw_part(const struct har_wish *wish, enum stream stream, size_t count)
{
    bool *is_in = sl_calloc(count + 1, sizeof(*is_in));
    size_t one_in = wish->one_in == 0 ? 1 : wish->one_in;
    size_t left = (count + one_in - 1) / one_in;
    struct sl_rng rng;
    sl_rng_init(&rng, wish->seed, stream);
    for (size_t i = 0; i < count; i++) {
        is_in[i] = sl_rng_below(&rng, count - i) < left;
        left -= is_in[i];
    }
    return is_in;
}

static bool is_wished(const struct plan *plan, const struct har_mutant *mutant)
{
    return matches(plan->wish->mutant, mutant->name) &&
           plan->has_mutant[mutant - plan->mutants->items];
}

static const char *frontend_of(const struct plan *plan, const struct har_mutant *mutant)
{
    bool is_chosen = plan->wish->frontend != NULL && har_mutant_is_on_any(mutant);
    return is_chosen ? plan->wish->frontend : mutant->frontend;
}

/* ---- clean servers, and wrong ones that are named ---- */

static void add_clean(struct plan *plan, const struct har_scenario *scenario)
{
    static const char *const both[] = {HAR_FRONTEND_GRPC, HAR_FRONTEND_H2};
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        if (plan->wish->frontend == NULL || strcmp(plan->wish->frontend, both[i]) == 0) {
            add_case(plan, &(struct har_case){
                               .kind = HAR_CASE_CLEAN, .scenario = scenario, .frontend = both[i]});
        }
    }
}

static bool is_claim_wished(const struct plan *plan, const char *name)
{
    const struct har_mutant *mutant = har_mutants_find(plan->mutants, name);
    return mutant == NULL ? matches(plan->wish->mutant, name) : is_wished(plan, mutant);
}

static void add_claim(struct plan *plan, const struct har_scenario *scenario, const char *name)
{
    struct har_mutant *mutant = har_mutants_find(plan->mutants, name);
    add_case(plan, &(struct har_case){
                       .kind = HAR_CASE_CLAIMED,
                       .scenario = scenario,
                       .frontend = mutant == NULL ? HAR_FRONTEND_GRPC : frontend_of(plan, mutant),
                       .mutant_name = name,
                       .mutant = mutant,
                   });
    if (mutant != NULL) {
        mutant->is_expected = true;
    }
}

/* A scenario's clean runs, unless a glob names only wrong servers of others; and its wrong servers. */
static void add_scenario(struct plan *plan, const struct har_scenario *scenario, bool is_drawn)
{
    bool has_claim = false;
    for (size_t i = 0; i < scenario->catches.count; i++) {
        has_claim |= is_claim_wished(plan, scenario->catches.items[i]);
    }
    if (is_drawn && (has_claim || plan->wish->mutant == NULL)) {
        add_clean(plan, scenario);
    }
    for (size_t i = 0; i < scenario->catches.count; i++) {
        if (is_claim_wished(plan, scenario->catches.items[i])) {
            add_claim(plan, scenario, scenario->catches.items[i]);
        }
    }
}

/* ---- wrong servers before scenarios that do not name them ---- */

static bool is_short(const struct har_scenario *scenario)
{
    const struct har_expr *seconds = &scenario->seconds;
    return seconds->text == NULL && seconds->number <= SHORT_SECONDS && !scenario->is_alone &&
           !scenario->is_background && !is_long(scenario);
}

/* The same for a wrong server of that name, whatever else is played. */
static uint64_t stream_of(const char *name)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 1099511628211U;
    }
    return hash;
}

static void add_drawn(struct plan *plan, struct har_mutant *mutant)
{
    const struct har_library *library = plan->library;
    const struct har_scenario *drawn[HAR_DRAWN] = {0};
    size_t count = 0;
    struct sl_rng rng;
    sl_rng_init(&rng, plan->wish->seed, stream_of(mutant->name));
    for (unsigned draw = 0; draw < DRAWS_MAX && count < HAR_DRAWN && library->count > 0; draw++) {
        const struct har_scenario *scenario =
            library->scenarios[sl_rng_below(&rng, library->count)];
        bool is_new = is_short(scenario) && !har_strings_has(&scenario->catches, mutant->name);
        for (size_t i = 0; i < count; i++) {
            is_new &= drawn[i] != scenario;
        }
        if (is_new) {
            drawn[count++] = scenario;
            add_case(plan, &(struct har_case){.kind = HAR_CASE_DRAWN,
                                              .scenario = scenario,
                                              .frontend = frontend_of(plan, mutant),
                                              .mutant_name = mutant->name,
                                              .mutant = mutant});
        }
    }
}

/* ---- servers that do nothing ---- */

static void add_idle(struct plan *plan, const char *name)
{
    struct har_mutant *mutant = har_mutants_find(plan->mutants, name);
    const struct har_wish *wish = plan->wish;
    if (mutant == NULL) {
        plan->cases->is_idle_missing |= wish->mutant == NULL && wish->scenario == NULL;
        return;
    }
    if (wish->mutant == NULL ? wish->scenario != NULL : !har_glob(wish->mutant, name)) {
        return;
    }
    for (size_t i = 0; i < plan->library->count; i++) {
        const struct har_scenario *scenario = plan->library->scenarios[i];
        if (plan->has_scenario[i] && !is_long(scenario) && matches(wish->scenario, scenario->id)) {
            add_case(plan, &(struct har_case){.kind = HAR_CASE_IDLE,
                                              .scenario = scenario,
                                              .frontend = mutant->frontend,
                                              .mutant_name = mutant->name,
                                              .mutant = mutant});
        }
    }
}

void har_cases_plan(struct har_cases *cases, const struct har_library *library,
                    struct har_mutants *mutants, const struct har_wish *wish)
{
    *cases = (struct har_cases){.items = sl_calloc(HAR_CASES_MAX, sizeof(struct har_case))};
    struct plan plan = {
        .cases = cases,
        .library = library,
        .mutants = mutants,
        .wish = wish,
        .has_mutant = draw_part(wish, STREAM_MUTANTS, mutants->count),
        .has_scenario = draw_part(wish, STREAM_SCENARIOS, library->count),
    };
    for (size_t i = 0; i < library->count; i++) {
        const struct har_scenario *scenario = library->scenarios[i];
        if (matches(wish->scenario, scenario->id) &&
            !(wish->scenario == NULL && is_long(scenario))) {
            add_scenario(&plan, scenario, plan.has_scenario[i]);
        }
    }
    for (size_t i = 0; i < mutants->count && wish->scenario == NULL; i++) {
        struct har_mutant *mutant = &mutants->items[i];
        mutant->is_expected = is_wished(&plan, mutant);
        if (mutant->is_expected) {
            add_drawn(&plan, mutant);
        }
    }
    for (size_t i = 0; i < sizeof(idle_servers) / sizeof(idle_servers[0]); i++) {
        add_idle(&plan, idle_servers[i]);
    }
    sl_free(plan.has_mutant);
    sl_free(plan.has_scenario);
}
