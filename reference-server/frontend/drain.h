/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_DRAIN_H
#define SRV_DRAIN_H

/* What a drain (OPS-03) is on every front end; how its connections are told to go is each one's own. */
#include "lib/base/clock.h"
#include "reference-server/services/methods.h"

/* The status text of streams that outlive the grace; UNAVAILABLE. */
#define SRV_DRAIN_TEXT "server draining"

/* How long a status may take to go out before its stream or connection is cut. */
#define SRV_DRAIN_FLUSH_NS (500 * SL_MS)

/* The first step: health says NOT_SERVING, everything else goes on. Returns for how long, in ns. */
uint64_t srv_drain_tell(const struct srv_services *services);

/* How long streams may go on once their clients know, in ns; SRV_NEVER in a wrong server. */
uint64_t srv_drain_grace(const struct srv_services *services, uint64_t grace_ns);

#endif
