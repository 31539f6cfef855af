/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BOUND_H
#define HAR_BOUND_H

/* The methods of a play by their roles: those of the run's binding, or of chat.v1. */
#include "harness/binding/binding.h"
#include "harness/engine/play.h"

/* Lives as long as the run. */
const char *har_bound_method(const struct har_play *play, enum har_role role);

/* Appends the message of a unary call that every server of the binding answers with OK; of chat, to a room of nobody. */
void har_bound_canary(const struct har_play *play, struct sl_buf *out);

/* Appends the one message of a server stream: of chat, the actor's subscription. */
void har_bound_subscription(const struct har_actor *actor, struct sl_buf *out);

/* Sends it on the actor's stream, and ends our side where the stream outlives that. */
void har_bound_subscribe(struct har_actor *actor);

/* True when a unary call was answered so: OK, with one message (of chat: accepted). */
bool har_bound_is_served(const struct har_call *call, const struct har_stream_result *result);

/* How the server stream of the binding shows that it is open: true when this one has. */
bool har_bound_is_open(const struct har_actor *actor);

#endif
