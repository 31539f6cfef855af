/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RNG_H
#define SL_RNG_H

/*
 * Random numbers that a seed repeats: the same seed makes the same run, on every machine. Not for
 * secrets. Each actor has a stream of its own, so that adding one does not shift the others.
 */
#include <stdint.h>

struct sl_rng {
    uint64_t state[4]; /* xoshiro256** (Blackman and Vigna, public domain algorithm) */
};

/* The stream of (seed, stream): different streams of one seed are unrelated. */
void sl_rng_init(struct sl_rng *rng, uint64_t seed, uint64_t stream);

uint64_t sl_rng_next(struct sl_rng *rng);

/* Uniform in [0, bound); 0 when bound is 0. Without modulo bias. */
uint64_t sl_rng_below(struct sl_rng *rng, uint64_t bound);

/* Uniform in [0, 1). */
double sl_rng_unit(struct sl_rng *rng);

#endif
