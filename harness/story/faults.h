/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_FAULTS_H
#define HAR_STORY_FAULTS_H

/*
 * The faults of a play: what its steps and its proxy did to actors, connections or the server.
 *
 * A step is one fault, however many actors it has; so is a subscription whose credit the scenario meters, from when it is
 * registered until it reads freely or leaves. What one fault of the proxy did to several connections at once is one.
 */
#include "harness/engine/play.h"

enum {
    HAR_FAULTS_NOTED_MAX = 4096,
};

/* Times are those of the clock. */
struct har_noted_fault {
    const char *what;
    uint64_t at_ns;
    uint64_t until_ns; /* 0: a moment; the end of the play: it lasted */
    const struct har_node
        *node;    /* the step, or the one that gave the proxy the fault; NULL: not known */
    uint64_t who; /* groups it was done to; 0 where it is about connections or the server */
    const uint32_t
        *connections; /* that the proxy did it to; 0: of a client that is none of the actors */
    size_t connection_count;
    bool is_of_proxy, is_of_server, is_metered;
};

struct har_noted_faults {
    struct har_noted_fault *items; /* by time */
    size_t count, left_out;
    uint32_t *connections; /* of all */
};

void har_noted_faults_init(struct har_noted_faults *faults, struct har_play *play);
void har_noted_faults_release(struct har_noted_faults *faults);

/* True when the fault was done to this actor. */
bool har_noted_fault_hits(const struct har_noted_fault *fault, const struct har_actor *actor);

#endif
