/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_ACTOR_FIELDS_H
#define HAR_ACTOR_FIELDS_H

/* The keys of an actor, for the parser and the documentation. */
#include "harness/scenario/model.h"

/* By enum har_kind; NULL-terminated. */
extern const char *const har_kind_names[];
/* Into struct har_actor_spec. */
extern const struct har_field har_actor_fields[];
extern const size_t har_actor_field_count;

/* Fills what follows from the keys; NULL, or what is wrong with them. */
const char *har_actor_settle(struct har_actor_spec *spec);

#endif
