/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_OBSTACLE_H
#define HAR_OBSTACLE_H

/*
 * Lawful servers that a scenario cannot be played against as it is written; what goes wrong then is not their fault.
 *
 * The gRPC C core's client cannot read PADDED frames and takes a 1xx response for the answer. A play that fails where
 * it was sent such bytes is played again with its actors of transport grpc on h2, and so are all after it.
 * A server that allows few streams at once (RFC 9113 5.1.2) lets streams of one connection wait for each other, or
 * refuses those that a scenario's own frames open beyond: such a play is skipped, with the number in its reason.
 * One whose windows are smaller than a padded frame of the scenario, or that lacks what its `require` asks for, is skipped too.
 * What a rule found on the wire stands, and so does what a scenario finds of the limit itself (CONN-08, CONN-18).
 */
#include "harness/transport/transport.h"

struct har_actor_spec;
struct har_link;
struct har_play;

struct har_obstacles {
    const char
        *core; /* what the C core's client was sent and cannot read, as a note; NULL: nothing */
    uint32_t
        streams; /* the server's limit, beyond which it refused a stream of a scenario's frames; 0: none */
    uint32_t
        padded; /* bytes of a PADDED frame that the server's windows never held; 0: there was none */
    int64_t room; /* what they held */
    char lacks
        [200]; /* what the scenario requires of the server and it lacks, lawfully; "": nothing */
};

/* How an actor is played: as its scenario says, unless the play is to do without the C core, which is noted. */
enum har_transport har_obstacle_transport(struct har_play *play, const struct har_actor_spec *spec);
/* One frame, before har_wire_note. */
void har_obstacle_note(struct har_link *link, const struct sl_frame_event *event);
/* At the end of a play that failed: it is to be played again without the C core. */
bool har_obstacle_is_core(const struct har_play *play);
/* At the same time: why the scenario is no measure of this server; false where it is. */
bool har_obstacle_skips(const struct har_play *play, char *reason, size_t size);

#endif
