/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMESTAMP_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DURATION_MAX  INT64_C(315576000000) /* 10,000 years */
#define DAY           INT64_C(86400)

enum { NANOS_MAX = 999999999 };

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Years begin in March here, so
 * that the leap day is the last one of its year. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t march_month = month > 2 ? month - 3 : month + 9;
    int64_t leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    return march_year * 365 + leap_days + (153 * march_month + 2) / 5 + day - 1 - 719468;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* The date of a day since 1970-01-01, within the years 1 to 9999. */
static void date_of_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    int64_t year = 1970 + days / 366; /* at or before the year for days >= 0, corrected below */
    if (days < 0) {
        year = 1969 + days / 365 - 1;
    }
    year = year < 1 ? 1 : year;
    while (days >= days_of_date(year + 1, 1, 1)) {
        year++;
    }
    int64_t month = 1;
    int64_t rest = days - days_of_date(year, 1, 1);
    while (rest >= days_in_month(year, month)) {
        rest -= days_in_month(year, month);
        month++;
    }
    *ret_year = year;
    *ret_month = month;
    *ret_day = rest + 1;
}

/* Appends ".123", ".123456" or ".123456789" to text; nothing for 0. */
static void add_fraction(char *text, size_t size, int32_t nanos)
{
    size_t len = strlen(text);
    if (nanos == 0) {
        return;
    }
    if (nanos % 1000000 == 0) {
        (void)snprintf(text + len, size - len, ".%03d", nanos / 1000000);
    } else if (nanos % 1000 == 0) {
        (void)snprintf(text + len, size - len, ".%06d", nanos / 1000);
    } else {
        (void)snprintf(text + len, size - len, ".%09d", nanos);
    }
}

enum sl_status sl_proto_time_timestamp_text(struct sl_proto_time time, char out[SL_PROTO_TIME_MAX])
{
    if (time.seconds < TIMESTAMP_MIN || time.seconds > TIMESTAMP_MAX || time.nanos < 0 ||
        time.nanos > NANOS_MAX) {
        return SL_LIMIT;
    }
    int64_t days = time.seconds / DAY;
    int64_t rest = time.seconds % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    int64_t year;
    int64_t month;
    int64_t day;
    date_of_days(days, &year, &month, &day);
    (void)snprintf(out, SL_PROTO_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
                   (int)day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    add_fraction(out, SL_PROTO_TIME_MAX, time.nanos);
    (void)strncat(out, "Z", 2);
    return SL_OK;
}

/* What is left of a text that is being read. */
struct cursor {
    const char *pos, *end;
    bool is_bad;
};

/* Exactly digits decimal digits. */
static int64_t number(struct cursor *c, int digits)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        if (c->pos == c->end || *c->pos < '0' || *c->pos > '9') {
            c->is_bad = true;
            return 0;
        }
        value = value * 10 + (*c->pos++ - '0');
    }
    return value;
}

/* True, and past it, when the next byte is one of these. */
static bool is_next(struct cursor *c, const char *any_of)
{
    if (c->pos < c->end && *c->pos != '\0' && strchr(any_of, *c->pos) != NULL) {
        c->pos++;
        return true;
    }
    return false;
}

static void expect(struct cursor *c, const char *any_of)
{
    if (!is_next(c, any_of)) {
        c->is_bad = true;
    }
}

/* A fraction of a second, when there is one: "." and one to nine digits. */
static int32_t fraction(struct cursor *c)
{
    if (!is_next(c, ".")) {
        return 0;
    }
    int32_t nanos = 0;
    int digits = 0;
    while (c->pos < c->end && *c->pos >= '0' && *c->pos <= '9' && digits < 9) {
        nanos = nanos * 10 + (*c->pos++ - '0');
        digits++;
    }
    c->is_bad = c->is_bad || digits == 0;
    for (; digits < 9; digits++) {
        nanos *= 10;
    }
    return nanos;
}

/* "Z", or "+02:00" as seconds east of UTC. */
static int64_t offset(struct cursor *c)
{
    if (is_next(c, "Z")) {
        return 0;
    }
    bool is_west = is_next(c, "-");
    if (!is_west) {
        expect(c, "+");
    }
    int64_t hours = number(c, 2);
    expect(c, ":");
    int64_t minutes = number(c, 2);
    c->is_bad = c->is_bad || hours > 23 || minutes > 59;
    return (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
}

enum sl_status sl_proto_time_timestamp_read(struct sl_span text, struct sl_proto_time *ret_time)
{
    struct cursor c = {.pos = (const char *)text.data, .is_bad = text.len == 0};
    c.end = text.len == 0 ? c.pos : c.pos + text.len;
    int64_t year = number(&c, 4);
    expect(&c, "-");
    int64_t month = number(&c, 2);
    expect(&c, "-");
    int64_t day = number(&c, 2);
    expect(&c, "T");
    int64_t hour = number(&c, 2);
    expect(&c, ":");
    int64_t minute = number(&c, 2);
    expect(&c, ":");
    int64_t second = number(&c, 2);
    int32_t nanos = fraction(&c);
    int64_t east = offset(&c);
    if (c.is_bad || c.pos != c.end || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59) {
        return SL_MALFORMED;
    }
    int64_t seconds = days_of_date(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    *ret_time = (struct sl_proto_time){seconds - east, nanos};
    bool is_in_range = ret_time->seconds >= TIMESTAMP_MIN && ret_time->seconds <= TIMESTAMP_MAX;
    return is_in_range ? SL_OK : SL_LIMIT;
}

static bool is_duration(struct sl_proto_time time)
{
    bool is_in_range = time.seconds >= -DURATION_MAX && time.seconds <= DURATION_MAX &&
                       time.nanos >= -NANOS_MAX && time.nanos <= NANOS_MAX;
    bool is_one_sign =
        !(time.seconds < 0 && time.nanos > 0) && !(time.seconds > 0 && time.nanos < 0);
    return is_in_range && is_one_sign;
}

enum sl_status sl_proto_time_duration_text(struct sl_proto_time time, char out[SL_PROTO_TIME_MAX])
{
    if (!is_duration(time)) {
        return SL_LIMIT;
    }
    bool is_negative = time.seconds < 0 || time.nanos < 0;
    int64_t seconds = time.seconds < 0 ? -time.seconds : time.seconds;
    int32_t nanos = time.nanos < 0 ? -time.nanos : time.nanos;
    (void)snprintf(out, SL_PROTO_TIME_MAX, "%s%" PRId64, is_negative ? "-" : "", seconds);
    add_fraction(out, SL_PROTO_TIME_MAX, nanos);
    (void)strncat(out, "s", 2);
    return SL_OK;
}

enum sl_status sl_proto_time_duration_read(struct sl_span text, struct sl_proto_time *ret_time)
{
    struct cursor c = {.pos = (const char *)text.data, .is_bad = text.len == 0};
    c.end = text.len == 0 ? c.pos : c.pos + text.len;
    int sign = is_next(&c, "-") ? -1 : 1;
    int64_t seconds = 0;
    int digits = 0;
    while (c.pos < c.end && *c.pos >= '0' && *c.pos <= '9' && digits < 18) {
        seconds = seconds * 10 + (*c.pos++ - '0');
        digits++;
    }
    int32_t nanos = fraction(&c);
    expect(&c, "s");
    if (c.is_bad || digits == 0 || c.pos != c.end) {
        return SL_MALFORMED;
    }
    *ret_time = (struct sl_proto_time){sign * seconds, sign * nanos};
    return is_duration(*ret_time) ? SL_OK : SL_LIMIT;
}
