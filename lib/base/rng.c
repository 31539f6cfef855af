/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rng.h"

/* splitmix64 spreads a seed over the state, as the generator's authors advise. */
static uint64_t splitmix(uint64_t *x)
{
    *x += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *x;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void sl_rng_init(struct sl_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t x = seed;
    x = splitmix(&x) ^ stream;
    for (int i = 0; i < 4; i++) {
        rng->state[i] = splitmix(&x);
    }
}

uint64_t sl_rng_next(struct sl_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t sl_rng_below(struct sl_rng *rng, uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    uint64_t reject = (UINT64_MAX - bound + 1) % bound; /* 2^64 mod bound */
    uint64_t value = sl_rng_next(rng);
    while (value < reject) {
        value = sl_rng_next(rng);
    }
    return value % bound;
}

double sl_rng_unit(struct sl_rng *rng)
{
    return (double)(sl_rng_next(rng) >> 11) * 0x1.0p-53;
}
