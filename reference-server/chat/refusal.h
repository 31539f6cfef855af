/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_REFUSAL_H
#define SRV_REFUSAL_H

/* What a request is refused for (SEND-10, SUB-11, limits), with the details that a client's program can read. */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/stream.h"

enum {
    SRV_ROOM_ID_MAX = 256, /* bytes */
};

/* False when the room id is longer than SRV_ROOM_ID_MAX or holds a control character (U+0000 to U+001F, U+007F). */
bool srv_room_id_is_valid(struct sl_span room_id);

/* INVALID_ARGUMENT with a google.rpc.Status that holds one BadRequest.FieldViolation. field and description are
 * static. */
struct srv_answer srv_bad_field(const struct srv_misbehave *misbehave, const char *field,
                                const char *description);

/* RESOURCE_EXHAUSTED, with a text that names the limit and its value; counted. The text lives as long as chat. */
struct srv_answer srv_limit_reached(struct srv_chat *chat, enum srv_limit limit);

#endif
