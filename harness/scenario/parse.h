/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PARSE_H
#define HAR_PARSE_H

/* Scenario files to struct har_scenario. */
#include "harness/scenario/model.h"
#include "harness/scenario/read_file.h"

/* Reads text (borrowed for the call). NULL when it has problems, which are then in problems. */
struct har_scenario *har_scenario_parse(struct sl_span text, const char *path, const char *id,
                                        struct har_problems *problems);
/* The same from a file. */
struct har_scenario *har_scenario_load(const char *path, const char *id,
                                       struct har_problems *problems);
void har_scenario_free(struct har_scenario *scenario);

#endif
