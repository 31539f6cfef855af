/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_HICCUP_H
#define HAR_HICCUP_H

/*
 * How much the machine paused: a thread that sleeps a millisecond at a time and notes by how much it
 * woke late. What a pause of the machine can explain is not held against a server.
 *
 * A scheduler is kind to a thread that sleeps, and may wake it in time while a busy server waits for a
 * processor. So the thread also counts, many times a second, the threads of the whole machine that
 * want to run (/proc/loadavg; where there is none the machine counts as roomy).
 *
 * Threads: one of its own; the functions may be called from any thread.
 */
#include "lib/base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* Crowded for this part of a time: a server that waits for a processor is late, though no pause is seen. */
#define HAR_CROWDED_PART 0.2

struct har_hiccup;

struct har_hiccup *har_hiccup_new(void); /* NULL when no thread can be had */
void har_hiccup_free(struct har_hiccup *meter);

/* The longest pause of which a part lies in [from_ns, to_ns]; 0 for none, or meter NULL. */
uint64_t har_hiccup_max(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns);
/* All pauses of which a part lies there, together. */
uint64_t har_hiccup_total(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns);
/* The part (0 to 1) of that time in which more threads wanted to run than there are processors. */
double har_hiccup_crowded(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns);
/* Whether all that is enough to explain a failure. */
bool har_hiccup_is_noisy(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns);
/* That this part is HAR_CROWDED_PART or more. */
bool har_hiccup_is_crowded(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns);
/* Whether pauses of total_ns together, and too few processors for crowded_ns, explain that something came excess_ns too
 * late: ten times the pauses, or a queue that grew for half of that time. What is far more is the server's own. */
bool har_hiccup_explains(uint64_t total_ns, uint64_t crowded_ns, uint64_t excess_ns);
/* The same of the pauses of that time; of a want of processors at most most_ns counts. */
bool har_hiccup_may_delay(struct har_hiccup *meter, uint64_t from_ns, uint64_t to_ns,
                          uint64_t most_ns, uint64_t excess_ns);
/* Over the meter's life: the q-quantile (0 to 1) of the lateness, and its maximum. */
uint64_t har_hiccup_quantile(struct har_hiccup *meter, double q);

#endif
