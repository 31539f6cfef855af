/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/overflow.h"

void srv_h2_overflow_begin(struct srv_h2_overflow *overflow, uint32_t initial)
{
    *overflow = (struct srv_h2_overflow){.initial = initial, .is_awaited = true};
}

void srv_h2_overflow_again(struct srv_h2_overflow *overflow)
{
    overflow->widest = 0;
}

void srv_h2_overflow_look(struct srv_h2_overflow *overflow, int32_t window)
{
    if (window > overflow->widest) {
        overflow->widest = window;
    }
}

bool srv_h2_overflow_end(struct srv_h2_overflow *overflow, uint32_t initial)
{
    int64_t window = (int64_t)overflow->widest + initial - overflow->initial;
    bool is_too_wide = overflow->is_awaited && overflow->widest > 0 && window > INT32_MAX;
    overflow->is_awaited = false;
    return is_too_wide;
}
