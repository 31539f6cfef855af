/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_ROOM_H
#define SRV_ROOM_H

/*
 * Rooms by their exact id (SEND-05), who listens in each, and what was said last. A room exists while it has a
 * member or a history.
 *
 * Ownership: the table owns the rooms; members belong to whoever joined them.
 * Limits: rooms without a member go when SRV_ROOMS_KEEP_NS have passed, when there are more than SRV_ROOMS_IDLE_MAX,
 * when there are as many rooms as may be and another one is needed, and when all histories together cost more than
 * history_max: those that were left first go first. Then
 * the room that is published to forgets. What has expired is freed by the next message or subscription. A message that
 * finds no room, and no space for one, is published to nobody, and not kept.
 * The table is keyed with a secret: nobody can choose ids that make it slow.
 */
#include "lib/base/clock.h"
#include "lib/base/tally.h"
#include "reference-server/chat/memory.h"
#include "reference-server/chat/ring.h"
#include "reference-server/chat/stats.h"

enum {
    SRV_ROOMS_IDLE_MAX = 1000,
    SRV_ROOMS_HISTORY_BYTES = 32 * 1024 * 1024,
    SRV_ROOMS_ID_MAX = 1024, /* bytes; there is no room with a longer id */
    SRV_ROOMS_KEY = 16,      /* bytes */
};
#define SRV_ROOMS_KEEP_NS (60 * SL_SECOND)

struct srv_room;
struct srv_history;
struct srv_misbehave;

/* Embedded in whatever listens. */
struct srv_member {
    void (*deliver)(struct srv_member *member, struct srv_frame *frame, uint64_t now_ns);
    struct srv_room *room;
    bool is_skipped; /* wrong servers: misses the next message */
    struct srv_member *prev;
    struct srv_member *next;
};

struct srv_rooms {
    struct srv_room *table;
    struct sl_tally count; /* rooms in it */
    struct srv_room *idle; /* without a member; the one that was left first is first */
    size_t idle_count;
    size_t history_bytes; /* of all rooms */
    uint64_t now_ns;      /* of the last message or subscription */
    const struct srv_misbehave *misbehave;
    struct srv_memory *memory; /* that messages in a history take part of */
    uint8_t key[SRV_ROOMS_KEY];
    /* Until they are set: none, and no limit. */
    size_t history;     /* messages that a room keeps */
    size_t history_max; /* bytes of all histories */
    size_t max_rooms;
    size_t max_members; /* of one room */
};

/* Both are borrowed. */
void srv_rooms_init(struct srv_rooms *rooms, const struct srv_misbehave *misbehave,
                    struct srv_memory *memory);

/* Every member must have left. */
void srv_rooms_release(struct srv_rooms *rooms);

/* True when one more may join the room; else *ret_limit says why not. */
bool srv_rooms_has_space(const struct srv_rooms *rooms, struct sl_span room_id,
                         enum srv_limit *ret_limit);

/* member hears what is published to the room from now on; deliver is set, and there is space. */
void srv_rooms_join(struct srv_rooms *rooms, struct srv_member *member, struct sl_span room_id,
                    uint64_t now_ns);

void srv_rooms_leave(struct srv_rooms *rooms, struct srv_member *member);

/* Hands frame (borrowed) to every member of the room, and keeps it in the history. */
void srv_rooms_publish(struct srv_rooms *rooms, struct sl_span room_id, struct srv_frame *frame,
                       uint64_t now_ns);

/* The messages that a room keeps; NULL when it has none. Borrowed until the next call of any function here. */
const struct srv_history *srv_rooms_history(const struct srv_rooms *rooms, struct sl_span room_id);

/* Borrowed while the room exists. */
struct sl_span srv_room_id(const struct srv_room *room);

/* Wrong servers only: leaves frames (taken) behind for the next member of the room that member is in. */
void srv_rooms_bequeath(struct srv_member *member, struct srv_frame *frame);

#endif
