/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_NOTES_H
#define HAR_NOTES_H

/* What comes from the server, noted and judged on the spot. */
#include "harness/engine/actor.h"

void har_note_received(struct har_actor *actor, struct sl_span payload, uint64_t now_ns);
/* A message on a stream of the binding: nothing is known of it but that it came. */
void har_note_bound(struct har_actor *actor, uint64_t now_ns);
void har_note_command(struct har_actor *actor, struct sl_span payload, uint64_t now_ns);
/* A message of any service on a stream of the kind `stream`. */
void har_note_generic(struct har_actor *actor, struct sl_span payload, uint64_t now_ns);
/* The server has ended the actor's stream. */
void har_note_end(struct har_actor *actor);
/* What it breaks by that, where it should not have. */
const char *har_note_end_rule(const struct har_actor *actor);
/* The answer of SendMessage to message number sequence. */
void har_note_reply(struct har_actor *actor, uint32_t sequence, const struct har_call *call,
                    const struct har_stream_result *result);
void har_note_finding(struct har_play *play, const struct sl_finding *finding);

enum {
    HAR_NOTE_SHOWN = 60 * 4 + 8,
};
/* Peer bytes for a reason: printable, quoted, cut; returns text. */
const char *har_note_show(struct sl_span bytes, char text[HAR_NOTE_SHOWN]);

#endif
