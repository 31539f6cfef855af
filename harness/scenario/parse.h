/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PARSE_H
#define HAR_PARSE_H

/* Scenario files to struct har_scenario. */
#include "harness/scenario/model.h"

/* Reads text (borrowed for the call). NULL when it has problems, which are then in problems. */
struct har_scenario *har_scenario_parse(struct sl_span text, const char *path, const char *id,
                                        struct har_problems *problems);
/* The same from a file. */
struct har_scenario *har_scenario_load(const char *path, const char *id,
                                       struct har_problems *problems);
void har_scenario_free(struct har_scenario *scenario);

/* All of a file of at most max bytes; NULL with the reason. Yours to sl_free. */
char *har_read_file(const char *path, size_t max, size_t *ret_len, struct sl_error *reterr_error);

#endif
