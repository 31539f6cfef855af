/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

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

/* value in exactly count digits. Printf would cost more than the rest of a record. */
static char *digits(char *at, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

const char *sl_clock_rfc3339(uint64_t wall_ns, char out[SL_RFC3339_MAX])
{
    static const char between[] = "--T::."; /* stands after each part */
    time_t seconds = (time_t)(wall_ns / SL_SECOND);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    const int parts[] = {utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                         utc.tm_hour,        utc.tm_min,     utc.tm_sec};
    char *at = out;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        at = digits(at, (unsigned)parts[i], i == 0 ? 4 : 2);
        *at++ = between[i];
    }
    at = digits(at, (unsigned)(wall_ns % SL_SECOND), 9);
    *at++ = 'Z';
    *at = '\0';
    return out;
}
