/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SIPHASH_H
#define SRV_SIPHASH_H

/*
 * SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): without the key
 * nobody can find two inputs with one hash.
 */
#include "lib/base/span.h"

struct srv_siphash {
    uint64_t low, high;
};

/* Of the bytes alone. */
struct srv_siphash srv_siphash(const uint8_t key[16], struct sl_span bytes);

/* Of two byte strings: no other pair has the same input, wherever one ends and the other begins. */
struct srv_siphash srv_siphash_pair(const uint8_t key[16], struct sl_span first,
                                    struct sl_span second);

#endif
