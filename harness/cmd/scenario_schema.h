/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SCENARIO_SCHEMA_H
#define HAR_SCENARIO_SCHEMA_H

/* `explain schema`: a JSON Schema (draft 7) of scenario files, for editors, out of the very tables that the parser
 * reads by. scenarios/scenario.schema.json holds its output.
 *
 * It knows keys, types, words and the shape of steps and checks. What depends on two places of a file at once (actors,
 * phases, names in expressions) is for `check`; so every file that `check` calls good is valid, not the reverse. */
#include <stdio.h>

void har_scenario_schema_print(FILE *out);
/* The same of binding files (`--binding FILE`). */
void har_binding_schema_print(FILE *out);

#endif
