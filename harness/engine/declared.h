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

/* The report of drops at a subscription's end (SUB-14); trailers may be NULL. */
void har_declared_note_report(struct har_past *past, const struct sl_headers *trailers);
bool har_fills(const struct har_play *play);
bool har_dedups(const struct har_play *play);

/* True where the target leaves out what is repeated, and this message has the room and the message_id of one that was
 * sent before it. */
bool har_is_repeated(const struct har_actor *sender, uint32_t sequence);

/* A set of ids of a play, by hash: which message each belongs to. */
enum {
    HAR_JUDGED_IDS_MAX = 4096, /* what comes later is not compared */
};
struct har_judged_ids;
void har_judged_ids_free(struct har_judged_ids *ids);

/* SEND-07 of an accepted message, in scenarios that have the rule: echoed or new, and the same in the initial
 * metadata. */
void har_judge_request_id(struct har_actor *sender, uint32_t sequence, const struct har_call *call,
                          struct sl_span request_id);

/* SEND-08 of a message that came, in scenarios that have the rule: what was sent empty is filled, for all subscribers
 * alike. */
void har_judge_filled(struct har_actor *sender, uint32_t sequence, const struct har_message *sent,
                      const struct har_message *got);

/* SEND-10: the details of a status name the field that `violation` of the step says. */
void har_judge_violation(struct har_play *play, const struct har_send_args *how,
                         const struct har_stream_result *result);

#endif
