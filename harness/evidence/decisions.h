/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_DECISIONS_H
#define HAR_DECISIONS_H

/*
 * The decision log: what a run chose to do, the same for the same seed.
 *
 * Tracks that run beside each other keep a log each, and the logs are put together in the order of the scenario's file
 * when the tracks are done; so the whole does not show which of them was faster. Lines belong to a group of actors, or
 * to none (control).
 */
#include "harness/engine/play.h"

enum {
    HAR_DECISIONS_MAX = 16 * 1024 * 1024, /* bytes of one play's log; what is beyond is left out */
    HAR_DECISIONS_CONTROL = HAR_ACTORS_MAX,
};

/* Zeroed is empty. */
struct har_decisions {
    struct sl_buf lines; /* each behind the number of its group */
};

/* A step begins: a line for each group of actors it has, or one of control. */
void har_decisions_step(struct har_decisions *log, const struct har_play *play,
                        const struct har_node *node);
/* An actor draws its times of sending: which random stream they come from, and how that begins. */
void har_decisions_draw(struct har_decisions *log, const struct har_actor *actor,
                        const struct har_node *node, const char *what, uint64_t stream);
/* All of other behind what there is. */
void har_decisions_join(struct har_decisions *log, const struct har_decisions *other);
void har_decisions_release(struct har_decisions *log);

/* The lines by groups in the order of the file, control last. */
void har_decisions_sorted(const struct har_decisions *log, struct sl_buf *out);

#endif
