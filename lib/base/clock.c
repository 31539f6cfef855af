/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * SL_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t sl_clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t sl_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

const char *sl_clock_rfc3339(uint64_t wall_ns, char out[SL_RFC3339_MAX])
{
    time_t seconds = (time_t)(wall_ns / SL_SECOND);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    (void)snprintf(out, SL_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   (unsigned)(wall_ns % SL_SECOND));
    return out;
}
