/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_STEPS_H
#define HAR_CHAOS_STEPS_H

/*
 * What is done to one group of victims, as steps of a scenario: its beginning, its faults in a cycle, its healing.
 *
 * A group's faults follow each other on one track, so that none meets a stream that another one has ended; those
 * after which its clients cannot go on come last. What lasts to the end of the cycle is ended by the healing.
 */
#include <jansson.h>

#include "harness/chaos/schedule.h"

enum { HAR_CHAOS_NAME_MAX = 16 };

/* "v0": the actor of a group. */
void har_chaos_name(size_t group, char name[HAR_CHAOS_NAME_MAX]);
/* Whether the server, or the network, may end the streams of a group in a cycle. */
bool har_chaos_may_end(const struct har_chaos_schedule *schedule, size_t group);

/* {"actor": {"verb": args}}; takes args. */
json_t *har_chaos_step(const char *actor, const char *verb, json_t *args);
/* Nothing but time. */
json_t *har_chaos_rest(unsigned ms);

/* Appends: the group is there. */
void har_chaos_begin(const struct har_chaos_schedule *schedule, size_t group, json_t *steps);
/* Appends: its faults, in order. */
void har_chaos_suffer(const struct har_chaos_schedule *schedule, size_t group, json_t *steps);
/* Appends: it is there again, whatever was. */
void har_chaos_heal(const struct har_chaos_schedule *schedule, size_t group, json_t *steps);

#endif
