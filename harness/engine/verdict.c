/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/verdict.h"

bool har_failures_are_noise(const struct har_failure *failures, size_t count, bool was_noisy)
{
    for (size_t i = 0; i < count; i++) {
        const struct har_failure *failure = &failures[i];
        if (failure->is_mistake ||
            (failure->doubt[0] == '\0' && !(failure->is_timing && was_noisy))) {
            return false;
        }
    }
    return count > 0;
}

bool har_failures_are_trend(const struct har_failure *failures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!failures[i].is_trend) {
            return false;
        }
    }
    return count > 0;
}
