/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SEEN_H
#define HAR_SEEN_H

/*
 * What came over the wire of frames that a scenario wrote, in a few words ("RST_STREAM(PROTOCOL_ERROR)"): of what passes
 * too, so that the answers of one stack can be compared with those of others.
 *
 * In the order of the scenario's steps, not of time: two plays of a server that answers alike have the same list.
 * Limits: HAR_SEEN_MAX entries; of what comes beyond them only the number is kept.
 */
#include <stddef.h>

enum {
    HAR_SEEN_MAX = 64,
    HAR_SEEN_TEXT_MAX = 64,
};

struct har_seen {
    const char *at;    /* path of the step; borrows the scenario */
    const char *actor; /* its name there; borrowed too */
    char what[HAR_SEEN_TEXT_MAX];
    unsigned count; /* of actors of that name, and of rounds of that step */
};

struct har_seen_list {
    struct har_seen items[HAR_SEEN_MAX];
    size_t count;
    unsigned left_out;
};

/* what is cut where it is longer. */
void har_seen_note(struct har_seen_list *list, const char *at, const char *actor, const char *what);
/* The name of the actor of the first entry of this step; NULL: nothing was seen there. */
const char *har_seen_actor(const struct har_seen_list *list, const char *at);

#endif
