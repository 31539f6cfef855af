/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/learn.h"

#include <stdio.h>

#include "lib/base/clock.h"

/* A target that is near answers in milliseconds; one that is far is given so many round trips more. */
#define LEARN_NS    (10 * SL_SECOND)
#define ROUND_TRIPS 100

void har_learn_want(struct har_learn *learn, const struct har_scenario *scenario,
                    const struct har_profile *profile, const struct sl_pool *pool)
{
    for (size_t i = 0; i < scenario->needs.count; i++) {
        if (!har_profile_meets(profile, scenario->needs.items[i])) {
            return;
        }
    }
    har_methods_missing(scenario, pool, &learn->missing);
}

static void on_done(void *owner, enum sl_status status, const char *text)
{
    struct har_learn *learn = owner;
    (void)status;
    (void)snprintf(learn->text, sizeof(learn->text), "%s%s%s",
                   text[0] == '\0' ? "" : "; the target was asked by reflection: ", text,
                   text[0] == '\0' ? "; the target does not know it either" : "");
    har_learn_stop(learn);
    learn->done(learn->owner);
}

bool har_learn_start(struct har_learn *learn, uv_loop_t *loop,
                     const struct har_reflect_config *target, uint64_t rtt_ns)
{
    if (learn->missing.count == 0) {
        return false;
    }
    struct har_reflect_config config = *target;
    config.methods = learn->missing.paths;
    config.method_count = learn->missing.count;
    config.timeout_ns = LEARN_NS + ROUND_TRIPS * rtt_ns;
    config.done = on_done;
    config.owner = learn;
    learn->reflect = har_reflect_new(loop, &config);
    return true;
}

void har_learn_stop(struct har_learn *learn)
{
    har_reflect_free(learn->reflect);
    learn->reflect = NULL;
}
