/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/select_parse.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/wire/grpc_status.h"

enum {
    STATUS_NAME_MAX = 32,
    NAME_MAX_LEN = 256, /* of metadata */
    FRACTION_DIGITS = 9,
    DAY_S = 86400,
};

static enum sl_status full(struct sl_error *reterr_error)
{
    return sl_error_set(reterr_error, SL_LIMIT, "more than %d are given", INS_SELECT_MAX);
}

enum sl_status ins_select_add_method(struct ins_select *select, const char *text,
                                     struct sl_error *reterr_error)
{
    if (select->method_count == INS_SELECT_MAX) {
        return full(reterr_error);
    }
    select->methods[select->method_count++] = text;
    return SL_OK;
}

enum sl_status ins_select_add_status(struct ins_select *select, const char *text,
                                     struct sl_error *reterr_error)
{
    struct ins_select_status status = {0};
    char name[STATUS_NAME_MAX] = "";
    uint64_t number = 0;
    if (select->status_count == INS_SELECT_MAX) {
        return full(reterr_error);
    }
    for (size_t i = 0; i + 1 < sizeof(name) && text[i] != '\0'; i++) {
        name[i] = (char)toupper((unsigned char)text[i]);
    }
    status.is_open = strcmp(name, "OPEN") == 0;
    if (!status.is_open && sl_grpc_status_parse(sl_span_str(name), &status.code) != SL_OK) {
        if (sl_units_u64(sl_span_str(text), &number) != SL_OK || number > UINT32_MAX) {
            return sl_error_set(reterr_error, SL_USAGE,
                                "give a gRPC status such as UNAVAILABLE, its number, or open");
        }
        status.code = (uint32_t)number;
    }
    select->statuses[select->status_count++] = status;
    return SL_OK;
}

/* --- peers --- */

static bool parse_number(struct sl_span text, uint64_t max, uint64_t *ret_value)
{
    return sl_units_u64(text, ret_value) == SL_OK && *ret_value <= max;
}

/* "10.0.0.0/8" */
static bool parse_network(struct sl_span text, struct ins_select_peer *peer)
{
    char address[INET6_ADDRSTRLEN] = "";
    const uint8_t *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
    size_t len = slash == NULL ? text.len : (size_t)(slash - text.data);
    if (len == 0 || len >= sizeof(address)) {
        return false;
    }
    memcpy(address, text.data, len);
    bool is_v6 = strchr(address, ':') != NULL;
    uint64_t bits = is_v6 ? 128 : 32;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, address, peer->address.bytes) != 1 ||
        (slash != NULL && !parse_number(sl_span_from(text, len + 1), bits, &bits))) {
        return false;
    }
    peer->has_address = true;
    peer->address.version = is_v6 ? 6 : 4;
    peer->prefix = (unsigned)bits;
    return true;
}

static bool parse_peer(const char *text, struct ins_select_peer *peer)
{
    struct sl_span rest = sl_span_str(text), host = rest;
    const char *colon = strrchr(text, ':');
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (end == NULL || (end[1] != ':' && end[1] != '\0')) {
            return false;
        }
        host = sl_span(text + 1, (size_t)(end - text - 1));
        colon = end[1] == ':' ? end + 1 : NULL;
        if (memchr(host.data, ':', host.len) == NULL) {
            return false;
        }
    } else if (colon != NULL && strchr(text, ':') == colon) {
        host = sl_span(text, (size_t)(colon - text));
    } else {
        colon = NULL; /* none, or those of an IPv6 address */
    }
    uint64_t port = 0;
    if (colon != NULL && (!parse_number(sl_span_str(colon + 1), UINT16_MAX, &port) || port == 0)) {
        return false;
    }
    peer->port = (uint16_t)port;
    return host.len == 0 ? colon == text : parse_network(host, peer);
}

enum sl_status ins_select_add_peer(struct ins_select *select, const char *text,
                                   struct sl_error *reterr_error)
{
    struct ins_select_peer peer = {0};
    if (select->peer_count == INS_SELECT_MAX) {
        return full(reterr_error);
    }
    if (!parse_peer(text, &peer)) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "give an address, a network or a port: 10.0.0.1, 10.0.0.0/8, "
                            "10.0.0.1:443, fd00::1, [fd00::1]:443, :443");
    }
    select->peers[select->peer_count++] = peer;
    return SL_OK;
}

/* --- metadata --- */

enum sl_status ins_select_add_metadata(struct ins_select *select, const char *text,
                                       struct sl_error *reterr_error)
{
    if (select->metadata_count == INS_SELECT_MAX) {
        return full(reterr_error);
    }
    const char *equals = strchr(text, '=');
    size_t len = equals == NULL ? strlen(text) : (size_t)(equals - text);
    if (len == 0 || len > NAME_MAX_LEN || strcspn(text, " \t\r\n") < len) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "give NAME or NAME=GLOB, such as x-request-id=4*");
    }
    select->metadata[select->metadata_count++] = (struct ins_select_metadata){
        .text = text, .name_len = len, .glob = equals == NULL ? NULL : equals + 1};
    return SL_OK;
}

/* --- times --- */

/* count digits at *at, which moves behind them. */
static bool take_digits(const char **at, size_t count, uint64_t *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *ret_value = *ret_value * 10 + (uint64_t)(**at - '0');
    }
    return true;
}

/* ".25" in nanoseconds, where there is one. Digits beyond nanoseconds are passed over. */
static bool take_fraction(const char **at, uint64_t *ret_ns)
{
    *ret_ns = 0;
    if (**at != '.') {
        return true;
    }
    (*at)++;
    size_t digits = 0;
    uint64_t scale = SL_SECOND;
    for (; **at >= '0' && **at <= '9'; digits++, (*at)++) {
        scale /= 10;
        *ret_ns += digits < FRACTION_DIGITS ? (uint64_t)(**at - '0') * scale : 0;
    }
    return digits > 0;
}

static bool is_leap(uint64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970, which is the first year that is taken. */
static bool days_of(uint64_t year, uint64_t month, uint64_t day, uint64_t *ret_days)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1970 || year > 2500 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U)) {
        return false;
    }
    *ret_days = day - 1;
    for (uint64_t before = 1970; before < year; before++) {
        *ret_days += is_leap(before) ? 366 : 365;
    }
    for (uint64_t before = 1; before < month; before++) {
        *ret_days += lengths[before - 1] + (before == 2 && is_leap(year) ? 1U : 0U);
    }
    return true;
}

/* "Z", "+01:00", "-05:30": what is to be taken off, in seconds. */
static bool take_zone(const char **at, int64_t *ret_seconds)
{
    uint64_t hours = 0, minutes = 0;
    char sign = **at;
    *ret_seconds = 0;
    if (sign == '\0') {
        return false;
    }
    (*at)++;
    if (sign == 'Z' || sign == 'z') {
        return true;
    }
    if ((sign != '+' && sign != '-') || !take_digits(at, 2, &hours) || *(*at)++ != ':' ||
        !take_digits(at, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
    return true;
}

/* RFC 3339 5.6, years 1970 to 2500. */
static bool parse_rfc3339(const char *text, uint64_t *ret_ns)
{
    const char *at = text;
    uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, days = 0, fraction = 0;
    int64_t zone = 0;
    if (!take_digits(&at, 4, &year) || *at++ != '-' || !take_digits(&at, 2, &month) ||
        *at++ != '-' || !take_digits(&at, 2, &day) || strchr("Tt ", *at) == NULL || *at++ == '\0' ||
        !take_digits(&at, 2, &hour) || *at++ != ':' || !take_digits(&at, 2, &minute) ||
        *at++ != ':' || !take_digits(&at, 2, &second) || !take_fraction(&at, &fraction) ||
        !take_zone(&at, &zone) || *at != '\0') {
        return false;
    }
    if (!days_of(year, month, day, &days) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t seconds = (int64_t)(days * DAY_S + hour * 3600 + minute * 60 + second) - zone;
    *ret_ns = seconds < 0 ? 0 : (uint64_t)seconds * SL_SECOND + fraction;
    return true;
}

/* Seconds since 1970, with a decimal part or without. */
static bool parse_epoch(const char *text, uint64_t *ret_ns)
{
    const char *at = text;
    uint64_t seconds = 0, fraction = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10 || !take_digits(&at, digits, &seconds) ||
        !take_fraction(&at, &fraction) || *at != '\0') {
        return false;
    }
    *ret_ns = seconds * SL_SECOND + fraction;
    return true;
}

enum sl_status ins_select_parse_time(const char *text, struct ins_select_time *ret_time,
                                     struct sl_error *reterr_error)
{
    struct ins_select_time when = {.is_given = true, .is_offset = text[0] == '+'};
    bool is_good = when.is_offset ? sl_units_duration(sl_span_str(text + 1), &when.ns) == SL_OK
                                  : parse_epoch(text, &when.ns) || parse_rfc3339(text, &when.ns);
    if (!is_good) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "give a time as 2026-01-02T03:04:05.5Z, as seconds since 1970, or as "
                            "+1.5s from the first packet");
    }
    *ret_time = when;
    return SL_OK;
}

enum sl_status ins_select_parse_call(const char *text, uint64_t *ret_call,
                                     struct sl_error *reterr_error)
{
    uint64_t call = 0;
    if (sl_units_u64(sl_span_str(text), &call) != SL_OK || call == 0) {
        return sl_error_set(reterr_error, SL_USAGE, "give the id of a call, from 1");
    }
    *ret_call = call;
    return SL_OK;
}
