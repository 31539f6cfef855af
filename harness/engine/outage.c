/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/outage.h"

#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

void har_outage_begin(struct har_play *play)
{
    play->answer.is_down = true;
}

void har_outage_end(struct har_play *play)
{
    if (play->answer.is_down) {
        play->answer.is_down = false;
        play->answer.back_ns = sl_clock_mono_ns();
    }
}

bool har_outage_excuses(const struct har_play *play, uint64_t begin_ns)
{
    return play->answer.is_down || begin_ns < play->answer.back_ns;
}

bool har_outage_refuses(const struct har_play *play, uint64_t begin_ns, uint32_t code)
{
    return (code == SL_GRPC_UNAVAILABLE || code == SL_GRPC_CANCELLED) &&
           har_outage_excuses(play, begin_ns);
}
