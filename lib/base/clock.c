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

/* Year, month and day of a day since 1970 in the Gregorian calendar: counted in years that begin in
 * March, so that the leap day is the last. gmtime_r() looks at time zones first, which costs more. */
static void civil(uint64_t day, unsigned ret_date[3])
{
    enum { DAYS_400 = 146097, DAYS_TO_1970 = 719468 }; /* from March 1st of year 0 */
    uint64_t since = day + DAYS_TO_1970;
    uint64_t era = since / DAYS_400;
    unsigned of_era = (unsigned)(since % DAYS_400);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0: March */
    ret_date[2] = of_year - (153 * month + 2) / 5 + 1;
    ret_date[1] = month < 10 ? month + 3 : month - 9;
    ret_date[0] = (unsigned)(year + era * 400) + (ret_date[1] <= 2 ? 1 : 0);
}

const char *sl_clock_rfc3339(uint64_t wall_ns, char out[SL_RFC3339_MAX])
{
    uint64_t seconds = wall_ns / SL_SECOND;
    unsigned date[3];
    unsigned of_day = (unsigned)(seconds % 86400);
    civil(seconds / 86400, date);
    char *at = digits(out, date[0], 4);
    *at++ = '-';
    at = digits(at, date[1], 2);
    *at++ = '-';
    at = digits(at, date[2], 2);
    *at++ = 'T';
    at = digits(at, of_day / 3600, 2);
    *at++ = ':';
    at = digits(at, of_day / 60 % 60, 2);
    *at++ = ':';
    at = digits(at, of_day % 60, 2);
    *at++ = '.';
    at = digits(at, (unsigned)(wall_ns % SL_SECOND), 9);
    *at++ = 'Z';
    *at = '\0';
    return out;
}
