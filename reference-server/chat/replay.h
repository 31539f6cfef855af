/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_REPLAY_H
#define SRV_REPLAY_H

/*
 * What a subscription is sent of the room's history before it is live (SUB-12, SUB-13).
 *
 * A subscription takes its replay and joins its room in one step, so that nothing is lost or doubled in between.
 * In wrong servers one of the two comes late; with no switch set `late_ns` stays 0.
 *
 * Ownership: embedded in a subscriber; holds one reference of each message.
 */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/message.h"

struct srv_replay {
    struct srv_ring messages;
    /* Wrong servers: */
    uint64_t late_ns;          /* when the other half of the start is done; 0: both were at once */
    struct srv_frame *request; /* of the subscription, until then */
    bool is_joined;
};

/* Takes what wanted asks for. False when the message to resume after is gone (SUB-13). */
bool srv_replay_take(struct srv_replay *replay, const struct srv_chat *chat,
                     const struct srv_subscription *wanted);

/* Takes the replay of request (its bytes, decoded as wanted) and joins member to its room. False: see above. */
bool srv_replay_start(struct srv_replay *replay, struct srv_chat *chat, struct srv_member *member,
                      struct sl_span request, uint64_t now_ns);

/* Wrong servers: does what is late when its time has come; else gives that time. 0: nothing is late. */
uint64_t srv_replay_late(struct srv_replay *replay, struct srv_chat *chat,
                         struct srv_member *member, uint64_t now_ns);

/* A zeroed replay is fine. */
void srv_replay_release(struct srv_replay *replay);

#endif
