/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STEPS_PROBE_H
#define HAR_STEPS_PROBE_H

/* Probes. Not every server sends headers before the first message, so numbered messages of one hidden publisher tell
 * who is registered (proto/CONTRACT.md, SubscribeToRoom). No check counts them as messages of the scenario. */
#include <stdbool.h>

#include "harness/engine/play.h"

/* Sends the next probe to a room, which must outlive the play; nothing beyond 100,000 in a play. One that is not accepted fails the
 * play. */
void har_probe_send(struct har_play *play, const char *room);

/* True while a probe is not answered. */
bool har_probe_is_waiting(struct har_play *play);

#endif
