/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PCAPNG_TIME_H
#define INS_PCAPNG_TIME_H

/* The clock of a pcapng interface: options if_tsresol and if_tsoffset. */
#include <stdbool.h>
#include <stdint.h>

struct ins_pcapng_clock {
    bool is_known;    /* false: a resolution that 64 bits cannot hold */
    uint64_t units;   /* a second */
    unsigned shift;   /* resolutions finer than 2^-30 are first shifted down by this */
    uint64_t divisor; /* resolutions finer than 10^-9 are first divided by this */
    int64_t offset_s; /* added */
};

/* Microseconds, no offset. */
struct ins_pcapng_clock ins_pcapng_clock_default(void);

/* The value of if_tsresol: 10^-n, or 2^-n when the top bit is set. */
void ins_pcapng_clock_resolution(struct ins_pcapng_clock *clock, uint8_t value);

/* Nanoseconds since 1970. False when that is before 1970, or after 2500, or the resolution unknown. */
bool ins_pcapng_clock_ns(const struct ins_pcapng_clock *clock, uint64_t ticks, uint64_t *ret_ns);

#endif
