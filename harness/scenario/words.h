/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_WORDS_H
#define HAR_WORDS_H

/*
 * Words of a scenario that must be known elsewhere, once the rest of it is read: capabilities, rules, tags that
 * look like a number of the catalogue, actors that no step names (a warning).
 */
#include "harness/scenario/model.h"

void har_words_check(struct har_reading *reading, const struct har_scenario *scenario);

/* The actor nearest to the first name of a selector that is none; NULL: nothing is near. */
const char *har_actor_nearest(const struct har_scenario *scenario, const char *selector);
const char *har_phase_nearest(const struct har_scenario *scenario, const char *name);

/* A built-in rule, or one of the scenario's own. */
bool har_scenario_has_rule(const struct har_scenario *scenario, const char *id);

#endif
