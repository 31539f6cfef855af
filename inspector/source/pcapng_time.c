/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/pcapng_time.h"

enum {
    BINARY = 0x80,      /* of if_tsresol */
    BINARY_DIGITS = 30, /* 2^30 parts of a second times 10^9 fit 64 bits */
    DECIMAL_DIGITS = 9, /* as do 10^9 parts */
    DECIMAL_MAX = 19,   /* 10^19 fits 64 bits */
    BINARY_MAX = 63,
};

#define NS_PER_S UINT64_C(1000000000)
#define LATEST_S INT64_C(16725225600) /* the year 2500; more does not fit 64 bits of nanoseconds */

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent > 0) {
        power *= 10;
        exponent--;
    }
    return power;
}

struct ins_pcapng_clock ins_pcapng_clock_default(void)
{
    return (struct ins_pcapng_clock){.is_known = true, .units = 1000000, .divisor = 1};
}

void ins_pcapng_clock_resolution(struct ins_pcapng_clock *clock, uint8_t value)
{
    unsigned digits = value & (BINARY - 1);
    clock->shift = 0;
    clock->divisor = 1;
    if ((value & BINARY) != 0) {
        clock->is_known = digits <= BINARY_MAX;
        if (digits > BINARY_DIGITS) {
            clock->shift = clock->is_known ? digits - BINARY_DIGITS : 0;
            digits = BINARY_DIGITS;
        }
        clock->units = UINT64_C(1) << digits;
        return;
    }
    clock->is_known = digits <= DECIMAL_MAX;
    if (digits > DECIMAL_DIGITS) {
        clock->divisor = clock->is_known ? power_of_ten(digits - DECIMAL_DIGITS) : 1;
        digits = DECIMAL_DIGITS;
    }
    clock->units = power_of_ten(digits);
}

bool ins_pcapng_clock_ns(const struct ins_pcapng_clock *clock, uint64_t ticks, uint64_t *ret_ns)
{
    uint64_t parts = (ticks >> clock->shift) / clock->divisor;
    uint64_t seconds = parts / clock->units;
    if (!clock->is_known || seconds > (uint64_t)LATEST_S || clock->offset_s > LATEST_S ||
        clock->offset_s < -LATEST_S) {
        return false;
    }
    int64_t moved = (int64_t)seconds + clock->offset_s;
    if (moved < 0 || moved > LATEST_S) {
        return false;
    }
    *ret_ns = (uint64_t)moved * NS_PER_S + parts % clock->units * NS_PER_S / clock->units;
    return true;
}
