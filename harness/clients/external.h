/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_EXTERNAL_H
#define HAR_EXTERNAL_H

/*
 * A client under test: the program of `run --client 'CMD {port} {room}'`, one process for each actor of kind external.
 * It knows nothing of the harness. What it does is seen at the fault proxy, through which it reaches the server, and by
 * subscribers of its room.
 *
 * The command runs by `sh -c` in a process group of its own, which is killed when the actor is released; the last of
 * its output is kept (harness/target/process.h). A client that ends by itself fails the play.
 *
 * Life: one loop, one thread.
 */
#include "harness/engine/actor.h"

enum {
    HAR_CLIENT_IDS_MAX = 100000,   /* different messages of clients that one subscriber remembers */
    HAR_CLIENT_ID_BYTES_MAX = 256, /* of a message_id */
};

/* True when this run can play the scenario; else why not: the profile or the run lacks what it needs. client: the
 * command of the run, NULL for none. */
bool har_needs_are_met(const struct har_scenario *scenario, const struct har_profile *profile,
                       const char *client, char ret_reason[HAR_REASON_MAX]);

/* Starts the actor's client, anew if it was there. */
SL_MUST_USE enum sl_status har_external_spawn(struct har_actor *actor,
                                              struct sl_error *reterr_error);
/* Signals its group. From a signal that ends it on it may end. */
void har_external_signal(struct har_actor *actor, int signal_number);
/* Kills what is left of it. NULL is fine. */
void har_external_free(struct har_external *external);
bool har_external_is_running(const struct har_external *external);

/* A message without stamp reached a subscriber in whose room clients under test may speak. False where there are none:
 * then somebody invented it. */
bool har_external_note(struct har_actor *subscriber, const struct har_message *message);
struct har_client_seen {
    size_t messages; /* by message_id, each once */
    size_t repeats;
};
struct har_client_seen har_external_seen(const struct har_actor *subscriber);
void har_client_ids_free(struct har_client_ids *ids);

#endif
