/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/units.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"ns", 1},         {"us", 1000},       {"ms", 1000000},
    {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

static const struct unit sizes[] = {
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
};

/* Reads the leading digits of *text into ret_value and moves past them. */
static enum sl_status digits(struct sl_span *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text->len && text->data[i] >= '0' && text->data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text->data[i] - '0'), &value)) {
            return SL_LIMIT;
        }
    }
    if (i == 0) {
        return SL_MALFORMED;
    }
    *text = sl_span_from(*text, i);
    *ret_value = value;
    return SL_OK;
}

enum sl_status sl_units_u64(struct sl_span text, uint64_t *ret_value)
{
    enum sl_status status = digits(&text, ret_value);
    return status == SL_OK && text.len > 0 ? SL_MALFORMED : status;
}

static const struct unit *find(const struct unit *units, size_t count, struct sl_span name)
{
    for (size_t i = 0; i < count; i++) {
        if (sl_span_is(name, units[i].name)) {
            return &units[i];
        }
    }
    return NULL;
}

/* The decimals behind a point, as a part of factor; moves past them. */
static uint64_t decimals(struct sl_span *text, uint64_t factor)
{
    uint64_t part = 0;
    size_t i = 0;
    for (; i < text->len && text->data[i] >= '0' && text->data[i] <= '9'; i++) {
        factor /= 10;
        part += factor * (uint64_t)(text->data[i] - '0');
    }
    *text = sl_span_from(*text, i);
    return part;
}

enum sl_status sl_units_duration(struct sl_span text, uint64_t *ret_ns)
{
    uint64_t whole = 0;
    enum sl_status status = digits(&text, &whole);
    if (status != SL_OK) {
        return status;
    }
    if (text.len == 0) {
        *ret_ns = 0;
        return whole == 0 ? SL_OK : SL_MALFORMED;
    }
    struct sl_span point = text;
    bool has_point = text.data[0] == '.';
    if (has_point) {
        point = text = sl_span_from(text, 1);
        (void)decimals(&text, 1);
        if (text.len == point.len) {
            return SL_MALFORMED;
        }
    }
    const struct unit *unit = find(durations, sizeof(durations) / sizeof(durations[0]), text);
    if (unit == NULL) {
        return SL_MALFORMED;
    }
    if (__builtin_mul_overflow(whole, unit->factor, ret_ns)) {
        return SL_LIMIT;
    }
    uint64_t part = has_point ? decimals(&point, unit->factor) : 0;
    return __builtin_add_overflow(*ret_ns, part, ret_ns) ? SL_LIMIT : SL_OK;
}

enum sl_status sl_units_size(struct sl_span text, uint64_t *ret_bytes)
{
    uint64_t whole = 0;
    enum sl_status status = digits(&text, &whole);
    if (status != SL_OK) {
        return status;
    }
    const struct unit *unit =
        text.len == 0 ? &sizes[0] : find(sizes, sizeof(sizes) / sizeof(sizes[0]), text);
    if (unit == NULL) {
        return SL_MALFORMED;
    }
    return __builtin_mul_overflow(whole, unit->factor, ret_bytes) ? SL_LIMIT : SL_OK;
}
