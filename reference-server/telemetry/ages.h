/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_AGES_H
#define SRV_AGES_H

/*
 * How old the oldest open call of each method is. Calls begin in the order of time, so the oldest is the first of a
 * list that new ones are appended to.
 *
 * Ownership: nodes are embedded in what they stand for.
 * Threads:   one at a time adds and removes; any asks.
 */
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/tally.h"

enum {
    SRV_AGES_MAX = 16, /* lists */
};

struct srv_age {
    uint64_t started_ns;
    struct srv_age *next;
    struct srv_age *prev;
};

/* Zeroed is empty. */
struct srv_ages {
    struct srv_age *lists[SRV_AGES_MAX];
    struct sl_tally oldest[SRV_AGES_MAX]; /* when it began; 0: none */
};

/* list is below SRV_AGES_MAX; started_ns is not before that of another one in it, and not 0. */
void srv_ages_add(struct srv_ages *ages, size_t list, struct srv_age *age, uint64_t started_ns);

/* age was added to this list. */
void srv_ages_remove(struct srv_ages *ages, size_t list, struct srv_age *age);

/* The age of the oldest; 0 when there is none. */
uint64_t srv_ages_oldest(const struct srv_ages *ages, size_t list, uint64_t now_ns);

#endif
