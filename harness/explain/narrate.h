/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_NARRATE_H
#define HAR_NARRATE_H

/* A scenario's model as sections of prose: who, what they do, what must be seen, what the letters stand for. */
#include "harness/explain/prose.h"
#include "harness/scenario/model.h"

void har_narrate(const struct har_scenario *scenario, struct har_prose *prose);

/* The templates of phrases.def; NULL for a name that has none. */
const char *har_narrate_actor(const char *kind);
const char *har_narrate_step(const char *verb);
const char *har_narrate_check(const char *check);

#endif
