/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_ACTOR_H
#define HAR_ACTOR_H

/*
 * Actors: their connections, streams and calls, and the notes taken of what comes.
 *
 * Whatever comes is judged here against what can be judged on the spot: a message that nobody sent, that
 * belongs to another room, that was altered, an acknowledgement that is not the next one. Such a thing
 * ends the play with its rule.
 */
#include "harness/engine/chat.h"
#include "harness/engine/play.h"
#include "harness/messages/inbox.h"
#include "harness/scenario/names.h"
#include "harness/steps/send.h"

void har_actor_init(struct har_actor *actor, struct har_play *play, unsigned group, unsigned index);
void har_actor_release(struct har_actor *actor);

/* The connection, made anew when there is none or it is closed. */
struct har_conn *har_actor_conn(struct har_actor *actor);
/* Opens the stream of a subscriber or chat. */
void har_actor_open(struct har_actor *actor);
/* Appends the RoomSubscription of this actor. */
void har_actor_subscription(const struct har_actor *actor, struct sl_buf *out);
/* What headers and a drained queue come to on any stream of an actor; owner is the actor. */
void har_actor_on_headers(void *owner, struct har_stream *stream, const struct sl_headers *headers);
void har_actor_on_drained(void *owner, struct har_stream *stream);
/* The server has ended the actor's stream: noted and judged. */
void har_actor_note_end(struct har_actor *actor, const struct har_stream_result *result);
/* Leaves the stream: RST_STREAM(CANCEL). */
void har_actor_cancel(struct har_actor *actor);
/* The same with another error of RFC 9113 7. */
void har_actor_reset(struct har_actor *actor, uint32_t error);
/* An HTTP/2 PING on the actor's connection (h2), noted in its probes; false when it cannot be sent. */
bool har_actor_ping(struct har_actor *actor, int phase);
/* Closes the connection; all actors on it have left. */
void har_actor_close(struct har_actor *actor, enum har_close how);

/* A step finds no stream that it could use: the server's failure where the server has ended it, else a
 * mistake of the scenario. */
void har_actor_no_stream(struct har_actor *actor, const struct har_node *node);
/* A unary call; payload is copied. done() comes once, from the loop, unless the actor is released. */
struct har_call *har_actor_call(struct har_actor *actor, const char *method, struct sl_span payload,
                                har_call_fn *done, void *owner);
/* The same with one more field of metadata; NULL: none. */
struct har_call *har_actor_call_with(struct har_actor *actor, const char *method,
                                     struct sl_span payload, const struct sl_header *field,
                                     har_call_fn *done, void *owner);
/* A call of any method: all messages at once, then half-close; all that comes is in its replies. */
struct har_call_config {
    const char *method;                /* kept */
    const struct har_inbox *messages;  /* copied */
    const struct sl_headers *metadata; /* all of it; copied */
    uint64_t timeout_ns;               /* grpc-timeout; 0: none */
    har_call_fn *done;
    void *owner;
};
struct har_call *har_actor_call_any(struct har_actor *actor, const struct har_call_config *config);
/* Ends the call without done(). */
void har_call_free(struct har_call *call);

/* A new record for one message. */
uint32_t har_actor_note_sent(struct har_actor *actor, const struct har_send_args *how,
                             uint64_t intended_ns);
/* Of a chat: the message whose acknowledgement comes next, or sent_count. */
uint32_t har_actor_next_ack(const struct har_actor *actor);
/* The fields of message number sequence, in scratch (cleared first). */
void har_actor_message(const struct har_actor *actor, uint32_t sequence, struct sl_buf *scratch,
                       struct har_message *ret_message);

/* The same as subscribers get it: a chat's message that names no room has that of its stream's first one (CHAT-04). */
void har_actor_copy(const struct har_actor *actor, uint32_t sequence, struct sl_buf *scratch,
                    struct har_message *ret_message);
/* The room of that copy, "" where there is none; *ret_owned is the caller's to free, and may be NULL. */
const char *har_actor_room_of(const struct har_actor *actor, uint32_t sequence, char **ret_owned);
/* False for a message whose text is empty. */
bool har_actor_has_text(const struct har_actor *actor, uint32_t sequence);

/* A number of the actor's connection (NULL: not made yet), which counts once in each round. */
double har_link_count(struct har_link *link, enum har_counter counter, unsigned round);

struct har_actor *har_play_actor(struct har_play *play, uint16_t number);
/* Connections of a play, for its end. */
void har_links_release(struct har_play *play);

#define HAR_FOR_ACTORS(play, mask, actor)                                                        \
    for (struct har_actor *actor = (play)->actors; actor < (play)->actors + (play)->actor_count; \
         actor++)                                                                                \
        if (((mask) >> actor->group & 1) != 0)

#endif
