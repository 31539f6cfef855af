/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_OUTCOME_SET_H
#define HAR_OUTCOME_SET_H

/* Accept-sets: what a server did, and the words for what it may do ("stream PROTOCOL_ERROR"). */
#include "harness/engine/actor.h"

/* Of the last stream that HEADERS or DATA of a raw actor named, whoever chose its number, and of its connection. */
struct har_wire_outcome {
    const struct har_wire_stream *stream; /* NULL: nothing came of it */
    uint32_t goaway;
    bool has_goaway, is_closed;
    bool is_ending;     /* a GOAWAY without an error came, and the connection goes on so far */
    bool is_unreadable; /* the server's bytes were no HTTP/2 */
    bool is_anything;
    const char *end_text; /* of the connection */
};
struct har_wire_outcome har_outcome_of(const struct har_actor *actor);

bool har_outcome_is_valid(const char *word);
bool har_outcome_matches(const char *word, const struct har_wire_outcome *seen);
/* True when the connection may end by this outcome: a stream's error may become the connection's
 * (RFC 9113 5.4). */
bool har_outcome_may_close(const char *word);
/* The word for people: "RST_STREAM", "GOAWAY or the end of the connection"; cut where text is full; size at least 1. */
void har_outcome_read(const char *word, char *text, size_t size);
/* What was seen, as har_seen_note() takes it: "RST_STREAM(PROTOCOL_ERROR)", "grpc-status 13". Of several things that
 * came, the one that the word is about; NULL: of a word that none matches. So what comes a moment later, or does not, makes no
 * difference. */
void har_outcome_say(const char *word, const struct har_wire_outcome *seen, char *text,
                     size_t size);
/* "RST_STREAM PROTOCOL_ERROR" and so on, cut where text is full; size at least 1. */
void har_outcome_tell(const struct har_wire_outcome *seen, char *text, size_t size);

#endif
