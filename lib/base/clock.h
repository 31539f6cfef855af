/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CLOCK_H
#define SL_CLOCK_H

/*
 * Time is uint64_t nanoseconds everywhere. The core libraries are given the time; only programs
 * read a clock, so that tests own theirs.
 */
#include <stddef.h>
#include <stdint.h>

#define SL_US     UINT64_C(1000)
#define SL_MS     UINT64_C(1000000)
#define SL_SECOND UINT64_C(1000000000)

/* CLOCK_MONOTONIC: for durations; never steps. */
uint64_t sl_clock_mono_ns(void);

/* CLOCK_REALTIME since 1970: for stamps that leave the machine. */
uint64_t sl_clock_wall_ns(void);

enum {
    SL_RFC3339_MAX = 96, /* 30 are used; the rest is what the compiler must assume of int fields */
};

/* wall_ns as "2026-01-02T03:04:05.000000006Z" into out; returns out. */
const char *sl_clock_rfc3339(uint64_t wall_ns, char out[SL_RFC3339_MAX]);

#endif
