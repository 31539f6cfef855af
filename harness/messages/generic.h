/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_GENERIC_H
#define HAR_GENERIC_H

/*
 * Streams of any method of any service (actors of the kind `stream`): the method is the actor's, its messages
 * are JSON by the schema of the run. What comes is kept as bytes in the actor's inbox, and noted as received so
 * that counts, rates and shares are judged as those of chat messages.
 */
#include "harness/engine/actor.h"
#include "harness/messages/inbox.h"
#include "lib/wire/hpack.h"

struct har_open_config {
    const struct har_inbox *messages; /* sent at once; NULL: none */
    const struct sl_headers *metadata;
    uint64_t timeout_ns;              /* grpc-timeout; 0: none */
    bool is_half_closed;              /* behind the messages */
    const struct har_strings *status; /* how the server may end it; none: OK. Kept */
    const char *rule; /* broken when it ends otherwise; NULL: the scenario's first. Kept */
};

/* The method of a path, with both its types; NULL, and the play has failed, when no schema knows them. */
const struct sl_method *har_generic_method(struct har_play *play, const struct har_node *node,
                                           const char *path);
/* True when the actor's stream was opened; else the play has failed. */
bool har_generic_is_ready(struct har_actor *actor, const struct har_node *node);
/* The template as a message to the server; false, and the play has failed, when it is none. */
bool har_generic_encode(struct har_actor *actor, const struct har_node *node, json_t *template,
                        uint32_t sequence, struct sl_buf *out);
void har_generic_open(struct har_actor *actor, const struct sl_method *method,
                      const struct har_open_config *config);

/* The metadata of a call: that of the run, then the members of json (strings; for names that end in
 * -bin also {"base64": "..."}; arrays of these where a name comes again), whose strings are templates. False, and the play has failed, when it is too much. */
bool har_generic_metadata(struct har_actor *actor, const struct har_node *node, json_t *json,
                          struct sl_headers *ret_metadata);
/* NULL, or what is wrong with such metadata. */
const char *har_generic_metadata_problem(json_t *json);
/* The same of trailers that are wanted: strings. */
const char *har_generic_trailers_problem(json_t *json);

#endif
