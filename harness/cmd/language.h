/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LANGUAGE_H
#define HAR_LANGUAGE_H

/* `explain language`: the keys of scenarios and actors, every step, verb and check with its keys, as Markdown, out
 * of the very tables that the parser reads by. docs/SCENARIOS.md ends with its output (ci/generate). */
#include <stdio.h>

void har_language_print(FILE *out);

#endif
