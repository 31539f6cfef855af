/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LANGUAGE_H
#define HAR_LANGUAGE_H

/* `explain language`: every step, verb and check with its keys, as Markdown, out of the very tables that
 * the parser reads by. docs/SCENARIOS.md holds its output. */
#include <stdio.h>

void har_language_print(FILE *out);

#endif
