/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_IN_FLIGHT_H
#define SL_OBS_IN_FLIGHT_H

/* Internal to control.c and flow.c: SETTINGS and PINGs that wait for their acknowledgement. Limits: SL_OBS_SETTINGS_IN_FLIGHT
 * and SL_OBS_PINGS_IN_FLIGHT of them, which control.c keeps. */
#include "lib/wire/call.h"

/* A SETTINGS or PING that was sent and not yet acknowledged. */
struct sl_obs_sent {
    uint64_t value; /* INITIAL_WINDOW_SIZE, or the PING's opaque data */
    uint64_t mark;  /* sl_obs_dir.frames with it */
    struct sl_at at;
    bool has_value;
};

/* Those of one kind of one side, the oldest first; allocated as far as they were ever needed, for most connections have one
 * at a time. */
struct sl_obs_in_flight {
    struct sl_obs_sent *all;
    uint32_t count, capacity;
};

#endif
