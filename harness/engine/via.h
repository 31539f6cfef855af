/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_VIA_H
#define HAR_VIA_H

/* The fault proxy of a play, which stands between its actors with "via": "proxy" and the target. */
#include "harness/engine/play.h"
#include "harness/evidence/trace.h"
#include "harness/proxy/proxy.h"
#include "harness/scenario/names.h"

/* Puts the proxy up where an actor asks for it; fails the play when that is not possible. */
void har_via_begin(struct har_play *play);
/* True when the play has a proxy, or would have one. */
bool har_via_is_used(const struct har_scenario *scenario);
/* Where an actor's connection goes. */
void har_via_route(const struct har_play *play, const struct har_actor_spec *spec,
                   struct har_conn_config *config);
/* What an actor's connection is called in a trace. */
const char *har_via_name(const struct har_actor *actor, char name[HAR_TRACE_NAME_MAX]);
/* A number of the proxy (har_counter_is_of_proxy). */
double har_via_count(const struct har_play *play, enum har_counter counter);
/* What the proxy did, as lines of the decision log: by connection and fault, whenever it was; nothing where it
 * depends on a client under test. */
void har_via_decisions(const struct har_play *play, struct sl_buf *out);

#endif
