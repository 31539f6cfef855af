/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SCENARIO_FIELDS_H
#define HAR_SCENARIO_FIELDS_H

/* The top keys of a scenario, for the parser, the documentation and the schema. */
#include "harness/scenario/model.h"

/* Into struct har_scenario. */
extern const struct har_field har_scenario_fields[];
extern const size_t har_scenario_field_count;

#endif
