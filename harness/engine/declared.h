/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_DECLARED_H
#define HAR_DECLARED_H

/*
 * What the target declares: by its profile, or by itself.
 *
 * Filling (SEND-08) and leaving out what is repeated (SEND-09) change what the core rules SEND-04 and SUB-01 promise. A
 * server that does so and is judged by a profile that says less tells it in the initial metadata of its replies
 * (`chat-capabilities: fill, dedup`). Such a word excuses; what is demanded, the profile says.
 */
#include "harness/engine/actor.h"

/* Reads the initial metadata of a reply. */
void har_declared_note(struct har_play *play, const struct sl_headers *headers);

bool har_fills(const struct har_play *play);
bool har_dedups(const struct har_play *play);

/* True where the target leaves out what is repeated, and this message has the room and the message_id of one that was
 * sent before it. */
bool har_is_repeated(const struct har_actor *sender, uint32_t sequence);

#endif
