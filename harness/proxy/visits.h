/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_VISITS_H
#define HAR_VISITS_H

/*
 * What clients did at the door of the proxy: when each connection came, whether it was let in, and when the
 * client closed it. It is what is known of a client that is judged from outside.
 *
 * A connection that a fault refused counts as an attempt. One that the system itself refuses, because nobody
 * listens, is seen by nobody: where attempts are to be counted, the fault says `first` with `refuse`.
 *
 * Limits: the times of the first HAR_VISITS_MAX connections are kept; all are counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HAR_VISITS_MAX = 100000,
};

struct har_visit {
    uint64_t came_ns;
    uint64_t left_ns; /* the client closed it; 0: it has not */
    bool is_refused;
};

struct har_visits {
    struct har_visit *items;
    size_t count, capacity;
    uint64_t came, left; /* all of them */
    uint64_t open;       /* let in, and ended by nobody yet */
    uint64_t sends;      /* calls of SendMessage on them */
};

void har_visits_release(struct har_visits *visits);
/* The number of the new one, for har_visits_left. */
size_t har_visits_came(struct har_visits *visits, bool is_refused, uint64_t now_ns);
void har_visits_left(struct har_visits *visits, size_t number, uint64_t now_ns);

#endif
