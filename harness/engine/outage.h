/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_OUTAGE_H
#define HAR_OUTAGE_H

/*
 * What the scenario itself does to the server, and what that excuses: from the moment in which it drains or kills
 * the server until a restarted one answers, streams may end and calls may be refused. Nothing else is excused: what
 * was accepted and what arrives is judged as ever.
 */
#include "harness/engine/play.h"

/* The scenario takes the server down now. */
void har_outage_begin(struct har_play *play);
/* The server answers again. */
void har_outage_end(struct har_play *play);
/* True when the end of a stream that began at begin_ns, and ends now, is excused. */
bool har_outage_excuses(const struct har_play *play, uint64_t begin_ns);
/* True when a call that began at begin_ns, and ends now with this status, was refused because of it. gRPC's C core
 * cancels calls that come between the two GOAWAYs of a drain. */
bool har_outage_refuses(const struct har_play *play, uint64_t begin_ns, uint32_t code);

#endif
