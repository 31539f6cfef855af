/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_ROOM_H
#define SRV_ROOM_H

/*
 * Rooms by their exact id (SEND-05), and who listens in each. A room exists while it has a member.
 *
 * Ownership: the table owns the rooms; members belong to whoever joined them.
 */
#include "reference-server/chat/frame.h"

struct srv_room;
struct srv_misbehave;

/* Embedded in whatever listens. */
struct srv_member {
    void (*deliver)(struct srv_member *member, struct srv_frame *frame, uint64_t now_ns);
    struct srv_room *room;
    struct srv_member *prev;
    struct srv_member *next;
};

struct srv_rooms {
    struct srv_room *table;
    const struct srv_misbehave *misbehave;
};

void srv_rooms_init(struct srv_rooms *rooms, const struct srv_misbehave *misbehave);

/* Every member must have left. */
void srv_rooms_release(struct srv_rooms *rooms);

/* member hears what is published to the room from now on; deliver is set. */
void srv_rooms_join(struct srv_rooms *rooms, struct srv_member *member, struct sl_span room_id,
                    uint64_t now_ns);

void srv_rooms_leave(struct srv_rooms *rooms, struct srv_member *member);

/* Hands frame (borrowed) to every member of the room. */
void srv_rooms_publish(struct srv_rooms *rooms, struct sl_span room_id, struct srv_frame *frame,
                       uint64_t now_ns);

/* Borrowed while the room exists. */
struct sl_span srv_room_id(const struct srv_room *room);

/* Wrong servers only: leaves frames (taken) behind for the next member of the room that member is in. */
void srv_rooms_bequeath(struct srv_member *member, struct srv_frame *frame);

#endif
